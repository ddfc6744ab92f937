// What a tool writes about itself, cleaned before anybody reads it (K2).
#pragma once

#include <filesystem>
#include <vector>

#include "log.hpp"
#include "record/redact.hpp"

namespace hyops::step_host {

// For when nothing of the tool can write any more. A report that cannot be cleaned is removed, and
// the log says so: better none than one with a secret in it (K1).
void clean_reports(const std::vector<std::filesystem::path>& reports,
                   const record::Redactor& redactor, Log& log);

}  // namespace hyops::step_host
