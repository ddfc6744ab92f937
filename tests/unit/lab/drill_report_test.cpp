// The drill's page and its text: the verdict is the assertions', and no text of a host is markup.
#include "lab/drill_report.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"

namespace hyops::lab {
namespace {

Json facts() {
  return {{"passed", true},
          {"failover",
           {{"rto_ms", 21'000},
            {"outage_ms", 26'000},
            {"rows_lost", 3},
            {"rows_acknowledged", 120},
            {"summary",
             {{"rto_ms", 300'000}, {"phases", Json::array({{{"name", "data"}, {"ms", 9000}}})}}}}},
          {"fault",
           {{"name", "tool-kill"},
            {"step", "restore"},
            {"meaning", "the tool is killed"},
            {"known", {"fence-site ended ok"}},
            {"unknown", {"restore, attempt 1: killed by signal 9"}},
            {"done", Json::array()}}},
          {"checks",
           Json::array({{{"what", "failover met its RTO"}, {"held", true}, {"found", "21 s"}}})}};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(DrillReport, shows_rto_against_its_target_and_what_was_lost) {
  const std::string html = drill_html(facts()), text = drill_text(facts());
  EXPECT_TRUE(has(html, "21.0 s of 5m 0s") || has(html, "21s of 5m 0s")) << html;
  EXPECT_TRUE(has(html, "3 of 120"));
  EXPECT_TRUE(has(text, "rows lost 3 of 120"));
  EXPECT_TRUE(has(text, "1 of 1 assertions held: the drill passed"));
  EXPECT_FALSE(has(html, "Failback to"));  // there was none
}

TEST(DrillReport, tells_the_fault_in_known_unknown_and_done) {
  const std::string html = drill_html(facts()), text = drill_text(facts());
  for (const auto& page : {html, text}) {
    EXPECT_TRUE(has(page, "What was known when it struck"));
    EXPECT_TRUE(has(page, "fence-site ended ok"));
    EXPECT_TRUE(has(page, "killed by signal 9"));
  }
  EXPECT_TRUE(has(html, "<h3>What was done</h3><ul><li>nothing</li></ul>"));
}

TEST(DrillReport, of_a_service_that_never_returned_says_never) {
  Json none = facts();
  none["passed"] = false;
  none["failover"]["rto_ms"] = -1;
  none["checks"][0]["held"] = false;
  EXPECT_TRUE(has(drill_text(none), "RTO never"));
  EXPECT_TRUE(has(drill_text(none), "NOT HELD: failover met its RTO (21 s)"));
  EXPECT_TRUE(has(drill_html(none), "never of"));
  EXPECT_TRUE(has(drill_html(none), "Not passed"));
}

TEST(DrillReport, lets_no_text_of_a_host_become_markup) {
  Json hostile = facts();
  hostile["checks"][0]["found"] = "<script>alert(1)</script> & \"x\"";
  hostile["fault"]["unknown"] = {"<img src=x onerror=y>"};
  const std::string html = drill_html(hostile);
  EXPECT_FALSE(has(html, "<script>"));
  EXPECT_FALSE(has(html, "<img"));
  EXPECT_TRUE(has(html, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;"));
}

TEST(DrillReport, of_nothing_at_all_is_still_a_page) {
  EXPECT_TRUE(has(drill_html(Json::object()), "Not passed"));
  EXPECT_TRUE(has(drill_text(Json::object()), "0 of 0 assertions held: the drill did NOT pass"));
}

TEST(DrillReport, is_kept_beside_the_records) {
  auto folder = TempDir::create(std::filesystem::temp_directory_path());
  ASSERT_TRUE(folder);
  ASSERT_TRUE(write_drill_report(folder->path(), facts()));
  auto text = read_file(folder->path() / "drill.json");
  ASSERT_TRUE(text);
  EXPECT_EQ(Json::parse(*text), facts());
  EXPECT_TRUE(std::filesystem::exists(folder->path() / "drill.html"));
}

}  // namespace
}  // namespace hyops::lab
