// What an author reads for a wrong file, word for word. HYOPS_ACCEPT=1 writes what is printed now
// as what is expected; read the difference before committing it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/catalogue.hpp"
#include "base/file.hpp"
#include "contract/document.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using namespace hyops::contract;

namespace {

const fs::path here = HYOPS_SOURCE_DIR "/tests/golden/contract";

Diagnostics complaints_about(const fs::path& file, const std::string& text) {
  Diagnostics problems;
  Catalog catalog(here / "catalog");
  const std::string name = file.filename().string();
  const std::string kind = name.substr(0, name.find_first_of("-."));
  if (kind == "module") parse_module(text, name, problems);
  if (kind == "pack") parse_pack(text, name, problems);
  if (kind == "lock") parse_lock(text, name, problems);
  if (kind == "lane")
    if (const auto lane = parse_lane(text, name, problems)) check_lane(*lane, catalog, problems);
  if (kind == "blueprint")
    if (const auto blueprint = parse_blueprint(text, name, problems))
      check_blueprint(*blueprint, catalog, problems);
  if (kind == "profile")
    if (const auto profile = parse_profile(text, name, problems)) {
      check_profile(*profile, catalog, problems);
      if (const auto* blueprint = catalog.blueprint("dr/failover", {}, problems))
        check_bindings(*blueprint, *profile, catalog, problems);
    }
  return problems;
}

// The machine's own path is no part of what is expected.
std::string as_text(const Diagnostics& problems) {
  std::string out;
  for (const auto& problem : problems) out += problem.text() + '\n';
  for (size_t at; (at = out.find(here.string() + "/")) != std::string::npos;)
    out.erase(at, here.string().size() + 1);
  return out;
}

std::vector<fs::path> bad_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(here / "bad"))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST(ContractGolden, every_wrong_file_is_explained_word_for_word) {
  const bool accept = std::getenv("HYOPS_ACCEPT") != nullptr;
  for (const auto& file : bad_files()) {
    SCOPED_TRACE(file.filename().string());
    const std::string found = as_text(complaints_about(file, read_file(file).value()));
    EXPECT_FALSE(found.empty());
    const fs::path expected = fs::path(file).replace_extension(".txt");
    if (accept) {
      ASSERT_TRUE(write_file(expected, found));
    }
    EXPECT_EQ(read_file(expected).value_or(""), found);
  }
}

TEST(ContractGolden, every_error_names_its_file_and_a_next_step) {
  for (const auto& file : bad_files())
    for (const auto& problem : complaints_about(file, read_file(file).value())) {
      ASSERT_TRUE(problem.place) << problem.text();
      EXPECT_FALSE(problem.place->file.empty()) << problem.text();
      EXPECT_FALSE(problem.next.empty()) << problem.text();
      EXPECT_EQ(problem.text().find("s3cr3t"), std::string::npos)
          << "what may be a secret is shown";
      EXPECT_EQ(problem.text().find("Battery"), std::string::npos)
          << "what may be a secret is shown";
    }
}

TEST(ContractGolden, every_code_of_the_contracts_is_tripped_by_a_file) {
  std::set<std::string> open;
  for (const auto& entry : catalogue())
    if (entry.code.starts_with("contract.")) open.insert(std::string(entry.code));
  std::set<std::string> known = open;
  for (const auto& file : bad_files())
    for (const auto& problem : complaints_about(file, read_file(file).value())) {
      EXPECT_TRUE(known.count(problem.code) || !problem.code.starts_with("contract."))
          << problem.code;
      open.erase(problem.code);
    }
  // These need more than one file, or a very long one: tests/unit/contract has them.
  open.erase("contract.file.broken");
  open.erase("contract.file.too_many");
  open.erase("contract.name.mismatch");
  for (const auto& code : open) ADD_FAILURE() << "no file trips " << code;
}
