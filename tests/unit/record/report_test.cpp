// The reports byte by byte against what was looked at and found good. HYOPS_ACCEPT=1 accepts new
// ones.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.hpp"
#include "record/record.hpp"

namespace hyops::record {
namespace {

void compare(const std::string& name, const std::string& now) {
  const std::filesystem::path file =
      std::filesystem::path(HYOPS_SOURCE_DIR) / "tests/golden/report" / name;
  if (std::getenv("HYOPS_ACCEPT")) {
    ASSERT_TRUE(write_file(file, now));
  }
  auto before = read_file(file);
  ASSERT_TRUE(before) << "HYOPS_ACCEPT=1 writes " << name;
  EXPECT_TRUE(*before == now) << name << " changed; look at it, then accept it with HYOPS_ACCEPT=1";
}

Json story(const std::string& name) {
  auto text =
      read_file(std::filesystem::path(HYOPS_SOURCE_DIR) / "tests/golden/report" / (name + ".json"));
  return parse_json(text.value(), name).value();
}

TEST(Report, of_a_failover_that_ended_well_is_the_one_we_looked_at) {
  compare("failover.html", html_report(story("failover")));
  compare("failover.txt", text_report(story("failover"), false));
}

TEST(Report, of_a_failed_run_is_the_one_we_looked_at) {
  compare("failed.html", html_report(story("failed")));
  compare("failed.txt", text_report(story("failed"), false));
}

TEST(Report, says_nothing_by_colour_alone) {
  const std::string plain = text_report(story("failed"), false),
                    painted = text_report(story("failed"), true);
  std::string stripped;
  for (size_t i = 0; i < painted.size(); ++i) {
    if (painted[i] == '\x1b')
      i = painted.find('m', i);
    else
      stripped += painted[i];
  }
  EXPECT_EQ(stripped, plain);
}

TEST(Report, survives_a_summary_with_next_to_nothing_in_it) {
  const Json bare{{"run", "r1"}, {"headline", {{"word", "Outcome unknown"}}}};
  EXPECT_NE(html_report(bare).find("Outcome unknown"), std::string::npos);
  EXPECT_NE(text_report(bare, false).find("Outcome unknown"), std::string::npos);
  EXPECT_FALSE(html_report(Json::object()).empty());
}

}  // namespace
}  // namespace hyops::record
