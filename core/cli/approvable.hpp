// What a person approves: a plan file as it was understood, and how it is shown before anything is
// signed.
#pragma once

#include <filesystem>

#include "cli/command.hpp"
#include "plan/plan.hpp"
#include "trust/approval.hpp"

namespace hyops::cli {

struct Approvable {
  plan::Plan plan;
  trust::ApprovalNeed need;  // all but who starts it, and its decider
};

// plan.malformed also where the file holds more than is understood: it would be signed unseen.
Result<Approvable> read_approvable(const std::filesystem::path& plan_file);

// Blast radius, irreversible steps and cost before all else; every kind of effect, known to us or
// not.
void show_what_is_approved(Context& context, const Approvable& what);

}  // namespace hyops::cli
