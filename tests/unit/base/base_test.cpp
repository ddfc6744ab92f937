// What everything else leans on: files replaced whole, one spelling of JSON, names that stay
// inside.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <rapidcheck/gtest.h>
#include <csignal>
#include <fstream>
#include <regex>
#include <set>

#include "base/catalogue.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/ids.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"

namespace fs = std::filesystem;
using namespace hyops;

TEST(Catalogue, has_every_code_that_the_sources_raise_and_each_once) {
  std::set<std::string> known;
  for (const auto& entry : catalogue()) {
    EXPECT_TRUE(known.insert(std::string(entry.code)).second) << "twice: " << entry.code;
    EXPECT_FALSE(entry.paragraph.empty()) << entry.code;
    EXPECT_FALSE(entry.next.empty()) << entry.code;
  }
  const std::regex raise(
      R"re((?:fail|fail_at|fail_errno|make_error)\(\s*(?:[A-Za-z_]+\([^()]*\),\s*|[a-z_]+,\s*)?"([a-z_]+(?:\.[a-z_]+)+)")re");
  for (const auto& file : fs::recursive_directory_iterator(HYOPS_SOURCE_DIR "/core")) {
    if (file.path().extension() != ".cpp" && file.path().extension() != ".hpp") continue;
    const std::string text = read_file(file.path()).value_or("");
    for (std::sregex_iterator it(text.begin(), text.end(), raise), end; it != end; ++it)
      EXPECT_TRUE(known.count((*it)[1].str())) << (*it)[1] << " raised in " << file.path();
  }
}

TEST(File, is_the_old_or_the_new_one_when_the_disk_is_full) {
  auto dir = TempDir::create(fs::temp_directory_path());
  ASSERT_TRUE(dir);
  const fs::path file = dir->path() / "kept";
  ASSERT_TRUE(write_file(file, "old"));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto written = write_file(file, std::string(100'000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, "file.write");
  EXPECT_EQ(read_file(file).value_or(""), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir->path()), fs::directory_iterator()), 1);
}

TEST(File, tree_digest_changes_with_content_name_and_mode_and_refuses_links) {
  auto dir = TempDir::create(fs::temp_directory_path());
  const fs::path tree = dir->path() / "tree";
  ASSERT_TRUE(make_folders(tree / "sub"));
  ASSERT_TRUE(write_file(tree / "sub/a", "1"));
  const auto first = digest_of_tree(tree).value();
  fs::permissions(tree / "sub/a", fs::perms::owner_exec, fs::perm_options::add);
  const auto with_x = digest_of_tree(tree).value();
  EXPECT_NE(first, with_x);
  fs::rename(tree / "sub/a", tree / "sub/b");
  EXPECT_NE(digest_of_tree(tree).value(), with_x);
  fs::create_symlink("/etc/passwd", tree / "link");
  EXPECT_EQ(digest_of_tree(tree).error().code, "file.name");
  EXPECT_EQ(copy_tree(tree, dir->path() / "copy").error().code, "file.name");
}

TEST(Names, that_leave_a_folder_or_hide_characters_are_refused) {
  for (const char* good : {"a", "db-1", "postgresql", "a.b_c"}) EXPECT_TRUE(is_name(good)) << good;
  for (const char* bad : {"", "..", "a..b", "a/b", "A", "-a", ".a", "a b", "a\n", "\xc3\xa4"})
    EXPECT_FALSE(is_name(bad)) << bad;
  EXPECT_TRUE(is_path_name("dr/postgresql-failover"));
  for (const char* bad : {"dr", "dr/", "/dr", "dr/../x", "a/b/c"})
    EXPECT_FALSE(is_path_name(bad)) << bad;
}

// Whoever looks through the whole list after each of its objects is not done within the time-out.
TEST(Json, reads_a_list_of_very_many_objects) {
  std::string text = "[";
  for (int i = 0; i < 100'000; ++i) text += "{\"a\":[{}]},";
  text += "[{\"b\":{\"c\":[1,-2,true,null,\"x\"]}}]]";
  const auto parsed = parse_json(text, "x");
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->size(), 100'001u);
  EXPECT_EQ((*parsed)[99'999], (Json{{"a", Json::array({Json::object()})}}));
  EXPECT_EQ(parsed->back().dump(), "[{\"b\":{\"c\":[1,-2,true,null,\"x\"]}}]");
  EXPECT_EQ(parse_json("7", "x").value(), 7);
  EXPECT_EQ(parse_json("{\"a\":{\"a\":1},\"b\":[{\"a\":2}]}", "x").value().dump(),
            "{\"a\":{\"a\":1},\"b\":[{\"a\":2}]}")
      << "the same key on another level is another key";
  EXPECT_EQ(parse_json("{\"a\":{\"b\":1,\"b\":2}}", "x").error().code, "json.syntax");
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']'), "x"));
  EXPECT_EQ(parse_json(std::string(65, '[') + std::string(65, ']'), "x").error().code,
            "json.syntax");
}

TEST(Json, refuses_floats_duplicates_depth_and_broken_text) {
  EXPECT_EQ(canonical(Json{{"b", 1}, {"a", "ä"}}).value(), "{\"a\":\"ä\",\"b\":1}");
  EXPECT_EQ(canonical(Json{{"a", 1.5}}).error().code, "json.not_canonical");
  EXPECT_EQ(canonical(Json("\xff")).error().code, "json.not_canonical");
  EXPECT_EQ(parse_json("{\"a\":1,\"a\":2}", "x").error().code, "json.syntax");
  EXPECT_EQ(parse_json(std::string(100'000, '['), "x").error().code, "json.syntax");
  EXPECT_EQ(parse_json("[1]", "x", 2).error().code, "file.too_large");
}

TEST(Digest, is_what_sha256sum_prints) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

RC_GTEST_PROP(Digest, base64_gives_back_what_went_in, (const std::string& bytes)) {
  RC_ASSERT(from_base64(to_base64(bytes)).value() == bytes);
}

RC_GTEST_PROP(Clock, rfc3339_gives_back_what_went_in, ()) {
  const auto ms = *rc::gen::inRange<int64_t>(0, 4'000'000'000'000);
  RC_ASSERT(from_rfc3339(to_rfc3339(ms)).value() == ms);
}

TEST(Clock, reads_durations_and_refuses_the_rest) {
  EXPECT_EQ(parse_duration("15m").value(), 900'000);
  EXPECT_EQ(parse_duration("0s").value(), 0);
  for (const char* bad : {"", "m", "5", "-5s", "5 s", "1.5h", "99999999999999999999s", "5weeks"})
    EXPECT_EQ(parse_duration(bad).error().code, "value.duration") << bad;
}

TEST(Ids, sort_by_the_time_they_were_made) {
  EXPECT_LT(new_run_id(1'000), new_run_id(2'000));
  EXPECT_LT(new_run_id(1'700'000'000'000), new_run_id(1'800'000'000'000));
}

TEST(Text, suggests_only_near_names) {
  EXPECT_EQ(nearest("modul", {"module", "pack"}), "module");
  EXPECT_EQ(nearest("mdoule", {"module"}), "module");
  EXPECT_EQ(nearest("zebra", {"module", "pack"}), "");
}

TEST(Text, printable_lets_no_control_character_through) {
  EXPECT_EQ(printable("a\x1b[31mb\n\xff"
                      "ü"),
            "a?[31mb??ü");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "b\xe2\x80\xae"
                      "c"),
            "a?b?c");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}
