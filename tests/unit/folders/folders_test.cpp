// The folder rules of docs/architecture: arrows go down only, and some headers have one home.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace fs = std::filesystem;

namespace {

struct Include {
  fs::path file;
  std::string folder, what;
  bool quoted;
};

std::vector<Include> includes(const fs::path& root) {
  std::vector<Include> out;
  const std::regex line(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const auto ending = entry.path().extension();
    if (ending != ".cpp" && ending != ".hpp" && ending != ".h") continue;
    std::ifstream in(entry.path());
    for (std::string text; std::getline(in, text);) {
      std::smatch found;
      if (std::regex_search(text, found, line))
        out.push_back({entry.path(), entry.path().lexically_relative(root).begin()->string(),
                       found[2], found[1] == "\""});
    }
  }
  return out;
}

}  // namespace

TEST(Folders, of_the_core_depend_downwards_only) {
  const std::map<std::string, std::set<std::string>> may_use = {
      {"base", {}},
      {"contract", {"base"}},
      {"process", {"base"}},
      {"net", {"base"}},
      {"plan", {"base", "contract"}},
      {"ledger", {"base"}},
      {"trust", {"base", "contract"}},
      {"record", {"base", "contract", "ledger", "trust", "process"}},
      {"plugin", {"base", "contract", "process", "net", "trust"}},
      {"engine",
       {"base", "contract", "process", "net", "plan", "ledger", "trust", "record", "plugin"}},
      {"lab", {"base", "contract", "process", "ledger", "trust", "record", "engine"}},
      {"cli",
       {"base", "contract", "process", "net", "plan", "ledger", "trust", "record", "plugin",
        "engine", "lab"}},
      {"step-host", {"base", "process", "record"}},
      {"stream-host", {"base", "process", "plugin"}},
      {"plugin-host", {"base", "plugin", "contract"}},
      {"plugin-filter", {}},
      {"plugin-sign", {"base", "plugin", "trust"}},
      {"sdk", {}},
  };
  for (const auto& include : includes(HYOPS_SOURCE_DIR "/core")) {
    const size_t slash = include.what.find('/');
    const std::string target = slash == std::string::npos ? "" : include.what.substr(0, slash);
    ASSERT_TRUE(may_use.count(include.folder))
        << include.file << " stands in a folder without a rule";
    if (!include.quoted || !may_use.count(target) || target == include.folder) continue;
    EXPECT_TRUE(may_use.at(include.folder).count(target))
        << include.file << " includes " << include.what;
  }
}

TEST(Folders, of_plugins_see_the_sdk_and_nothing_of_the_core) {
  for (const auto& include : includes(HYOPS_SOURCE_DIR "/plugins"))
    EXPECT_FALSE(fs::exists(fs::path(HYOPS_SOURCE_DIR "/core") / include.what))
        << include.file << " includes " << include.what;
}

TEST(Folders, keep_each_library_in_its_home) {
  const std::map<std::string, std::set<std::string>> homes = {{"boost/dll", {"plugin-host"}},
                                                              {"seccomp.h", {"plugin-filter"}},
                                                              {"sqlite3.h", {"ledger"}},
                                                              {"curl/", {"net"}},
                                                              {"sodium", {"base", "trust"}},
                                                              {"hs.h", {"record"}},
                                                              {"hs/", {"record"}}};
  std::set<fs::path> toml;
  for (const auto& include : includes(HYOPS_SOURCE_DIR "/core")) {
    for (const auto& [header, folders] : homes)
      if (include.what.starts_with(header)) {
        EXPECT_TRUE(folders.count(include.folder)) << include.file << " includes " << include.what;
      }
    if (include.what.starts_with("toml++")) toml.insert(include.file);
  }
  EXPECT_EQ(toml.size(), 1u);
}

TEST(Folders, hold_no_file_that_has_grown_past_one_idea) {
  for (const char* root : {HYOPS_SOURCE_DIR "/core", HYOPS_SOURCE_DIR "/plugins"})
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
      std::ifstream in(entry.path());
      const auto lines = std::count(std::istreambuf_iterator<char>(in), {}, '\n');
      EXPECT_LE(lines, 400) << entry.path();
    }
}

// C2: what bootstraps a runner names no provider; platforms arrive as inputs.
TEST(Folders, of_the_core_name_no_provider) {
  const std::regex provider(R"(\b(gcp|aws|azure|proxmox|ec2|gce)\b)", std::regex::icase);
  for (const char* folder : {"plan", "ledger", "process", "engine", "net", "plugin"})
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(HYOPS_SOURCE_DIR "/core") / folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path());
      int number = 0;
      for (std::string line; std::getline(in, line);) {
        ++number;
        EXPECT_FALSE(std::regex_search(line, provider))
            << entry.path() << ":" << number << ": " << line;
      }
    }
}
