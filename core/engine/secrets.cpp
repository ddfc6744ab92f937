// Whom a run asks for its secrets, and whom the one that is asked may ask itself.
#include "engine/secrets.hpp"

#include <set>
#include <utility>

#include "base/text.hpp"
#include "engine/means.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {
namespace {

Json config_of(const contract::Lane& lane, const std::string& plugin) {
  const auto found = lane.plugins.find(plugin);
  return found == lane.plugins.end() ? Json() : found->second;
}

}  // namespace

SecretStore::SecretStore(const Setup& setup, const plugin::Registry& registry,
                         const contract::Lane& lane, Journal& journal)
    : setup_(setup),
      registry_(registry),
      lane_(lane),
      journal_(journal),
      of_lane_{lane.secret_authority, lane.secret_config},
      embedded_{embedded_authority, config_of(lane, embedded_authority)} {}

SecretStore::~SecretStore() = default;

Status SecretStore::start(Authority& authority) {
  if (authority.id.empty())
    return fail("engine.secret.no_authority", "lane " + lane_.name + " names no secret authority");
  plugin::Services services;
  services.sink = [&authority](const std::string& name, const std::string& version,
                               Secret value) -> Status {
    authority.handed_over.insert_or_assign(name, Held{version, std::move(value)});
    return {};
  };
  services.unseal = [this](std::string_view sealed) -> Result<Secret> {
    auto key = trust::SealKey::load(setup_.seal_key());
    if (!key) return pass(key, "while opening what was sealed to this runner");
    return key->unseal(sealed);
  };
  if (&authority == &of_lane_)
    services.secret = [this](const std::string& name) { return own_secret(name); };
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
  authority.instance = std::make_unique<plugin::Instance>(std::move(*started));
  return {};
}

// Asked for by the lane's authority, while get() waits for its answer.
Result<Secret> SecretStore::own_secret(const std::string& name) {
  if (embedded_.config.is_null() || of_lane_.id == embedded_.id)
    return fail("engine.secret.own", "the authority " + of_lane_.id + " needs the secret " + name +
                                         " itself, and lane " + lane_.name +
                                         " configures no [plugins.\"" + embedded_.id +
                                         "\"] to take it from");
  if (!embedded_.held.contains(name))
    if (auto resolved = resolve(embedded_, {name}); !resolved) return pass(resolved);
  return embedded_.held.at(name).value.copy();
}

// A helper that died or hung is gone now, and `resolve` changes nothing: another one is asked once.
Status SecretStore::call(Authority& authority, const std::vector<std::string>& names) {
  for (bool again = false;; again = true) {
    if (!authority.instance || !authority.instance->running())
      if (auto started = start(authority); !started) return started;
    plugin::CallRequest request;
    request.interface = "hyops.secret/1";
    request.verb = "resolve";
    request.input = {{"names", names}};
    request.run = journal_.run().value;
    request.lane = lane_.name;
    request.deadline_ms = setup_.clock().mono_ms() + 30'000;
    auto answer = authority.instance->call(request);
    if (answer) return {};
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

Status SecretStore::resolve(Authority& authority, const std::vector<std::string>& names) {
  authority.handed_over.clear();
  const Status answered = call(authority, names);
  // Known before another word is written, also if the call failed: its error may tell one.
  std::vector<record::Redactor::Named> known;
  for (const auto& [name, secret] : authority.handed_over)
    known.push_back({name, secret.value.copy()});
  if (auto added = journal_.add_secrets(known); !added) return added;
  auto events = std::exchange(authority.said, {});
  for (const auto& name : names)
    if (const auto found = authority.handed_over.find(name);
        answered && found != authority.handed_over.end())
      events.emplace_back(
          "secret.resolved",
          Json{{"name", name}, {"version", found->second.version}, {"authority", authority.id}});
  if (auto written = journal_.write_all(events); !written) return written;
  if (!answered) return answered;
  for (const auto& name : names)
    if (!authority.handed_over.contains(name))
      return fail("engine.secret.missing",
                  "the authority " + authority.id + " did not hand over " + name);
  authority.held.merge(authority.handed_over);
  return {};
}

Result<std::vector<Secret>> SecretStore::get(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  std::set<std::string> wanted;
  for (const auto& name : names)
    if (!of_lane_.held.contains(name)) wanted.insert(name);
  if (!wanted.empty())
    if (auto resolved = resolve(of_lane_, {wanted.begin(), wanted.end()}); !resolved)
      return pass(resolved);
  std::vector<Secret> out;
  for (const auto& name : names) out.push_back(of_lane_.held.at(name).value.copy());
  return out;
}

Result<Secret> SecretStore::get(const std::string& name) {
  auto secrets = get(std::vector{name});
  if (!secrets) return pass(secrets);
  return std::move(secrets->front());
}

}  // namespace hyops::engine
