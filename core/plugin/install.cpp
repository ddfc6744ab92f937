// A half-copied plugin never stands under its name: it is made beside it and renamed.
#include "plugin/install.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

Status copy_one(const fs::path& from, const fs::path& to) {
  constexpr size_t most = 256u << 20;
  std::error_code ignored;
  if (!fs::is_regular_file(fs::symlink_status(from, ignored)))
    return fail("plugin.file.missing", from.string() + " is not there or not a file");
  auto bytes = read_file(from, most);
  if (!bytes) return pass(bytes);
  return write_file(to, *bytes, 0644);
}

// Is a plugin of that id part of the installation itself?
bool is_builtin(const Registry& registry, const fs::path& own, const std::string& id) {
  for (const auto& place : registry.sources().plugins)
    if (place != own && fs::exists(place / id / "plugin.toml")) return true;
  return false;
}

}  // namespace

Result<Manifest> install(const Registry& registry, const fs::path& home, const fs::path& from,
                         bool replace) {
  if (auto made = make_folders(home / "plugins"); !made) return pass(made);
  auto scratch = TempDir::create(home, ".install");  // on the same file system, unseen by list
  if (!scratch) return pass(scratch);
  const fs::path copy = scratch->path() / "plugin";
  if (auto made = make_folders(copy); !made) return pass(made);
  for (const char* file : {"plugin.toml", "plugin.toml.minisig"}) {
    std::error_code ignored;
    if (!fs::exists(from / file, ignored))
      return fail(file == std::string("plugin.toml") ? "plugin.manifest.missing"
                                                     : "plugin.signature.missing",
                  (from / file).string() + " is not there");
    if (auto done = copy_one(from / file, copy / file); !done) return pass(done);
  }
  auto text = read_file(copy / "plugin.toml", 1u << 20);
  if (!text) return pass(text);
  auto manifest = parse_manifest(*text, from);  // messages name what the person named
  if (!manifest) return pass(manifest);
  auto signature = read_file(copy / "plugin.toml.minisig", 1u << 16);
  if (!signature) return pass(signature);
  auto judged = registry.trust().judge(*manifest, *text, *signature, system_clock().wall_ms());
  if (!judged) return pass(judged, "while installing " + from.string());
  if (!manifest->files.contains(object_name))
    return fail("plugin.file.missing",
                manifest->id + " was signed without the digest of its " + object_name);
  for (const auto& [file, sha256] : manifest->files) {
    if (auto done = copy_one(from / file, copy / file); !done) return pass(done);
    auto digest = digest_of_file(copy / file);
    if (!digest) return pass(digest);
    if (*digest != "sha256:" + sha256)
      return fail("plugin.file.changed",
                  (from / file).string() + " is not the file that plugin.toml was signed for");
  }
  if (is_builtin(registry, home / "plugins", manifest->id))
    return fail("plugin.builtin", manifest->id + " is part of hyops itself");
  const fs::path place = home / "plugins" / manifest->id;
  const bool there = fs::exists(place);
  if (there && !replace) return fail("plugin.installed", place.string() + " is there already");
  if (::renameat2(AT_FDCWD, copy.c_str(), AT_FDCWD, place.c_str(),
                  there ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0)
    return fail_errno("file.write", "cannot put " + place.string() + " in place", errno);
  manifest->folder = place;
  return std::move(*manifest);
}

Status remove(const Registry& registry, const fs::path& home, const std::string& id) {
  const fs::path place = home / "plugins" / id;
  if (is_name(id) && fs::exists(place)) {
    auto scratch = TempDir::create(home, ".remove");
    if (!scratch) return pass(scratch);
    if (::rename(place.c_str(), (scratch->path() / "plugin").c_str()) != 0)
      return fail_errno("file.write", "cannot take " + place.string() + " away", errno);
    return {};
  }
  auto digest = registry.digest(id);  // says what is near, if there is nothing of that name
  if (!digest) return pass(digest);
  return fail("plugin.builtin", id + " is part of hyops itself");
}

}  // namespace hyops::plugin
