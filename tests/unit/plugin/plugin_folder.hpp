// A folder of signed test plugins and the keys that signed them, for one test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "plugin/instance.hpp"

namespace hyops::plugin {

// What a test reads first: a failed Result with its code.
template <class T>
std::string code(const Result<T>& result) {
  return result ? "ok" : result.error().code;
}

class PluginFolder {
 public:
  PluginFolder()
      : temp_(*TempDir::create(std::filesystem::temp_directory_path())),
        key_(*trust::SecretKey::generate()) {
    trust_keys("test.");
  }

  std::filesystem::path root() const { return temp_.path(); }
  std::filesystem::path folder(const std::string& id) const { return root() / "plugins" / id; }
  const trust::SecretKey& key() const { return key_; }

  void trust_keys(const std::string& ids, const std::string& interfaces = "\"hyops.provider/1\"") {
    trust_key(key_, ids, interfaces);
  }
  void trust_key(const trust::SecretKey& key, const std::string& ids,
                 const std::string& interfaces) {
    write(root() / "trust.toml", "[[key]]\nname = \"tester\"\nkey = \"" + key.public_key().text +
                                     "\"\nids = [\"" + ids + "\"]\ninterfaces = [" + interfaces +
                                     "]\n");
  }

  static std::string manifest(const std::string& id, const std::string& more = {}) {
    return "plugin = \"" + id +
           "\"\nversion = \"1.0.0\"\ntitle = \"A test\"\nvendor = \"tests\"\nabi = \"1.0\"\n"
           "status = \"stable\"\nimplements = [\"hyops.provider/1\"]\n" +
           more;
  }

  // Puts the built plugin `name` there as `id`, unsigned.
  void put(const std::string& id, const std::string& name, const std::string& toml) {
    std::filesystem::create_directories(folder(id));
    std::filesystem::copy_file(
        std::string(HYOPS_BUILD_DIR) + "/tests/plugins/" + name + "/plugin.so",
        folder(id) / "plugin.so", std::filesystem::copy_options::overwrite_existing);
    write(folder(id) / "plugin.toml", toml);
  }
  void put_signed(const std::string& id, const std::string& name, const std::string& more = {}) {
    put(id, name, manifest(id, more));
    const auto done = sign(folder(id), key_);
    ASSERT_TRUE(done) << done.error().text();
  }

  Result<Registry> registry() const {
    return Registry::open({{root() / "plugins"},
                           {root() / "trust.toml"},
                           std::string(HYOPS_BUILD_DIR) + "/libexec/hyops/hyops-plugin-host"});
  }
  Result<Instance> start(const std::string& id, const Json& config = Json::object(),
                         Services services = {}) const {
    auto found = registry();
    if (!found) return pass(found);
    return Instance::start(*found, id, config, std::move(services));
  }

  static void write(const std::filesystem::path& file, const std::string& text) {
    const auto done = write_file(file, text);
    ASSERT_TRUE(done) << done.error().text();
  }

 private:
  TempDir temp_;
  trust::SecretKey key_;
};

inline CallRequest request(const std::string& verb, Json input = Json::object()) {
  CallRequest out;
  out.interface = "hyops.provider/1";
  out.verb = verb;
  out.input = std::move(input);
  out.key = "key-1";
  out.lane = "drill";
  out.fencing_token = 7;
  return out;
}

}  // namespace hyops::plugin
