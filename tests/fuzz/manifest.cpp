// Any bytes as plugin.toml and, behind a zero byte, as what a lane configures: nothing may crash,
// and nothing wrong may pass for a manifest.
#include <cstdlib>

#include "base/file.hpp"
#include "plugin/manifest.hpp"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace hyops;
  using namespace hyops::plugin;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view text = input.substr(0, input.find('\0'));
  const std::string_view given = input.substr(std::min(size, text.size() + 1));

  const auto manifest = parse_manifest(text, "plugins/any");
  if (!manifest) {
    must(manifest.error().code.starts_with("plugin.manifest."));
    return 0;
  }
  // What stands in paths, terminals and grants has been looked at.
  must(is_name(manifest->id) && !manifest->implements.empty());
  for (const auto& id : manifest->implements) must(!verbs_of(id).empty());
  for (const auto& [name, digest] : manifest->files) must(is_name(name) && digest.size() == 64);
  must(canonical(describe(*manifest)).has_value());

  const auto asked = parse_json(given, "the configuration", 1u << 20);
  const auto config = check_config(*manifest, asked ? *asked : Json::object());
  if (!config) {
    must(config.error().code.starts_with("plugin.config."));
    return 0;
  }
  // A configuration that was checked is complete: checking it again changes nothing.
  const auto again = check_config(*manifest, *config);
  must(again && *again == *config);
  (void)secrets_of(*manifest, *config);
  return 0;
}
