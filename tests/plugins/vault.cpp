// An authority whose secrets and leases stand in a file that the test writes:
//   {"out": false, "secrets": {"db": {"value": "...", "expires_ms": 0}}}
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "hyops/plugin.hpp"

namespace {

using hyops::sdk::Call;
using hyops::sdk::Failed;
using hyops::sdk::Host;
using nlohmann::json;

class Vault {
 public:
  Vault(const Host& host, std::string_view config)
      : host_(host), book_(json::parse(config).at("book").get<std::string>()) {}

  std::string probe(Call&, std::string_view) {
    json names = json::array();
    const json book = open_book();
    for (const auto& [name, entry] : book.at("secrets").items()) names.push_back(name);
    return json{{"name", "vault"}, {"version", "1"}, {"expires_ms", 0}, {"names", names}}.dump();
  }

  std::string resolve(Call&, std::string_view document) {
    const json book = open_book(), asked = json::parse(document);
    json resolved = json::array();
    for (const auto& name : asked.at("names")) {
      const auto found = book.at("secrets").find(name.get<std::string>());
      if (found == book.at("secrets").end())
        throw Failed("invalid/vault.unknown", "it knows no " + name.get<std::string>());
      host_.put_secret(name.get<std::string>(), "1", found->at("value").get<std::string>());
      json said{{"name", name}, {"version", "1"}};
      if (found->contains("expires_ms")) said["expires_ms"] = found->at("expires_ms");
      resolved.push_back(said);
    }
    return json{{"resolved", resolved}}.dump();
  }

  std::string store(Call&, std::string_view) {
    throw Failed("denied/vault.reading", "it is only read");
  }
  std::string transition(Call& call, std::string_view document) { return probe(call, document); }

 private:
  json open_book() const {
    std::ifstream file(book_);
    std::stringstream text;
    text << file.rdbuf();
    json book = json::parse(text.str());
    if (book.value("out", false)) throw Failed("unavailable/vault.out", "nobody answers");
    return book;
  }

  Host host_;
  std::string book_;
};

}  // namespace

HYOPS_PLUGIN("test.vault", "1.0.0", Vault, hyops::sdk::SecretAuthority<Vault>)
