// The installation, the runner and its lanes under the doctor's eyes, and where they stand (D1).
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/doctor.hpp"
#include "cli/lane_check.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "plugin/registry.hpp"
#include "trust/trust.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;
constexpr int64_t day_ms = 86'400'000;

void examine_ledger(const Context& context, Diagnosis& diagnosis) {
  std::error_code problem;
  if (!fs::exists(context.places.ledger(), problem))
    return diagnosis.ok("ledger", "there is none yet; the first run makes it in " +
                                      context.places.ledger().string());
  auto ledger = read_ledger(context);
  if (!ledger) return diagnosis.bad("ledger", ledger.error().text(), ledger.error().next);
  if (auto whole = ledger->check(); !whole)
    return diagnosis.bad("ledger", whole.error().text(), whole.error().next);
  diagnosis.ok("ledger", "opens, and every chain of it holds");
  auto runs = ledger->runs({}, 1000);
  if (!runs) return;
  for (const auto& run : *runs)
    if (const auto carrier = carrier_of(*ledger, run); carrier == ledger::Holder::unclear)
      diagnosis.warn("ledger", say_unclear(*ledger, run), next_command(run, carrier, {}));
    else if (carrier == ledger::Holder::dead)
      diagnosis.warn("ledger",
                     "run " + run.id.value + " in lane " + run.lane +
                         " was interrupted, and its process is gone",
                     "hyops run resume " + run.id.value);
    else if (run.status == "unknown")
      diagnosis.warn(
          "ledger",
          "run " + run.id.value + " in lane " + run.lane + " has steps whose outcome is unknown",
          "hyops run reconcile " + run.id.value);
}

// A key is loaded by the code that will use it, which refuses wrong modes, owners and links.
void examine_keys(const engine::Setup& setup, Diagnosis& diagnosis) {
  if (auto key = trust::SecretKey::load(setup.signing_key()); !key)
    diagnosis.bad("runner", key.error().text(), key.error().next);
  if (auto key = trust::SealKey::load(setup.seal_key()); !key)
    diagnosis.bad("runner", key.error().text(), key.error().next);
  struct stat found {};
  const fs::path ssh = setup.ssh_identity();
  if (::lstat(ssh.c_str(), &found) != 0)
    diagnosis.bad("runner", "its SSH key " + ssh.string() + " is missing: no host can be reached",
                  "hyops runner init --replace");
  else if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 077) != 0)
    diagnosis.bad("runner",
                  "its SSH key " + ssh.string() +
                      " is a link, somebody else's, or open to others: ssh refuses it",
                  "chmod 600 " + ssh.string());
  if (::stat(setup.home.c_str(), &found) == 0 && (found.st_mode & 022) != 0)
    diagnosis.bad("runner",
                  setup.home.string() + " can be written by others: nothing in it can be trusted",
                  "chmod 700 " + setup.home.string());
}

// Secrets of a bundle cannot be read here; that it will expire or was sealed to others can.
void examine_bundle(const engine::Setup& setup, const std::string& lane,
                    const contract::SecretAuthority& authority, Diagnosis& diagnosis) {
  const std::string file = get_string(authority.config, "bundle");
  if (file.empty()) return;
  const std::string what = "lane " + lane + ": its secret bundle " + file;
  auto text = read_file(file);
  if (!text)
    return diagnosis.warn("secrets", what + " cannot be read here", "hyops secret show " + file);
  auto listing = trust::list_bundle(*text);
  if (!listing)
    return diagnosis.bad("secrets", what + " is damaged: " + listing.error().message,
                         listing.error().next);
  const auto& about = listing->about;
  const int64_t left = about.expires_ms - system_clock().wall_ms();
  const std::string until = to_rfc3339(about.expires_ms),
                    seal = "Seal a new one: hyops secret seal";
  if (left <= 0) return diagnosis.bad("secrets", what + " expired at " + until, seal);
  if (left < 7 * day_ms)
    diagnosis.warn("secrets", what + " expires in " + show_duration(left) + ", at " + until, seal);
  else
    diagnosis.ok("secrets", what + " holds " + std::to_string(listing->names.size()) +
                                " secrets and is good until " + until);
  if (auto key = trust::SealKey::load(setup.seal_key());
      key && std::find(about.recipients.begin(), about.recipients.end(), key->public_text()) ==
                 about.recipients.end())
    diagnosis.warn("secrets", what + " is not sealed to this runner: it cannot open it",
                   seal + " for this runner, too.");
}

std::string fact(const contract::Lane& lane, const char* name) {
  const auto found = lane.facts.find(name);
  return found != lane.facts.end() && found->second.is_string() ? found->second.get<std::string>()
                                                                : std::string();
}

// D1: the shared control plane stands outside the primary site's failure domain, or it is said
// which part does not. The primary site is a fact of the lane; so are the sites of the parts that
// are not runners.
void examine_place(const contract::Lane& lane, const std::optional<engine::Attestation>& here,
                   Diagnosis& diagnosis) {
  const std::string about = "lane " + lane.name + ": ";
  std::string primary = fact(lane, "primary_site");
  if (primary.empty()) primary = fact(lane, "primary_zone");
  if (primary.empty())
    return diagnosis.warn("place",
                          about +
                              "it does not name its primary site, so it cannot be said whether the "
                              "control plane outlives it (D1)",
                          "Add primary_site = \"...\" to [facts] of the lane.");
  std::vector<std::string> outside;
  for (const auto& [name, runner] : lane.runners)
    if (runner.plane != primary) outside.push_back(name + " (" + runner.plane + ")");
  if (here && here->plane != primary)
    diagnosis.ok("place", about + "this runner, its ledger and its records stand in " +
                              here->plane + ", outside the primary site " + primary + " (D1)");
  else if (here && !outside.empty())
    diagnosis.warn("place",
                   about + "this runner stands inside the primary site " + primary +
                       ": it can fail back and is lost with the "
                       "site; " +
                       join(outside) + " stands outside (D1)",
                   "Keep the records' copies outside: hyops run collect");
  else if (here)
    diagnosis.bad("place",
                  about + "this runner, its ledger and its records stand inside the primary site " +
                      primary +
                      ", and the lane has no runner outside it: a failover has nowhere to run (D1)",
                  "Bootstrap a runner elsewhere: hyops runner init --name NAME --plane PLANE");
  else if (outside.empty())
    diagnosis.bad(
        "place", about + "none of its runners stands outside the primary site " + primary + " (D1)",
        "Bootstrap a runner elsewhere and add it to [runners] of the lane.");
  else
    diagnosis.ok("place",
                 about + join(outside) + " stands outside the primary site " + primary + " (D1)");
  const auto sites = lane.facts.find("control_sites");
  if (sites == lane.facts.end() || !sites->second.is_object())
    return diagnosis.warn(
        "place",
        about + "where decisions, approvals and the backup repository stand is not declared (D1)",
        "Add control_sites = { decisions = \"...\", approvals = \"...\", repository = \"...\" } to "
        "[facts] of the lane.");
  for (const auto& [part, site] : sites->second.items()) {
    if (!site.is_string()) continue;
    if (site.get<std::string>() == primary)
      diagnosis.bad(
          "place",
          about + part + " stands inside the primary site " + primary + " and is lost with it (D1)",
          "Move " + printable(part, 40) + " to another site.");
    else
      diagnosis.ok("place", about + part + " stands in " + site.get<std::string>() +
                                ", outside the primary site (D1)");
  }
}

void examine_membership(const contract::Lane& lane, const engine::Attestation& here,
                        Diagnosis& diagnosis) {
  const auto known = lane.runners.find(here.name);
  if (known == lane.runners.end())
    diagnosis.warn("lanes",
                   "lane " + lane.name + " does not name this runner (" + here.name +
                       "): nothing can be dispatched to it",
                   "Add what hyops runner status prints to the lane.");
  else if (known->second.key != here.key || known->second.plane != here.plane)
    diagnosis.bad("lanes",
                  "lane " + lane.name + " knows runner " + here.name +
                      " with another key or plane: its records will not verify",
                  "Put what hyops runner status prints into the lane.");
}

}  // namespace

void examine_installation(const Context& context, Diagnosis& diagnosis) {
  for (const char* helper : {"hyops-step-host", "hyops-stream-host", "hyops-plugin-host"}) {
    const fs::path file = context.places.libexec() / helper;
    if (::access(file.c_str(), X_OK) == 0)
      diagnosis.ok("install", std::string(helper) + " is in place");
    else
      diagnosis.bad("install", file.string() + " is missing or cannot be executed: no step can run",
                    "Install hyops again.");
  }
  examine_plugins(context, diagnosis);
  examine_ledger(context, diagnosis);
}

void examine_runner(const Context& context, Diagnosis& diagnosis) {
  const engine::Setup setup = setup_of(context);
  const auto here = engine::read_attestation(setup);
  if (!here) return diagnosis.bad("runner", here.error().message, here.error().next);
  if (!*here)
    return diagnosis.warn(
        "runner", "this machine is no runner: it can plan and dispatch, and executes nothing (E2)",
        "hyops runner init --name NAME --plane PLANE");
  diagnosis.ok("runner", "this is runner " + (*here)->name + " of plane " + (*here)->plane +
                             ", since " + to_rfc3339((*here)->bootstrapped_ms));
  if ((*here)->version != HYOPS_VERSION)
    diagnosis.warn("runner",
                   "it was bootstrapped by hyops " + (*here)->version + ", this is " HYOPS_VERSION,
                   "Compare the releases; hyops runner init --replace renews it.");
  examine_keys(setup, diagnosis);
}

void examine_lanes(const Context& context, Diagnosis& diagnosis) {
  const engine::Setup setup = setup_of(context);
  const auto read = engine::read_attestation(setup);
  const std::optional<engine::Attestation> here = read ? *read : std::nullopt;
  const auto names = lane_names(context);
  if (names.empty())
    diagnosis.warn("lanes", "no lane stands on this machine, so nothing can be planned",
                   "hyops lane new LANE --from FILE");
  for (const auto& name : names) {
    contract::Diagnostics problems;
    const auto lane = check_lane_file(context, context.places.lane(name), problems);
    if (lane && lane->name != name)
      problems.push_back(make_error("cli.lane.name", "its file is that of lane " + lane->name));
    if (problems.empty())
      diagnosis.ok("lanes", "lane " + name + " loads and checks");
    else
      diagnosis.bad("lanes",
                    "lane " + name + " has " + std::to_string(problems.size()) +
                        " problems; the first: " + problems.front().text(),
                    "hyops lane check " + name);
    if (!lane) continue;
    if (here) examine_membership(*lane, *here, diagnosis);
    for (const auto* authority : {&lane->secrets, &lane->standby})
      examine_bundle(setup, lane->name, *authority, diagnosis);
    examine_place(*lane, here, diagnosis);
  }
}

}  // namespace hyops::cli
