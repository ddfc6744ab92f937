// Dies in every verb that does something, after it may have done it; what it sees when it is asked
// to look is an input.
#include <signal.h>

#include <nlohmann/json.hpp>

#include "hyops/plugin.hpp"

namespace {

using hyops::sdk::Call;
using nlohmann::json;

class Dies {
 public:
  Dies(const hyops::sdk::Host&, std::string_view) {}

  std::string observe(Call&, std::string_view document) {
    const std::string seen = json::parse(document).value("seen", "");
    return seen.empty() ? "{}" : json{{"present", seen == "yes"}}.dump();
  }
  std::string plan(Call&, std::string_view) { return R"({"cost":{"micro_per_hour":0}})"; }
  std::string apply(Call&, std::string_view) { return die(); }
  std::string release(Call&, std::string_view) { return die(); }
  std::string prove(Call&, std::string_view) { return die(); }
  std::string open(Call&, std::string_view) { return die(); }
  std::string close(Call&, std::string_view) { return die(); }
  std::string probe(Call&, std::string_view) { return die(); }
  std::string resolve(Call&, std::string_view) { return die(); }
  std::string store(Call&, std::string_view) { return die(); }
  std::string transition(Call&, std::string_view) { return die(); }

 private:
  static std::string die() {
    ::raise(SIGKILL);
    return "{}";
  }
};

}  // namespace

HYOPS_PLUGIN("test.dies", "1.0.0", Dies, hyops::sdk::Provider<Dies>, hyops::sdk::Egress<Dies>,
             hyops::sdk::Access<Dies>, hyops::sdk::SecretAuthority<Dies>)
