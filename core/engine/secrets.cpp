// Whom a run asks for its secrets, and whom the one that is asked may ask itself.
#include "engine/secrets.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "engine/means.hpp"
#include "engine/world.hpp"
#include "trust/expiry.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {
namespace {

Json config_of(const contract::Lane& lane, const std::string& plugin) {
  const auto found = lane.plugins.find(plugin);
  return found == lane.plugins.end() ? Json() : found->second;
}

}  // namespace

Result<std::string> authority_in_force(ledger::Ledger& ledger, const contract::Lane& lane) {
  auto state = state_of(ledger, lane, plan::authority_slot);
  if (!state) return pass(state);
  return get_string(*state, "authority", contract::home_authority);
}

Confidant confidant_of(Journal& journal) {
  return {journal.run().value,
          [&journal](const auto& secrets) { return journal.add_secrets(secrets); },
          [&journal](const auto& events) { return journal.write_all(events); }};
}

SecretStore::SecretStore(const Setup& setup, const plugin::Registry& registry,
                         const contract::Lane& lane, Confidant confidant,
                         const std::string& in_force)
    : setup_(setup),
      registry_(registry),
      lane_(lane),
      confidant_(std::move(confidant)),
      home_{contract::home_authority, lane.secrets.plugin, lane.secrets.config},
      standby_{contract::standby_authority, lane.standby.plugin, lane.standby.config},
      embedded_{"", embedded_authority, config_of(lane, embedded_authority)},
      of_lane_(in_force == contract::standby_authority ? &standby_ : &home_) {}

SecretStore::~SecretStore() = default;

Result<plugin::Instance> SecretStore::start(Authority& authority) {
  if (authority.id.empty())
    return fail(
        "engine.secret.no_authority",
        "lane " + lane_.name + " names no secret authority" +
            (authority.which == contract::home_authority ? "" : " called " + authority.which));
  plugin::Services services;
  services.sink = [&authority](const std::string& name, const std::string& version,
                               Secret value) -> Status {
    const int64_t ends_ms = trust::end_of(value.reveal()).value_or(0);
    authority.handed_over.insert_or_assign(name, Held{version, std::move(value), ends_ms});
    return {};
  };
  services.unseal = [this](std::string_view sealed) -> Result<Secret> {
    auto key = trust::SealKey::load(setup_.seal_key());
    if (!key) return pass(key, "while opening what was sealed to this runner");
    return key->unseal(sealed);
  };
  if (!authority.which.empty())
    services.secret = [this, &authority](const std::string& name) {
      return own_secret(authority.id, name);
    };
  services.http_record = [&authority](const Json& line) {
    Json body = line;
    body["plugin"] = authority.id;
    authority.said.emplace_back("step.http", std::move(body));
  };
  services.log = [&authority](std::string_view level, const std::string& text) {
    if (level != "debug")
      authority.said.emplace_back("plugin.log",
                                  Json{{"plugin", authority.id}, {"level", level}, {"text", text}});
  };
  auto started =
      setup_.means->plugin(registry_, authority.id, authority.config, std::move(services));
  if (!started) return pass(started, "while starting the secret authority");
  return started;
}

// Asked for by an authority of the lane, while get() or move() waits for its answer.
Result<Secret> SecretStore::own_secret(const std::string& authority, const std::string& name) {
  if (embedded_.config.is_null() || authority == embedded_.id)
    return fail("engine.secret.own", "the authority " + authority + " needs the secret " + name +
                                         " itself, and lane " + lane_.name +
                                         " configures no [plugins.\"" + embedded_.id +
                                         "\"] to take it from");
  if (!embedded_.held.contains(name))
    if (auto resolved = resolve(embedded_, {name}); !resolved) return pass(resolved);
  return embedded_.held.at(name).value.copy();
}

// A helper of its own each time: it sees the files of its authority as they stood when it started,
// and keeps no secret that nobody asks for. `resolve` changes nothing: after one that died or hung
// another is asked once.
Result<Json> SecretStore::call(Authority& authority, const std::vector<std::string>& names) {
  for (bool again = false;; again = true) {
    auto helper = start(authority);
    if (!helper) return pass(helper);
    plugin::CallRequest request;
    request.interface = "hyops.secret/1";
    request.verb = "resolve";
    request.input = {{"names", names}};
    request.run = confidant_.run;
    request.lane = lane_.name;
    request.deadline_ms = setup_.clock().mono_ms() + 30'000;
    auto answer = helper->call(request);
    if (answer) return answer;
    if (!plugin::outcome_is_unknown(answer.error()))
      return pass(answer, "while resolving secrets: " + join(names));
    // Not in the words that are for a step's own plugin: nothing about the step is unknown by it.
    if (again)
      return fail("engine.secret.unavailable", "the authority " + authority.id +
                                                   " was asked twice for " + join(names) + ": " +
                                                   answer.error().message);
    authority.handed_over.clear();
  }
}

// `expires_ms` beside a name: the end of a lease, which may be before that of what it is of.
void SecretStore::take_leases(const Json& answer, Authority& authority) {
  for (const auto& said : member(answer, "resolved")) {
    const auto found = authority.handed_over.find(get_string(said, "name"));
    const int64_t ends_ms = get_int(said, "expires_ms");
    if (found == authority.handed_over.end() || ends_ms <= 0) continue;
    int64_t& first = found->second.ends_ms;
    first = first ? std::min(first, ends_ms) : ends_ms;
  }
}

Status SecretStore::resolve(Authority& authority, const std::vector<std::string>& names) {
  authority.handed_over.clear();
  auto answered = call(authority, names);
  if (answered) take_leases(*answered, authority);
  // Known before another word is written, also if the call failed: its error may tell one.
  std::vector<record::Redactor::Named> known;
  for (const auto& [name, secret] : authority.handed_over)
    known.push_back({name, secret.value.copy()});
  if (auto added = confidant_.know(known); !added) return added;
  auto events = std::exchange(authority.said, {});
  for (const auto& name : names)
    if (const auto found = authority.handed_over.find(name);
        answered && found != authority.handed_over.end()) {
      Json body{{"name", name}, {"version", found->second.version}, {"authority", authority.id}};
      if (found->second.ends_ms) body["ends_ms"] = found->second.ends_ms;
      events.emplace_back("secret.resolved", std::move(body));
    }
  if (auto written = confidant_.write(events); !written) return written;
  if (!answered) return pass(answered);
  for (const auto& name : names)
    if (!authority.handed_over.contains(name))
      return fail("engine.secret.missing",
                  "the authority " + authority.id + " did not hand over " + name);
  for (auto& [name, secret] : authority.handed_over)
    authority.held.insert_or_assign(name, std::move(secret));
  return {};
}

bool SecretStore::ends_before(const std::string& name, int64_t when_ms) const {
  const auto held = of_lane_->held.find(name);
  return held == of_lane_->held.end() || (held->second.ends_ms && held->second.ends_ms < when_ms);
}

// A lease is asked for anew while there is time to be refused; what still lasts outlives an
// authority that is out (L19).
Status SecretStore::renew(const std::vector<std::string>& names, int64_t until_ms) {
  const int64_t now = setup_.clock().wall_ms(), until = std::max(now, until_ms);
  std::set<std::string> wanted;
  for (const auto& name : names)
    if (ends_before(name, until) ||
        (of_lane_->held.at(name).ends_ms && of_lane_->held.at(name).renew_ms <= now))
      wanted.insert(name);
  if (wanted.empty()) return {};
  const std::vector<std::string> asked{wanted.begin(), wanted.end()};
  const Status renewed = resolve(*of_lane_, asked);
  if (!renewed) {
    for (const auto& name : asked)
      if (ends_before(name, now)) return unanswered(renewed.error());
    if (auto kept = confidant_.write(
            {{"secret.kept", Json{{"names", asked}, {"reason", renewed.error().text()}}}});
        !kept)
      return kept;
  }
  for (const auto& name : asked) {
    Held& held = of_lane_->held.at(name);
    held.renew_ms = now + (held.ends_ms - now) / 3 * 2;
    if (ends_before(name, until))
      return fail("engine.secret.lease",
                  "what the authority " + of_lane_->id + " gave as " + name + " ends at " +
                      to_rfc3339(held.ends_ms) + ", and what needs it may take until " +
                      to_rfc3339(until) + " (L18)" +
                      (renewed ? "" : "; it could not be renewed: " + renewed.error().message));
  }
  return {};
}

// Where there is an escrow, an authority that is out for good does not end the recovery (L19).
Failure SecretStore::unanswered(Error error) const {
  if (error.kind == FailureClass::unavailable && of_lane_ == &home_ && !standby_.id.empty())
    error.next = "Run it again once " + home_.id +
                 " answers. If it is out for good: hyops plan "
                 "dr/secrets-escrow --lane " +
                 lane_.name + " --target PLANE, have it approved, run it, then resume this run";
  return Failure(std::move(error));
}

Result<std::vector<Secret>> SecretStore::get(const std::vector<std::string>& names,
                                             int64_t until_ms) {
  const std::lock_guard lock(mutex_);
  if (auto good = renew(names, until_ms); !good) return pass(good);
  std::vector<Secret> out;
  for (const auto& name : names) out.push_back(of_lane_->held.at(name).value.copy());
  return out;
}

Result<Json> SecretStore::move(const std::string& to, const plugin::CallRequest& transition,
                               const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  Authority& next = to == contract::standby_authority ? standby_ : home_;
  auto helper = start(next);
  if (!helper) return pass(helper);
  auto answer = helper->call(transition);
  const auto said = std::exchange(next.said, {});
  if (auto written = confidant_.write(said); !written) return pass(written);
  if (!answer) return pass(answer, "while moving the lane's secrets to " + next.id);
  // It is no authority of this lane before it has shown that it knows what the run still takes.
  if (!names.empty())
    if (auto known = resolve(next, names); !known) return pass(known, "while asking " + next.id);
  std::vector<std::string> shown;
  for (const auto& name : names) shown.push_back(name + " " + next.held.at(name).version);
  const Json moved{{"from", of_lane_->which},
                   {"to", next.which},
                   {"plugin", next.id},
                   {"version", get_string(*answer, "version")},
                   {"names", shown}};
  if (auto written = confidant_.write({{"secret.transition", moved}}); !written)
    return pass(written);
  of_lane_ = &next;
  return moved;
}

contract::SecretAuthority SecretStore::in_force() {
  const std::lock_guard lock(mutex_);
  return {of_lane_->id, of_lane_->config};
}

Result<Secret> SecretStore::get(const std::string& name, int64_t until_ms) {
  auto secrets = get(std::vector{name}, until_ms);
  if (!secrets) return pass(secrets);
  return std::move(secrets->front());
}

}  // namespace hyops::engine
