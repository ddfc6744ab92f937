#include "plugin/lock.hpp"

#include "base/file.hpp"
#include "base/text.hpp"
#include "plugin/ownership.hpp"
#include "plugin/toml_table.hpp"

namespace hyops::plugin {

Result<Lock> read_lock(const std::filesystem::path& file) {
  constexpr const char* code = "plugin.lock.invalid";
  std::error_code problem;
  if (!std::filesystem::exists(file, problem)) return Lock{};
  if (auto good = check_owner(file); !good) return pass(good);
  auto document = read_toml(file, code);
  if (!document) return pass(document);
  TomlTable table(std::move(*document), file.string(), code);
  Lock lock;
  lock.complete = table.flag("complete");
  const Json plugins = table.take("plugins", Json::value_t::object, false);
  for (const auto& [id, item] : plugins.items()) {
    TomlTable pinned(item, file.string() + ": " + printable(id, 80), code);
    Pin pin{pinned.text("version", true), pinned.text("digest", true)};
    if (!is_name(id)) pinned.wrong("is no plugin's id");
    if (auto good = pinned.done(); !good) return pass(good);
    lock.pins.emplace(id, std::move(pin));
  }
  if (auto good = table.done(); !good) return pass(good);
  return lock;
}

Status write_lock(const std::filesystem::path& file, const Lock& lock) {
  std::string text = "# Pins plugins by digest; written by `hyops plugin lock`.\n";
  if (lock.complete) text += "complete = true\n";
  for (const auto& [id, pin] : lock.pins)
    text += "\n[plugins." + toml_text(id) + "]\nversion = " + toml_text(pin.version) +
            "\ndigest = " + toml_text(pin.digest) + "\n";
  return write_file(file, text);
}

Status check_pin(const Lock& lock, const std::filesystem::path& file, const std::string& id,
                 const Pin& found) {
  const auto pinned = lock.pins.find(id);
  if (pinned == lock.pins.end()) {
    if (!lock.complete) return {};
    return fail("plugin.lock.missing", file.string() + " does not list " + id + " " +
                                           found.version + ", and it is complete");
  }
  if (pinned->second.digest == found.digest) return {};
  return fail("plugin.lock.changed", file.string() + " pins " + id + " " + pinned->second.version +
                                         " with " + pinned->second.digest + "; installed is " +
                                         found.version + " with " + found.digest);
}

}  // namespace hyops::plugin
