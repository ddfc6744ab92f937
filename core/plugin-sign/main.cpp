// Signs the plugins that are built with hyops itself, so that they take the same route as
// everybody's.
//
//   hyops-plugin-sign new KEY TRUST    a key of this build (kept if it is there) and a trust file
//   for it hyops-plugin-sign sign DIR KEY     what `hyops plugin sign` does; the build needs it
//   before hyops is built
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "plugin/interfaces.hpp"
#include "plugin/registry.hpp"

namespace {

namespace fs = std::filesystem;
using namespace hyops;

Status make_key(const fs::path& key_file, const fs::path& trust_file) {
  if (!fs::exists(key_file)) {
    auto made = trust::SecretKey::generate();
    if (!made) return pass(made);
    if (auto saved = made->save(key_file, "built-in plugins of this build"); !saved) return saved;
  }
  auto key = trust::SecretKey::load(key_file);
  if (!key) return pass(key);
  std::string interfaces;
  for (const auto& id : plugin::all_interfaces())
    interfaces += (interfaces.empty() ? "\"" : ", \"") + id + "\"";
  if (auto made = make_folders(trust_file.parent_path()); !made) return made;
  return write_file(trust_file,
                    "# The plugins that were built together with this hyops. The secret key stayed "
                    "with the build.\n"
                    "[[key]]\nname = \"builtin\"\nkey = \"" +
                        key->public_key().text +
                        "\"\n"
                        "ids = [\"hyops.\"]\ninterfaces = [" +
                        interfaces + "]\n");
}

Status sign(const fs::path& folder, const fs::path& key_file) {
  auto key = trust::SecretKey::load(key_file);
  if (!key) return pass(key);
  return plugin::sign(folder, *key);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  Status done = fail("cli.usage", "usage: hyops-plugin-sign new KEY TRUST | sign DIR KEY");
  if (words.size() == 3 && words[0] == "new") done = make_key(words[1], words[2]);
  if (words.size() == 3 && words[0] == "sign") done = sign(words[1], words[2]);
  if (!done) std::cerr << done.error().text() << '\n';
  return done ? 0 : 1;
}
