#include "engine/horizon.hpp"

#include <algorithm>
#include <set>

#include "base/file.hpp"
#include "base/text.hpp"
#include "engine/secrets.hpp"

namespace hyops::engine {
namespace {

constexpr int runs_to_learn_from = 10;
constexpr int64_t most_events = 20'000;  // of a run that is read for it: nobody waits for more

// The longest that each step took in the last runs of this blueprint, in this lane, on this
// machine.
Result<std::map<std::string, int64_t>> measured(const plan::Plan& plan, ledger::Ledger* ledger) {
  std::map<std::string, int64_t> out;
  if (!ledger) return out;
  auto runs = ledger->runs(plan.lane, 100);
  if (!runs) return pass(runs);
  int learned = 0;
  for (const auto& run : *runs) {
    if (run.blueprint != plan.blueprint || learned == runs_to_learn_from) continue;
    auto head = ledger->chain_head(run.id);
    if (!head) return pass(head);
    if (head->seq > most_events) continue;
    ++learned;
    auto read = ledger->each_event_of(run.id, {"step.outcome"}, [&](const ledger::Event& event) {
      if (get_string(event.body, "status") == "ok") {
        int64_t& longest = out[get_string(event.body, "step")];
        longest = std::max(longest, get_int(event.body, "ms"));
      }
      return true;
    });
    if (!read) return pass(read);
  }
  return out;
}

// Phases come one after another; in a phase no sooner than its longest chain of needs allows.
int64_t whole(const plan::Plan& plan, const std::map<std::string, int64_t>& ms) {
  std::map<std::string, int64_t> end;
  int64_t phases_before = 0, latest = 0;
  const plan::Step* previous = nullptr;
  for (const auto& step : plan.steps) {
    if (previous && previous->phase != step.phase) phases_before = latest;
    previous = &step;
    int64_t begin = phases_before;
    for (const auto& need : step.needs) begin = std::max(begin, end[need]);
    end[step.id] = begin + ms.at(step.id);
    latest = std::max(latest, end[step.id]);
  }
  return latest;
}

std::string ends(const Expiry& expiry) {
  return expiry.what + " ends at " + to_rfc3339(expiry.ends_ms);
}

void find_sessions(const Json& value, std::vector<Expiry>& out) {
  if (value.is_array())
    for (const auto& item : value) find_sessions(item, out);
  if (!value.is_object() || get_int(value, "expires_ms") <= 0) return;
  out.push_back({"the access to " + printable(get_string(value, "name"), 80),
                 get_int(value, "expires_ms"), "Plan and approve again: hyops plan"});
}

void order(std::vector<Expiry>& all) {
  std::stable_sort(all.begin(), all.end(),
                   [](const Expiry& a, const Expiry& b) { return a.ends_ms < b.ends_ms; });
}

}  // namespace

Result<Forecast> forecast(const plan::Plan& plan, ledger::Ledger* ledger) {
  auto known = measured(plan, ledger);
  if (!known) return pass(known, "while looking how long earlier runs took");
  Forecast out;
  std::map<std::string, int64_t> at_most, at_least;
  for (const auto& step : plan.steps) {
    const auto found = known->find(step.id);
    const bool seen = found != known->end();
    out.steps[step.id] = {seen ? std::min(found->second, step.timeout_ms) : step.timeout_ms, seen};
    at_most[step.id] = out.steps[step.id].ms;
    at_least[step.id] = seen ? out.steps[step.id].ms : 0;
    out.measured += seen;
  }
  out.at_most_ms = whole(plan, at_most);
  out.measured_ms = whole(plan, at_least);
  return out;
}

std::vector<Expiry> Needs::all() const {
  std::vector<Expiry> out = always;
  out.insert(out.end(), until_irreversible.begin(), until_irreversible.end());
  out.insert(out.end(), secrets.begin(), secrets.end());
  order(out);
  return out;
}

std::vector<Expiry> approvals_need(
    const std::vector<std::pair<std::string, int64_t>>& until_by_approver, int required,
    const std::string& run) {
  // The longest of each approver, and of those as many as are required: others may end.
  std::map<std::string, int64_t> longest;
  for (const auto& [who, until] : until_by_approver) longest[who] = std::max(longest[who], until);
  std::vector<std::pair<int64_t, std::string>> sorted;
  for (const auto& [who, until] : longest) sorted.emplace_back(until, who);
  std::sort(sorted.rbegin(), sorted.rend());
  std::vector<Expiry> out;
  for (size_t i = 0; i < sorted.size() && i < static_cast<size_t>(std::max(0, required)); ++i)
    out.push_back({"the approval by " + sorted[i].second, sorted[i].first,
                   "Have the plan signed again: hyops approval sign, then hyops run renew " + run +
                       " --approvals DIR"});
  order(out);
  return out;
}

Expiry decision_need(const trust::Decision& decision) {
  return {"the decision " + decision.id, decision.expires_ms,
          "Have it issued anew, then plan and approve again: hyops decision issue"};
}

std::optional<Expiry> bundle_need(const contract::SecretAuthority& authority) {
  if (authority.plugin != embedded_authority) return std::nullopt;
  auto text = read_file(get_string(authority.config, "bundle"), 64u << 20);
  if (!text) return std::nullopt;  // whoever needs a secret of it will say so
  auto bundle = trust::list_bundle(*text);
  if (!bundle) return std::nullopt;
  return Expiry{"the sealed bundle " + bundle->about.name, bundle->about.expires_ms,
                "Seal it anew and put it in place: hyops secret seal"};
}

std::vector<Expiry> bundle_needs(const plan::Plan& plan, const contract::Lane& lane) {
  std::set<std::string> sources;
  std::string source = plan.secrets_from;
  for (const auto& step : plan.steps) {
    if (!step.authority.empty()) source = step.authority;
    if (!step.authority.empty() || takes_secrets(step, lane)) sources.insert(source);
  }
  std::vector<Expiry> out;
  for (const auto& which : sources)
    if (const auto* authority = lane.authority(which))
      if (auto need = bundle_need(*authority)) out.push_back(std::move(*need));
  return out;
}

Outlook look_ahead(const Forecast& forecast, const Needs& needs, int64_t now_ms) {
  Outlook out;
  const auto all = needs.all();
  const std::string took = "the run may take up to " + show_duration(forecast.at_most_ms) + " (" +
                           std::to_string(forecast.measured) + " of " +
                           std::to_string(forecast.steps.size()) + " steps were measured before)";
  if (all.empty()) {
    out.sentence = took + ", and nothing that it needs expires";
    return out;
  }
  out.first = all.front();
  const int64_t left = all.front().ends_ms - now_ms;
  if (left < forecast.measured_ms || left <= 0) {
    out.is = Outlook::Is::not_enough;
    out.sentence = ends(all.front()) + ", and the run takes at least " +
                   show_duration(forecast.measured_ms) + ": it could not end in time";
  } else if (left < forecast.at_most_ms) {
    out.is = Outlook::Is::perhaps;
    out.sentence = took + "; " + ends(all.front()) + ", in " + show_duration(left) +
                   ": what could not end by then will not be started";
  } else {
    out.sentence = took + "; first of all " + ends(all.front());
  }
  return out;
}

bool takes_secrets(const plan::Step& step, const contract::Lane& lane) {
  const bool itself = std::any_of(step.inputs.begin(), step.inputs.end(), [](const auto& input) {
    return input.second.type.find("secret") != std::string::npos;
  });
  return itself || (!step.plugin.empty() && lane.plugins.count(step.plugin) > 0);
}

std::optional<Lapse> judge_step(const plan::Step& step, const Json& inputs,
                                const contract::Lane& lane, const Forecast& forecast,
                                const Needs& needs, bool irreversible_done, int64_t now_ms) {
  std::vector<Expiry> all = needs.always;
  if (!irreversible_done)
    all.insert(all.end(), needs.until_irreversible.begin(), needs.until_irreversible.end());
  if (takes_secrets(step, lane)) all.insert(all.end(), needs.secrets.begin(), needs.secrets.end());
  for (const auto& [name, value] : inputs.items()) find_sessions(value, all);
  if (all.empty()) return std::nullopt;
  order(all);
  const auto found = forecast.steps.find(step.id);
  const Forecast::Step takes =
      found == forecast.steps.end() ? Forecast::Step{step.timeout_ms, false} : found->second;
  const Expiry& first = all.front();
  if (now_ms + takes.ms <= first.ends_ms) return std::nullopt;
  return Lapse{first, "it was not started: " + ends(first) + ", and the step " +
                          (takes.measured ? "took " : "may take ") + show_duration(takes.ms) +
                          " (L18). " + first.renew};
}

}  // namespace hyops::engine
