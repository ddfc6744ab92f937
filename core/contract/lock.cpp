// hyops.lock: which bytes a lane has agreed to, by digest; read by hyops, written by hyops,
// reviewed by people.
#include "base/text.hpp"
#include "contract/document.hpp"
#include "contract/shapes.hpp"

namespace hyops::contract {
namespace {

constexpr std::pair<const char*, std::map<std::string, std::string> Lock::*> sections[] = {
    {"blueprints", &Lock::blueprints}, {"modules", &Lock::modules},   {"packs", &Lock::packs},
    {"plugins", &Lock::plugins},       {"profiles", &Lock::profiles}, {"tools", &Lock::tools}};

// A basic string: names and versions come from tools' own output, so anything may be in them.
std::string quoted(const std::string& text) {
  static const char* const hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : printable(text, 4096)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      out += '?';
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += std::string("\\u00") + hex[byte >> 4] + hex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::optional<Lock> parse_lock(std::string_view text, const std::string& file,
                               Diagnostics& problems) {
  Source source(file, problems);
  const auto document = parse_document(text, source);
  if (!document) return std::nullopt;
  Table table(*document, "", source);
  Lock lock;
  for (const auto& [section, member] : sections)
    table.each(section, [&, section = std::string(section), member = member](const Member& entry) {
      const std::string path = section + ".\"" + printable(entry.key, 80) + "\"";
      if (!expect(entry.value, Node::Is::text, path, source)) return;
      const auto expected =
          section == "tools" ? std::string() : misspelled(Kind::digest, entry.value.text);
      if (!expected.empty())
        source.wrong(
            entry.value, "contract.value.digest",
            path + " is \"" + printable(entry.value.text, 80) + "\", expected " + expected);
      (lock.*member).emplace(entry.key, entry.value.text);
    });
  table.done();
  if (!source.clean()) return std::nullopt;
  return lock;
}

std::optional<Lock> load_lock(const std::filesystem::path& file, Diagnostics& problems) {
  const auto text = read_text(file, problems);
  if (!text) return std::nullopt;
  return parse_lock(*text, file.string(), problems);
}

std::string write_lock(const Lock& lock) {
  std::string out =
      "# Written by hyops. What this lane runs, byte for byte; a change here is a change to "
      "review.\n";
  for (const auto& [section, member] : sections) {
    if ((lock.*member).empty()) continue;
    out += "\n[" + std::string(section) + "]\n";
    for (const auto& [name, value] : lock.*member)
      out += quoted(name) + " = " + quoted(value) + "\n";
  }
  return out;
}

}  // namespace hyops::contract
