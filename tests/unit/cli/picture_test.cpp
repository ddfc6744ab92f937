// The live view's picture: what fits a screen, and what hostile text can do to it (nothing).
#include "cli/picture.hpp"

#include "support.hpp"

namespace hyops::test {
namespace {

using namespace hyops::cli;

std::string text_of(const std::vector<Line>& lines) {
  std::string out;
  for (const auto& line : lines) out += draw(line, 0, false) + "\n";
  return out;
}

Picture running_picture() {
  Picture picture(small_plan(), RunId("raaa1"));
  picture.take("run.started", {{"blueprint", "dr/x"}, {"lane", "drill"}, {"rto_ms", 900000}}, 1000);
  picture.take("phase.started", {{"phase", "data"}}, 1000);
  picture.take("step.intent", {{"step", "restore"}, {"attempt", 1}}, 2000);
  return picture;
}

TEST(Terminal, cuts_text_by_columns_and_never_through_a_character) {
  EXPECT_EQ(fit("größe", 5), "größe");
  EXPECT_EQ(fit("größe und mehr", 8), "größe...");
  EXPECT_EQ(columns("漢字"), 4);
  EXPECT_EQ(columns(fit("漢字漢字", 7)), 7);  // two wide ones and three dots
  EXPECT_EQ(columns("e\xcc\x81"), 1);
  for (int width = 0; width < 12; ++width)
    EXPECT_LE(columns(fit("a漢字 größe \xff x", width)), width);
  EXPECT_EQ(columns(cell("ab", 6)), 6);
}

TEST(Terminal, lets_no_control_character_through_not_even_one_hidden_in_utf8) {
  const std::string hostile =
      "a\x1b[31m\nb\x07\xc2\x9b"
      "31m\xe2\x80\xae"
      "c";
  for (const char c : draw({{hostile, Paint::bad}}, 0, false))
    EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20);
  EXPECT_EQ(fit(hostile, 100).find("\xc2\x9b"), std::string::npos);
  EXPECT_EQ(fit(hostile, 100).find("\xe2\x80\xae"), std::string::npos);
}

TEST(Terminal, says_times_in_words) {
  EXPECT_EQ(short_time(4100), "4.1s");
  EXPECT_EQ(short_time(123'000), "2m 3s");
  EXPECT_EQ(round_time(900'000), "15m");
  EXPECT_EQ(round_time(2000), "2s");
  EXPECT_EQ(short_time(-5), "0.0s");
}

TEST(Picture, answers_an_interrupt_and_says_what_another_one_does) {
  Picture picture = running_picture();
  const std::string first = text_of(picture.take("run.stopping", {{"now", false}}, 3000));
  EXPECT_NE(first.find("hyops run cancel raaa1 --now"), std::string::npos) << first;
  EXPECT_NE(text_of(picture.take("run.stopping", {{"now", true}}, 4000)).find("stopping the steps"),
            std::string::npos);
}

TEST(Picture, tells_the_rto_clock_in_words) {
  const Picture picture = running_picture();
  EXPECT_NE(text_of(picture.block(124'000, 40)).find("RTO 2m 3s of 15m"), std::string::npos);
  EXPECT_NE(
      text_of(picture.block(1'000'000, 40)).find("RTO missed: 16m 39s of 15m, late by 1m 39s"),
      std::string::npos)
      << text_of(picture.block(1'000'000, 40));
}

TEST(Picture, takes_no_time_from_a_wall_clock_that_was_set) {
  Picture picture = running_picture();
  const int64_t hour = 3'600'000;
  picture.take("clock.stepped", {{"by_ms", hour}}, hour + 61'000);
  EXPECT_NE(text_of(picture.block(hour + 124'000, 40)).find("RTO 2m 3s of 15m"), std::string::npos)
      << text_of(picture.block(hour + 124'000, 40));
}

TEST(Picture, fits_every_height_and_still_shows_what_runs_and_the_clock) {
  Picture picture = running_picture();
  picture.progress("restore", 500, "restoring 31 of 62 MB");
  for (int height = 3; height < 30; ++height) {
    const auto block = picture.block(5000, height);
    EXPECT_LE(block.size(), static_cast<size_t>(height));
    EXPECT_NE(text_of(block).find("restoring 31 of 62 MB"), std::string::npos) << height;
    EXPECT_NE(text_of(block).find("RTO"), std::string::npos);
  }
}

TEST(Picture, counts_a_step_once_however_often_it_ends) {
  Picture picture = running_picture();
  picture.take("step.ended", {{"step", "restore"}, {"ending", "failed"}, {"reason", "x"}}, 3000);
  picture.take("run.ended", {{"status", "failed"}}, 3000);
  picture.take("run.resumed", {{"lane", "drill"}}, 4000);
  picture.take("phase.started", {{"phase", "data"}}, 4000);
  picture.take("step.intent", {{"step", "restore"}, {"attempt", 2}}, 4000);
  picture.take("step.ended", {{"step", "restore"}, {"ending", "ok"}, {"reason", ""}}, 5000);
  const std::string block = text_of(picture.block(5000, 40));
  EXPECT_NE(block.find("data        1/1"), std::string::npos) << block;
  EXPECT_TRUE(picture.running().empty());
}

TEST(Picture, says_what_it_waits_for) {
  Picture picture = running_picture();
  picture.take("step.retry",
               {{"step", "restore"}, {"attempt", 1}, {"pause_ms", 5000}, {"class", "unavailable"}},
               3000);
  EXPECT_NE(text_of(picture.block(3000, 40)).find("waits 5s before attempt 2"), std::string::npos)
      << text_of(picture.block(3000, 40));
  picture.take("gate.opened", {{"phase", "cutover"}}, 4000);
  EXPECT_NE(text_of(picture.block(4000, 40)).find("hyops run confirm raaa1 cutover"),
            std::string::npos);
}

TEST(Picture, survives_events_and_plans_that_make_no_sense) {
  Picture picture(Json::array({1, 2}), RunId("x"));
  for (const char* type : {"run.started", "step.intent", "step.ended", "phase.ended", "gate.opened",
                           "nonsense", "step.", "run.ended"})
    for (const Json& body :
         {Json(), Json::object(),
          Json{{"step", 3}, {"phase", nullptr}, {"attempt", "x"}, {"rto_ms", "y"}}})
      (void)picture.take(type, body, 1);
  EXPECT_FALSE(picture.block(0, 5).empty());
}

}  // namespace
}  // namespace hyops::test
