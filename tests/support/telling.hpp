// A lane with secrets, and whoever hears what is said while a run goes.
#pragma once

#include "support/site.hpp"

namespace hyops::tests {

inline constexpr const char* takes_a_secret =
    "[inputs.password]\ntype = \"secret\"\nrequired = true\n[inputs.token]\ntype = \"secret\"\n"
    "required = true\n[outputs.said]\ntype = \"string\"\n"
    "[effects]\nsecrets = [\"password\", \"token\"]\n";

class Listener final : public engine::Observer {
 public:
  std::string heard;
  void event(const std::string&, const Json& body, int64_t) override {
    heard += body.dump() + "\n";
  }
  void progress(const std::string&, int, const std::string& note) override { heard += note + "\n"; }
};

// A site whose lane has its secrets from a bundle that was sealed to this runner.
class Telling : public Site {
 public:
  explicit Telling(std::string value = "tell-" + random_token(8)) : secret(std::move(value)) {
    const auto seal = trust::SealKey::generate().value();
    EXPECT_TRUE(seal.save(setup.seal_key()));
    std::vector<std::pair<std::string, Secret>> secrets;
    secrets.emplace_back("db", Secret(secret));
    secrets.emplace_back("api", Secret(random_token(8)));
    const int64_t now = system_clock().wall_ms();
    const auto sealed =
        trust::seal_bundle({"drill", 1, now - 1000, now + 600'000, {seal.public_text()}}, secrets);
    EXPECT_TRUE(sealed && write_file(bundle(), *sealed));
    lane("[secrets]\nauthority = \"hyops.secrets.offline-bundle\"\nconfig = { bundle = \"" +
         bundle().string() + "\" }\n");
  }

  fs::path bundle() const { return path() / "bundle"; }

  static std::string step(const std::string& id) {
    return "[[step]]\nid = \"" + id + "\"\nmodule = \"test/" + id +
           "\"\nphase = \"data\"\ninputs = { password = \"db\", token = \"api\" }\n";
  }

  // Whatever was written anywhere: folders of steps, ledger, record.
  void expect_told_nowhere(const std::string& heard) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(secret.data());
    const std::string hex = to_hex({bytes, secret.size()});
    std::string hidden;
    for (size_t at = 0; at < hex.size(); at += 2) hidden += "\\u00" + hex.substr(at, 2);
    for (const auto& spelling : {secret, to_base64(secret), hex, hidden}) {
      EXPECT_EQ(heard.find(spelling), std::string::npos) << spelling << " was shown";
      for (const auto& entry : fs::recursive_directory_iterator(path()))
        if (entry.is_regular_file()) {
          EXPECT_EQ(read_file(entry.path()).value().find(spelling), std::string::npos)
              << spelling << " stands in " << entry.path();
        }
    }
  }

  const std::string secret;
};

}  // namespace hyops::tests
