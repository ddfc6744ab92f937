// The embedded secret authority: a sealed file on the runner, good without any network (B3).
#include <nlohmann/json.hpp>

#include "bundle.hpp"
#include "hyops/plugin.hpp"

namespace hyops::bundle {
namespace {

using nlohmann::json;
using sdk::Call;
using sdk::Failed;
using sdk::Host;

class OfflineBundle {
 public:
  OfflineBundle(const Host& host, std::string_view config) : host_(host) {
    const json settings = json::parse(config);
    file_ = settings.at("bundle").get<std::string>();
    min_version_ = settings.value("min_version", int64_t{0});
  }

  std::string probe(Call&, std::string_view) {
    const Bundle bundle = usable();
    return json{{"name", bundle.name},
                {"version", std::to_string(bundle.version)},
                {"expires_ms", bundle.expires_ms},
                {"names", bundle.names}}
        .dump();
  }

  std::string resolve(Call&, std::string_view document) {
    const Bundle bundle = usable();
    std::vector<std::string> wanted;
    for (const auto& name : json::parse(document).value("names", json::array()))
      wanted.push_back(name.get<std::string>());
    const std::string version = std::to_string(bundle.version);
    json resolved = json::array();
    Wiped key(0);
    open_data_key(bundle, key);
    open_values(bundle, key.text(), wanted, [&](const std::string& name, const std::string& value) {
      host_.put_secret(name, version, value);
      resolved.push_back({{"name", name}, {"version", version}});
    });
    return json{{"resolved", resolved}}.dump();
  }

  std::string store(Call&, std::string_view) { throw unsupported(); }
  // Nothing else has to know: a bundle that can be opened here is ready to be the authority (E6).
  std::string transition(Call& call, std::string_view document) { return probe(call, document); }

 private:
  static Failed unsupported() {
    return Failed("denied/secret.unsupported",
                  "an offline bundle is made anew, not written to: hyops secret seal");
  }

  Bundle usable() const {
    Bundle bundle = read_bundle(file_);
    const int64_t now = host_.wall_ms();
    if (now < bundle.created_ms)
      throw Failed("denied/secret.bundle.expired",
                   "the bundle " + bundle.name + " is from the future: check the runner's clock");
    if (now >= bundle.expires_ms)
      throw Failed("expired/secret.bundle.expired", "the bundle " + bundle.name + " version " +
                                                        std::to_string(bundle.version) +
                                                        " has expired");
    if (bundle.version < min_version_)
      throw Failed("denied/secret.bundle.rollback",
                   "the bundle is version " + std::to_string(bundle.version) + "; version " +
                       std::to_string(min_version_) + " was used already");
    return bundle;
  }

  // The plugin does not know who the runner is; the core opens what was sealed to it, and nothing
  // else.
  void open_data_key(const Bundle& bundle, Wiped& key) const {
    for (const auto& [recipient, sealed] : bundle.recipients) {
      try {
        sdk::Answer opened = host_.unseal(sealed);
        key.text().swap(opened.body);
        return;
      } catch (const Failed& failed) {
        if (failed.code.find("trust.seal.") == std::string::npos) throw;
      }
    }
    throw Failed("denied/secret.bundle.recipient",
                 "the bundle " + bundle.name + " was not sealed to this runner");
  }

  Host host_;
  std::string file_;
  int64_t min_version_ = 0;
};

}  // namespace
}  // namespace hyops::bundle

HYOPS_PLUGIN("hyops.secrets.offline-bundle", "1.0.0", hyops::bundle::OfflineBundle,
             hyops::sdk::SecretAuthority<hyops::bundle::OfflineBundle>)
