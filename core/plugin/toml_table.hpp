// One table of a small TOML file, read strictly: what nobody takes out of it is an error.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace hyops::plugin {

// The document of a file, or one error with its place under `code`.
Result<Json> read_toml(const std::filesystem::path& file, const char* code);
Result<Json> read_toml(std::string_view text, const std::string& file, const char* code);

// Takes members out one by one and remembers the first complaint.
class TomlTable {
 public:
  TomlTable(Json table, std::string file, const char* code)
      : table_(std::move(table)), file_(std::move(file)), code_(code) {
    if (!table_.is_object()) wrong("holds something else where a table should be");
  }

  Json take(const char* key, Json::value_t type, bool required);
  std::string text(const char* key, bool required);
  bool flag(const char* key);
  std::vector<std::string> list(const char* key, bool required);
  std::vector<Json> tables(const char* key);  // [[key]]
  void wrong(const std::string& what);        // "<file> <what>"
  // The first complaint or, where there is none, a member that nobody took. `where`: " in [http]".
  Status done(const std::string& where = {});

 private:
  Json table_;
  std::string file_;
  const char* code_;
  Status problem_;
};

// A text as it stands in TOML, with its quotes.
std::string toml_text(std::string_view text);
std::string toml_list(const std::vector<std::string>& texts);

}  // namespace hyops::plugin
