#include "engine/secrets.hpp"

#include <set>

#include "base/text.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {

SecretStore::SecretStore(const Setup& setup, const plugin::Registry& registry,
                         const contract::Lane& lane, Journal& journal)
    : setup_(setup), registry_(registry), lane_(lane), journal_(journal) {}

SecretStore::~SecretStore() = default;

Status SecretStore::start() {
  if (lane_.secret_authority.empty())
    return fail("engine.secret.no_authority", "lane " + lane_.name + " names no secret authority");
  plugin::Services services;
  services.sink = [this](const std::string& name, const std::string& version,
                         Secret value) -> Status {
    handed_over_.insert_or_assign(name, Held{version, std::move(value)});
    return {};
  };
  services.unseal = [this](std::string_view sealed) -> Result<Secret> {
    auto key = trust::SealKey::load(setup_.seal_key());
    if (!key) return pass(key, "while opening what was sealed to this runner");
    return key->unseal(sealed);
  };
  auto started = plugin::Instance::start(registry_, lane_.secret_authority, lane_.secret_config,
                                         std::move(services));
  if (!started) return pass(started, "while starting the secret authority");
  authority_ = std::make_unique<plugin::Instance>(std::move(*started));
  return {};
}

Status SecretStore::resolve(const std::vector<std::string>& names) {
  if (!authority_ || !authority_->running())
    if (auto started = start(); !started) return started;
  plugin::CallRequest call;
  call.interface = "hyops.secret/1";
  call.verb = "resolve";
  call.input = {{"names", names}};
  call.run = journal_.run().value;
  call.lane = lane_.name;
  call.deadline_ms = system_clock().mono_ms() + 30'000;
  handed_over_.clear();
  auto answer = authority_->call(call);
  // Known before another word is written, also if the call failed: its error may tell one.
  std::vector<record::Redactor::Named> known;
  for (const auto& [name, secret] : handed_over_) known.push_back({name, secret.value.copy()});
  if (auto added = journal_.add_secrets(known); !added) return added;
  if (!answer) return pass(answer, "while resolving secrets: " + join(names));
  std::vector<std::pair<std::string, Json>> events;
  for (const auto& name : names) {
    const auto found = handed_over_.find(name);
    if (found == handed_over_.end())
      return fail("engine.secret.missing",
                  "the authority " + lane_.secret_authority + " did not hand over " + name);
    events.emplace_back("secret.resolved", Json{{"name", name},
                                                {"version", found->second.version},
                                                {"authority", lane_.secret_authority}});
  }
  if (auto written = journal_.write_all(events); !written) return written;
  held_.merge(handed_over_);
  return {};
}

Result<std::vector<Secret>> SecretStore::get(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  std::set<std::string> wanted;
  for (const auto& name : names)
    if (!held_.contains(name)) wanted.insert(name);
  if (!wanted.empty())
    if (auto resolved = resolve({wanted.begin(), wanted.end()}); !resolved) return pass(resolved);
  std::vector<Secret> out;
  for (const auto& name : names) out.push_back(held_.at(name).value.copy());
  return out;
}

Result<Secret> SecretStore::get(const std::string& name) {
  auto secrets = get(std::vector{name});
  if (!secrets) return pass(secrets);
  return std::move(secrets->front());
}

}  // namespace hyops::engine
