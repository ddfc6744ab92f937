// Putting a vendor's plugin among those of this runner, and taking it away, each in one step.
#pragma once

#include <filesystem>
#include <string>

#include "plugin/registry.hpp"

namespace hyops::plugin {

// Copies the plugin that stands in `from` into <home>/plugins/<id>. What is judged, by the trust of
// `registry` and file by file, is the copy, which nobody else can write to. plugin.manifest.*,
// plugin.signature.*, plugin.key.*, plugin.scope.*, plugin.file.*, plugin.builtin,
// plugin.installed (one is there and `replace` is false), file.*
Result<Manifest> install(const Registry& registry, const std::filesystem::path& home,
                         const std::filesystem::path& from, bool replace);

// Takes it away again: plugin.unknown, plugin.builtin for what came with hyops.
Status remove(const Registry& registry, const std::filesystem::path& home, const std::string& id);

}  // namespace hyops::plugin
