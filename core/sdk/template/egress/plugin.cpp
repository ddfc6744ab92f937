// Declares what a zone may reach; what is not declared is denied, and what stands is read back.
#include "platform.hpp"

namespace {

class Egress {
 public:
  Egress(const Host& host, const Json& config) : platform_(host, config) {}

  Json plan(Call&, const Json& inputs) { return Json::object({{"rules", rules(inputs)}}); }

  Json apply(Call& call, const Json& inputs) {
    const std::string key = Json::parse(call.about())["key"].text();
    const Json order = Json::object({{"zone", inputs["zone"]}, {"rules", rules(inputs)}});
    const Json now = platform_.ask("PUT", path(inputs), key, order);
    return Json::object({{"rules", now["rules"]}});
  }

  Json observe(Call&, const Json& inputs) {
    const Json now = platform_.ask("GET", path(inputs));
    const bool present = now["rules"].dump() == rules(inputs).dump();
    return Json::object({{"present", present}, {"rules", now["rules"]}});
  }

  Json prove(Call&, const Json& inputs) {
    const Json now = platform_.ask("GET", path(inputs));
    const bool proven = now["rules"].dump() == rules(inputs).dump();
    return Json::object({{"proven", proven},
                         {"reachable", inputs["allow"]},
                         {"denied", Json::array({"everything else"})},
                         {"proof", "rules read back: " + now["rules"].dump()}});
  }

  Json release(Call&, const Json& inputs) {
    platform_.ask("DELETE", path(inputs));
    return Json::object();
  }

 private:
  // The policy of one zone's sources has one name, so that declaring it again replaces it.
  static std::string path(const Json& inputs) {
    std::string name = checked_name(inputs["zone"].text());
    for (const auto& source : inputs["sources"].items()) name += "_" + source.text();
    for (char& c : name)
      if (c == '/') c = '-';
    return "/egress/" + checked_name(name);
  }

  static Json rules(const Json& inputs) {
    path(inputs);
    Json out = Json::array();
    for (const auto& source : inputs["sources"].items())
      for (const auto& allowed : inputs["allow"].items())
        out.add("allow " + source.text() + " to " + allowed.text());
    out.add("deny the rest");
    return out;
  }

  Platform platform_;
};

}  // namespace

HYOPS_PLUGIN(HYOPS_PLUGIN_ID, HYOPS_PLUGIN_VERSION, Egress, hyops::sdk::Egress<Egress>)
