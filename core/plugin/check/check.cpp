// The one table of all checks, and the order in which they are made.
#include "plugin/check/check.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "plugin/check/finding.hpp"

namespace hyops::plugin::check {
namespace {

std::vector<Check> table() {
  std::vector<Check> all;
  for (const auto* some :
       {&load_checks, &life_checks, &verb_checks, &effect_checks, &stop_checks, &input_checks})
    all.insert(all.end(), some->begin(), some->end());
  return all;
}

Status check_names(const std::vector<std::string>& only) {
  std::vector<std::string> known;
  for (const auto& check : table()) known.emplace_back(check.name);
  for (const auto& name : only)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail("plugin.check.unknown",
                  "there is no check \"" + printable(name, 60) + "\"." + did_you_mean(name, known));
  return {};
}

}  // namespace

std::string_view name(Outcome outcome) {
  return outcome == Outcome::ok ? "ok" : outcome == Outcome::failed ? "failed" : "skipped";
}

size_t Report::count(Outcome outcome) const {
  return static_cast<size_t>(
      std::count_if(verdicts.begin(), verdicts.end(),
                    [&](const Verdict& verdict) { return verdict.outcome == outcome; }));
}

bool Report::whole() const { return verdicts.size() == table().size(); }

std::vector<Promise> promises() {
  std::vector<Promise> out;
  for (const auto& check : table()) out.push_back({check.name, check.promise});
  return out;
}

Result<Report> run(Subject subject, const std::vector<std::string>& only,
                   const std::function<void(const Verdict&)>& told) {
  if (auto known = check_names(only); !known) return pass(known);
  Report report{std::move(subject), {}};
  std::string broken_at;  // a plugin that does not start would fail everything else as well
  for (const auto& check : table()) {
    if (!only.empty() && std::find(only.begin(), only.end(), check.name) == only.end()) continue;
    const int64_t began = system_clock().mono_ms();
    const Finding found =
        broken_at.empty() ? check.make(report.subject) : skipped("it does not start: " + broken_at);
    if (check.starts && found.outcome == Outcome::failed) broken_at = check.name;
    report.verdicts.push_back({check.name, found.outcome, printable(found.reason, 300),
                               system_clock().mono_ms() - began});
    if (told) told(report.verdicts.back());
  }
  return report;
}

Json to_json(const Report& report) {
  const Manifest& manifest = report.subject.manifest;
  Json checks = Json::array();
  for (const auto& verdict : report.verdicts)
    checks.push_back({{"check", verdict.check},
                      {"outcome", name(verdict.outcome)},
                      {"reason", verdict.reason},
                      {"ms", verdict.ms}});
  return {{"plugin", manifest.id},
          {"version", manifest.version},
          {"abi", std::to_string(manifest.abi_major) + "." + std::to_string(manifest.abi_minor)},
          {"object", "sha256:" + report.subject.sha256},
          {"manifest", manifest.digest},
          {"seed", static_cast<int64_t>(report.subject.seed)},
          {"passed", report.passed()},
          {"whole", report.whole()},
          {"checks", checks}};
}

}  // namespace hyops::plugin::check
