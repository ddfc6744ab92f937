// Putting a plugin under a key: digests of its files into plugin.toml, then a signature over that.
#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "plugin/registry.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

// [files] is the last table of plugin.toml and belongs to us; what stands above it is the author's.
std::string without_files(const std::string& text) {
  size_t at = text.starts_with("[files]") ? 0 : text.find("\n[files]");
  if (at == std::string::npos) at = text.size();
  std::string kept = text.substr(0, at);
  while (!kept.empty() && kept.back() == '\n') kept.pop_back();
  return kept + "\n";
}

}  // namespace

Status sign(const fs::path& folder, const trust::SecretKey& key) {
  auto text = read_file(folder / "plugin.toml", 1u << 20);
  if (!text) return fail("plugin.manifest.missing", text.error().message);
  std::string signed_text = without_files(*text) + "\n[files]\n";
  std::vector<fs::path> files;
  std::error_code problem;
  for (fs::directory_iterator it(folder, problem), end; !problem && it != end;
       it.increment(problem))
    if (it->is_regular_file() && !it->path().filename().string().starts_with("plugin.toml") &&
        is_name(it->path().filename().string()))
      files.push_back(it->path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    auto digest = digest_of_file(file);
    if (!digest) return pass(digest);
    signed_text += "\"" + file.filename().string() + "\" = \"" +
                   digest->substr(digest->find(':') + 1) + "\"\n";
  }
  auto manifest = parse_manifest(signed_text, folder);
  if (!manifest) return pass(manifest);
  if (!manifest->files.contains(object_name))
    return fail("plugin.file.missing", (folder / object_name).string() + " is not there");
  auto signature = key.sign(signed_text, "hyops plugin " + manifest->id + " " + manifest->version);
  if (!signature) return pass(signature);
  if (auto written = write_file(folder / "plugin.toml", signed_text); !written) return written;
  return write_file(folder / "plugin.toml.minisig", *signature);
}

}  // namespace hyops::plugin
