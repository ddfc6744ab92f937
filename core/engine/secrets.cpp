#include "engine/secrets.hpp"

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
    if (auto known = journal_.add_secret(name, value); !known) return known;
    held_.insert_or_assign(name, Held{version, std::move(value)});
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

Result<Secret> SecretStore::get(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = held_.find(name); found != held_.end()) return found->second.value.copy();
  if (!authority_ || !authority_->running())
    if (auto started = start(); !started) return pass(started);
  plugin::CallRequest call;
  call.interface = "hyops.secret/1";
  call.verb = "resolve";
  call.input = {{"names", {name}}};
  call.run = journal_.run().value;
  call.lane = lane_.name;
  call.deadline_ms = system_clock().mono_ms() + 30'000;
  auto answer = authority_->call(call);
  if (!answer) return pass(answer, "while resolving the secret " + name);
  const auto found = held_.find(name);
  if (found == held_.end())
    return fail("engine.secret.missing",
                "the authority " + lane_.secret_authority + " did not hand over " + name);
  auto written = journal_.write(
      "secret.resolved",
      {{"name", name}, {"version", found->second.version}, {"authority", lane_.secret_authority}});
  if (!written) return pass(written);
  return found->second.value.copy();
}

}  // namespace hyops::engine
