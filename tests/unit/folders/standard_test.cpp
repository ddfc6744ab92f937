// docs/standard.md tells no tales: every obligation has its row, and every test named there exists.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "Suite.name" of every test of the tree.
std::set<std::string> tests_there_are() {
  std::set<std::string> names;
  const std::regex test(
      R"((?:TEST|TEST_F|TEST_P|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\(\s*(\w+),\s*(\w+))");
  for (const auto& entry : fs::recursive_directory_iterator(HYOPS_SOURCE_DIR "/tests")) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string text = text_of(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), test), end; at != end; ++at)
      names.insert((*at)[1].str() + "." + (*at)[2].str());
  }
  return names;
}

}  // namespace

TEST(Standard, has_a_row_for_every_obligation_and_names_tests_that_exist) {
  std::set<std::string> missing;
  for (const auto& [letter, last] :
       {std::pair{'C', 5}, {'E', 9}, {'A', 7}, {'D', 6}, {'G', 10}, {'B', 3}, {'L', 20}, {'K', 7}})
    for (int number = 1; number <= last; ++number) missing.insert(letter + std::to_string(number));
  const auto there_are = tests_there_are();
  std::ifstream in(HYOPS_SOURCE_DIR "/docs/standard.md");
  const std::regex row(R"(^\| ([A-Z]\d+) \| (.*) \| ?(.*) ?\|$)"), name(R"(`(\w+\.\w+)`)");
  for (std::string line; std::getline(in, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, row)) continue;
    EXPECT_EQ(missing.erase(found[1]), 1u)
        << found[1] << " is no obligation, or stands there twice";
    const std::string does = found[2], shown = found[3];
    int tests = 0;
    for (std::sregex_iterator at(shown.begin(), shown.end(), name), end; at != end; ++at, ++tests)
      EXPECT_TRUE(there_are.count((*at)[1])) << found[1] << " names " << (*at)[1];
    EXPECT_TRUE(tests > 0 || does.find("**open**") != std::string::npos)
        << found[1] << " has neither a test nor the word open";
  }
  for (const auto& id : missing) ADD_FAILURE() << "docs/standard.md has no row for " << id;
}
