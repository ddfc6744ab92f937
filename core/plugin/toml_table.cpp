// Strict reading of small TOML files, shared by manifests, trust files and plugins.lock.
#include "plugin/toml_table.hpp"

#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/load.hpp"

namespace hyops::plugin {

Result<Json> read_toml(std::string_view text, const std::string& file, const char* code) {
  contract::Diagnostics problems;
  auto document = contract::parse_toml(text, file, problems);
  if (document && problems.empty()) return std::move(*document);
  if (problems.empty()) return fail(code, file + " cannot be read");
  return fail_at(problems.front().place.value_or(Place{file}), code, problems.front().message);
}

Result<Json> read_toml(const std::filesystem::path& file, const char* code) {
  auto text = read_file(file, 1u << 20);
  if (!text) return fail(code, text.error().message);
  return read_toml(*text, file.string(), code);
}

Json TomlTable::take(const char* key, Json::value_t type, bool required) {
  const auto found = table_.is_object() ? table_.find(key) : table_.end();
  if (found == table_.end()) {
    if (required) wrong(std::string("lacks \"") + key + "\"");
    return Json(type);
  }
  Json value = *found;
  table_.erase(found);
  if (value.type() == type) return value;
  wrong(std::string("\"") + key + "\" should be of type " + Json(type).type_name());
  return Json(type);
}

std::string TomlTable::text(const char* key, bool required) {
  return take(key, Json::value_t::string, required).get<std::string>();
}

bool TomlTable::flag(const char* key) {
  return take(key, Json::value_t::boolean, false).get<bool>();
}

std::vector<std::string> TomlTable::list(const char* key, bool required) {
  std::vector<std::string> out;
  for (const auto& item : take(key, Json::value_t::array, required))
    if (item.is_string())
      out.push_back(item.get<std::string>());
    else
      wrong(std::string("\"") + key + "\" should hold texts");
  return out;
}

std::vector<Json> TomlTable::tables(const char* key) {
  const Json array = take(key, Json::value_t::array, false);
  return {array.begin(), array.end()};
}

void TomlTable::wrong(const std::string& what) {
  if (problem_) problem_ = fail(code_, file_ + " " + what);
}

Status TomlTable::done(const std::string& where) {
  if (table_.is_object())
    for (const auto& [key, value] : table_.items())
      wrong("has the unknown key \"" + printable(key, 60) + "\"" + where);
  return problem_;
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable(text, text.size() + 4)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const auto& text : texts) quoted.push_back(toml_text(text));
  return "[" + join(quoted) + "]";
}

}  // namespace hyops::plugin
