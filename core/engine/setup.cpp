#include "engine/setup.hpp"

#include "base/file.hpp"
#include "engine/means.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {

const Clock& Setup::clock() const { return means->clock(); }

Status write_attestation(const Setup& setup, const Attestation& attestation) {
  auto key = trust::SecretKey::load(setup.signing_key());
  if (!key) return pass(key, "while signing the attestation of this runner");
  auto document = canonical({{"attestation", 1},
                             {"name", attestation.name},
                             {"plane", attestation.plane},
                             {"version", attestation.version},
                             {"key", attestation.key},
                             {"bootstrapped_ms", attestation.bootstrapped_ms}});
  if (!document) return pass(document);
  auto signature = key->sign(*document, "hyops runner " + attestation.name);
  if (!signature) return pass(signature);
  if (auto done = write_file(setup.home / "runner.json", *document); !done) return done;
  return write_file(setup.home / "runner.json.minisig", *signature);
}

Result<std::optional<Attestation>> read_attestation(const Setup& setup) {
  if (!std::filesystem::exists(setup.home / "runner.json")) return std::nullopt;
  const auto broken = [](const std::string& why) {
    return fail("engine.runner.attestation",
                "the attestation of this runner cannot be trusted: " + why);
  };
  auto text = read_file(setup.home / "runner.json", 65536);
  auto signature = read_file(setup.home / "runner.json.minisig", 65536);
  if (!text || !signature) return broken("runner.json or its signature cannot be read");
  auto key = trust::SecretKey::load(setup.signing_key());
  if (!key) return broken(key.error().message);
  if (auto good = trust::verify(*text, *signature, {key->public_key()}); !good)
    return broken(good.error().message);
  auto document = parse_json(*text, "runner.json");
  if (!document) return broken(document.error().message);
  return Attestation{get_string(*document, "name"), get_string(*document, "plane"),
                     get_string(*document, "version"), get_string(*document, "key"),
                     get_int(*document, "bootstrapped_ms")};
}

}  // namespace hyops::engine
