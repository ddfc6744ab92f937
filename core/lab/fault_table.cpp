#include "lab/fault_table.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::lab {

const std::vector<FaultRule>& fault_table() {
  static const Trace unknown{"step.outcome", "status", "unknown"};
  static const Trace settled{"step.reconciled", "step", ""};
  static const Trace failed{"step.outcome", "status", "failed"};
  static const Trace tried_again{"step.retry", "class", "unavailable"};
  static const std::vector<FaultRule> table{
      {"core-kill",
       {"restore", "promote", "rearm"},
       "the core on the runner is killed; the tool goes on under its step host",
       "abandoned",
       "",
       "ok",
       {{"run.resumed", "", ""}}},
      {"tool-kill",
       {"restore", "promote", "rearm"},
       "the tool of a step is killed half-way",
       "ok",
       "",
       "ok",
       {unknown, settled}},
      {"dispatcher-kill",
       {"restore"},
       "the dispatcher is killed; the run goes on, and its record is collected later",
       "running",
       "",
       "ok",
       {}},
      {"plugin-segv",
       {"db-host"},
       "a plugin's helper dies in the middle of a verb",
       "ok",
       "",
       "ok",
       {unknown, settled}},
      {"plugin-hang",
       {"fence-site"},
       "a plugin's helper stops answering in the middle of a verb",
       "ok",
       "",
       "ok",
       {unknown, settled}},
      {"machine-reset",
       {"restore"},
       "the recovered database's host is reset while it is restored",
       "ok",
       "",
       "ok",
       {unknown, settled}},
      {"host-kill",
       {"restore"},
       "the recovered database's host dies and stays off",
       "unknown",
       "the host is powered on",
       "ok",
       {unknown}},
      {"disk-full",
       {"restore"},
       "the disk of the recovered database is too small for it",
       "failed",
       "the disk is made larger",
       "ok",
       {{"step.outcome", "class", "exhausted"}}},
      {"repository-down",
       {"restore"},
       "the backup repository's host is off",
       "failed",
       "the repository is powered on",
       "ok",
       {failed, tried_again}},
      {"secret-authority-down",
       {"egress"},
       "the lane's secret authority is lost; its escrow takes over",
       "ok",
       "the authority is there again",
       "ok",
       {{"secret.transition", "to", "standby"}}},
      {"secret-escrow-down",
       {"egress"},
       "the lane's escrow, from which the run takes its secrets next, cannot be asked",
       "failed",
       "the escrow is there again",
       "ok",
       {}},
      {"link-slow",
       {"restore"},
       "the DR target's link to the repository carries 2 Mbit/s only",
       "ok",
       "the link is mended",
       "ok",
       {}},
      {"link-cut",
       {"restore"},
       "the DR target loses its link to the repository and the dispatcher",
       "running",
       "the link is mended",
       "ok",
       {}},
      {"zone-loss",
       {"restore"},
       "the DR target itself is lost, its runner included",
       "abandoned",
       "the zone has power and its links again",
       "ok",
       {{"run.resumed", "", ""}, settled}},
      {"old-primary-returns",
       {"promote"},
       "the lost site comes back while its database is promoted elsewhere, and serves",
       "ok",
       "",
       "ok",
       {}},
      {"dns-stale",
       {"cutover"},
       "a resolver of clients goes on answering the old address",
       "ok",
       "the resolver's cache is flushed",
       "ok",
       {}},
      {"clock-step",
       {"egress"},
       "the runner's wall clock jumps back by an hour: secrets sealed since are refused",
       "failed",
       "the runner's clock is set right",
       "ok",
       {{"clock.stepped", "", ""}}},
  };
  return table;
}

const FaultRule* find_fault(const std::string& name) {
  const auto& table = fault_table();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const FaultRule& rule) { return rule.name == name; });
  return found == table.end() ? nullptr : &*found;
}

FaultWord parse_fault(const std::string& word) {
  const size_t at = word.find('@');
  FaultWord parts{word.substr(0, at), at == std::string::npos ? "" : word.substr(at + 1)};
  if (const auto* rule = find_fault(parts.name); rule && parts.step.empty())
    parts.step = rule->at.front();
  return parts;
}

std::string fault_list() {
  std::string out;
  for (const auto& rule : fault_table()) {
    for (const auto& step : rule.at) out += rule.name + "@" + step + "\n";
    out += "    " + rule.meaning + "\n    leaves the run " + rule.leaves;
    if (!rule.mend.empty()) out += "; " + rule.mend;
    if (rule.leaves != rule.ends && rule.leaves != "running") out += "; it is resumed";
    out += "; ends " + rule.ends + "\n";
  }
  return out;
}

Result<std::vector<Json>> record_events(const std::filesystem::path& record) {
  std::vector<Json> events;
  const auto file = record / "events.jsonl";
  if (!std::filesystem::exists(file)) return events;
  auto text = read_file(file, 256u << 20);
  if (!text) return pass(text);
  for (const auto& line : split(*text, '\n')) {
    if (line.empty()) continue;
    auto event = parse_json(line, "events.jsonl");
    if (!event) return pass(event);
    events.push_back(std::move(*event));
  }
  return events;
}

std::vector<std::string> missing_traces(const FaultRule& rule, const std::string& step,
                                        const std::vector<Json>& events) {
  std::vector<std::string> missing;
  for (const auto& trace : rule.shows) {
    const bool of_run = !trace.event.starts_with("step.");
    const bool there = std::any_of(events.begin(), events.end(), [&](const Json& event) {
      if (get_string(event, "type") != trace.event || !event.contains("body")) return false;
      const Json& body = event["body"];
      if (!of_run && get_string(body, "step") != step) return false;
      return trace.value.empty() || get_string(body, trace.member.c_str()) == trace.value;
    });
    if (!there)
      missing.push_back(trace.event +
                        (trace.value.empty() ? "" : " with " + trace.member + " " + trace.value) +
                        (of_run ? "" : " of step " + step));
  }
  return missing;
}

Json fault_story(const std::string& step, const std::vector<Json>& events) {
  Json known = Json::array(), unknown = Json::array(), done = Json::array();
  bool struck = false, open = false;  // open: the step has an intent and no outcome
  for (const auto& event : events) {
    const std::string type = get_string(event, "type");
    const Json body = event.value("body", Json::object());
    const bool ours = get_string(body, "step") == step;
    const std::string attempt = step + ", attempt " + std::to_string(get_int(body, "attempt"));
    if (type == "step.intent" && ours) struck = open = true;
    if (!struck) {
      if (type == "step.ended")
        known.push_back(get_string(body, "step") + " ended " + get_string(body, "ending"));
    } else if (type == "run.resumed") {
      if (open) unknown.push_back(step + ": its core ended before an outcome was written");
      done.push_back("the run was resumed");
    } else if (type == "clock.stepped") {
      done.push_back("the wall clock was seen to jump by " +
                     std::to_string(get_int(body, "by_ms")) + " ms");
    } else if (!ours) {
      continue;
    } else if (type == "step.outcome") {
      open = false;
      const std::string said = attempt + ": " + get_string(body, "message");
      if (get_string(body, "status") == "unknown") unknown.push_back(said);
      if (get_string(body, "status") == "failed")
        done.push_back(said + " (" + get_string(body, "class") + ")");
    } else if (type == "step.reconciled") {
      open = false;
      done.push_back(step + " was looked at: " + get_string(body, "evidence") + "; " +
                     get_string(body, "choice"));
    } else if (type == "step.retry") {
      done.push_back(step + " was tried again after " + show_duration(get_int(body, "pause_ms")) +
                     " (" + get_string(body, "class") + ")");
    } else if (type == "step.ended") {
      done.push_back(step + " ended " + get_string(body, "ending"));
    }
  }
  if (open) unknown.push_back(step + ": no outcome was ever written");
  return {{"known", known}, {"unknown", unknown}, {"done", done}};
}

}  // namespace hyops::lab
