// What a drill leaves: the facts as JSON, a page for a manager, the same in the terminal.
#pragma once

#include <filesystem>
#include <string>

#include "base/json.hpp"

namespace hyops::lab {

// drill.json and drill.html beside the two records.
Status write_drill_report(const std::filesystem::path& folder, const Json& facts);
std::string drill_html(const Json& facts);
std::string drill_text(const Json& facts);

}  // namespace hyops::lab
