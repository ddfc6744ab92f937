// Access mode gcp-iap (A4): a local endpoint that the core keeps for each host, and behind it
// hyops-iap-dial, which carries every connection through IAP's relay to the instance.
#include "../tunnel.hpp"
#include "instance.hpp"

namespace hyops::access {
namespace {

using sdk::Failed;
using sdk::Host;

std::string seconds(int64_t ms) { return std::to_string((ms + 999) / 1000); }

// The dialler's last words are "class/access.iap.what: a sentence". Without any it was carried, and
// the host said nothing.
Proof explain(const Target& target, std::string said) {
  while (!said.empty() && said.back() == '\n') said.pop_back();
  const std::string last = said.substr(said.rfind('\n') + 1);
  const size_t colon = last.find(": ");
  Proof proof;
  if (colon != last.npos && last.find("/access.iap.") < colon) {
    proof.code = last.substr(0, colon);
    proof.message = target.name + ", asked through IAP: " + last.substr(colon + 2);
  } else {
    proof.code = "unavailable/access.port";
    proof.message =
        target.name + ", asked through IAP: nothing speaks at port " + std::to_string(target.port);
  }
  return proof;
}

class GcpIap {
 public:
  GcpIap(const Host&, const json& settings) : settings_(settings), project_(project_of(settings)) {
    if (text(settings_, "token").empty() == text(settings_, "metadata").empty())
      throw Failed("invalid/access.iap.token.missing",
                   "say where the token comes from: token names a secret, or metadata is the "
                   "address of the metadata service; one of them");
  }

  Way way_to(const json& host) const {
    const Target target = target_of(host);
    const Instance instance = instance_of(host, project_);
    json argv{"hyops-iap-dial",
              "--project=" + project_.id,
              "--zone=" + instance.zone,
              "--instance=" + instance.name,
              "--interface=" + text(settings_, "interface"),
              "--port=" + std::to_string(target.port),
              "--relay=" + text(settings_, "relay"),
              "--connect-timeout=" + seconds(patience_of(settings_).timeout_ms),
              "--patience=" + seconds(settings_.value("resume", int64_t{0}))};
    if (const auto ca = text(settings_, "ca_file"); !ca.empty()) argv.push_back("--ca-file=" + ca);
    json secrets = json::object();
    if (const auto metadata = text(settings_, "metadata"); !metadata.empty()) {
      argv.push_back("--metadata=" + metadata);
    } else {
      argv.push_back("--token-file={token}");
      secrets["token"] = settings_["token"];
    }
    return {{{"argv", argv}, {"secrets", secrets}},
            [target](const std::string& said) { return explain(target, said); }};
  }

 private:
  json settings_;
  Project project_;
};

using Plugin = ThroughTunnels<GcpIap>;

}  // namespace
}  // namespace hyops::access

HYOPS_PLUGIN("hyops.access.gcp-iap", "1.0.0", hyops::access::Plugin,
             hyops::sdk::Access<hyops::access::Plugin>)
