// The files of a record say the same thing: what a signature cannot tell, because whoever signed
// may have been wrong as well.
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "record/findings.hpp"

namespace hyops::record {
namespace {

namespace fs = std::filesystem;

Json read_json(const fs::path& folder, const std::string& name, Findings& findings) {
  auto text = read_file(folder / name, size_t{1} << 30);
  if (!text) return nullptr;
  auto parsed = parse_json(*text, name, size_t{1} << 30);
  if (parsed) return std::move(*parsed);
  findings.add("record.file.malformed", parsed.error().message);
  return nullptr;
}

Json body_of(const std::string& text) {
  auto parsed = parse_json(text, "event", size_t{1} << 30);
  return parsed ? std::move(*parsed) : Json();
}

bool was_redacted(const Json& about, const std::string& name) {
  const auto list = about.find("redacted");
  if (list == about.end() || !list->is_array()) return false;
  return std::find(list->begin(), list->end(), Json(name)) != list->end();
}

void check_head(const Json& about, const Chain& chain, Findings& findings) {
  const int64_t said = get_int(about, "events");
  if (chain.events < said && !findings.has("record.event.truncated"))
    findings.add("record.event.truncated", "events.jsonl has " + std::to_string(chain.events) +
                                               " events; run.json counts " + std::to_string(said));
  else if (chain.events != said || chain.head != get_string(about, "chain_head"))
    findings.add("record.chain.head", "the end of the chain is not the one in run.json");
  if (chain.redacted_events != get_int(about, "redacted_events"))
    findings.add("record.event.changed", "events.jsonl has " +
                                             std::to_string(chain.redacted_events) +
                                             " events changed by redaction; run.json counts " +
                                             std::to_string(get_int(about, "redacted_events")));
}

// Approvals and the run are about this very plan (L10), and about this decision.
void check_plan(const fs::path& folder, const Files& files, const Chain& chain, const Json& about,
                Findings& findings) {
  const auto plan = files.digests.find("plan.json");
  const std::string approved = get_string(about, "plan");
  if (plan == files.digests.end()) return;
  if (!was_redacted(about, "plan.json") && "sha256:" + plan->second != approved)
    findings.add("record.plan.changed",
                 "plan.json is not the plan of the run: run.json names " + approved);
  if (!chain.plan.empty() && chain.plan != approved)
    findings.add("record.plan.changed", "run.started names another plan than run.json");
  const auto decision = files.digests.find("decision.json");
  for (const auto& [name, digest] : files.digests) {
    if (!name.starts_with("approvals/") || !name.ends_with(".json")) continue;
    const Json approval = read_json(folder, name, findings);
    if (!approval.is_object()) continue;
    if (get_string(approval, "plan") != approved)
      findings.add("record.approval.other_plan", printable(name) + " approves another plan");
    if (decision != files.digests.end() && !was_redacted(about, "decision.json") &&
        get_string(approval, "decision") != "sha256:" + decision->second)
      findings.add("record.approval.other_decision",
                   printable(name) + " approves another decision");
  }
}

void check_steps(const fs::path& folder, const Files& files, const Chain& chain,
                 Findings& findings) {
  const Json verdict = read_json(folder, "verdict.json", findings);
  const auto steps = verdict.is_object() ? verdict.find("steps") : verdict.end();
  std::set<std::string> told;
  if (verdict.is_object() && steps != verdict.end() && steps->is_array())
    for (const auto& step : *steps) {
      const std::string id = get_string(step, "id");
      told.insert(id);
      const auto ended = chain.endings.find(id);
      const std::string ending = ended == chain.endings.end()
                                     ? std::string()
                                     : get_string(body_of(ended->second), "ending");
      const std::string shown = get_string(step, "ending");
      // Without an event of its end a step may only be unknown or not run.
      const bool agrees =
          ending.empty() ? shown == "unknown" || shown == "not_run" : shown == ending;
      if (!agrees)
        findings.add("record.verdict.differs",
                     "verdict.json says that step " + printable(id) + " ended " + printable(shown) +
                         "; events.jsonl says " + (ending.empty() ? "nothing" : ending));
    }
  if (verdict.is_object() && !chain.run_ended.empty() &&
      get_string(body_of(chain.run_ended), "status") != get_string(verdict, "status"))
    findings.add("record.verdict.differs",
                 "verdict.json gives the run another status than its last event");
  for (const auto& [id, body] : chain.endings)
    if (verdict.is_object() && !told.contains(id))
      findings.add("record.verdict.differs", "verdict.json leaves out step " + printable(id));
  for (const auto& [id, body] : chain.outcomes) {
    const std::string name = "steps/" + id + "/outputs.json";
    const Json outcome = body_of(body);
    if (!is_name(id) || !files.digests.contains(name) || !outcome.contains("outputs")) continue;
    if (read_json(folder, name, findings) != outcome["outputs"])
      findings.add("record.step.outputs", name + " is not what the step's last outcome published");
  }
  for (const auto& [id, count] : chain.probes) {
    const std::string name = "steps/" + id + "/probes.json";
    if (!is_name(id) || !files.digests.contains(name)) continue;
    const Json probes = read_json(folder, name, findings);
    if (!probes.is_array() || static_cast<int64_t>(probes.size()) != count)
      findings.add("record.step.probes", name + " does not hold the probes of events.jsonl");
  }
}

// A person's word that ended an unknown outcome is signed, and stands in the record.
void check_stated(const Files& files, const Chain& chain, const Json& about, Findings& findings) {
  for (const auto& text : chain.stated) {
    const Json body = body_of(text);
    const std::string name = "statements/" + get_string(body, "step") + "-" +
                             std::to_string(get_int(body, "attempt")) + ".json";
    const auto found = files.digests.find(name);
    if (found == files.digests.end())
      findings.add("record.statement.missing",
                   printable(name, 120) + " is missing: nobody signed for the outcome of step " +
                       printable(get_string(body, "step"), 80));
    else if ("sha256:" + found->second != get_string(body, "statement") &&
             !was_redacted(about, name))
      findings.add("record.statement.other",
                   printable(name, 120) + " is not the statement that the run went on with");
  }
}

}  // namespace

void check_agreement(const fs::path& folder, const Files& files, const Chain& chain,
                     const Json& about, Findings& findings) {
  if (files.digests.contains("events.jsonl")) check_head(about, chain, findings);
  check_plan(folder, files, chain, about, findings);
  check_steps(folder, files, chain, findings);
  check_stated(files, chain, about, findings);
  const auto http = files.digests.find("http.jsonl");
  if (http != files.digests.end() && http->second != chain.http_digest)
    findings.add("record.http.differs",
                 "http.jsonl does not hold the external calls of events.jsonl");
}

}  // namespace hyops::record
