// The drill's judge: what its log says of lost rows and of the time without service, also where the
// log is short, cut, doubled, or its clock went back.
#include "lab/client_log.hpp"

#include <gtest/gtest.h>

namespace hyops::lab {
namespace {

std::vector<int64_t> numbers(const std::vector<Acknowledged>& log) {
  std::vector<int64_t> out;
  for (const auto& line : log) out.push_back(line.number);
  return out;
}

TEST(ClientLog, counts_only_whole_lines_that_acknowledge) {
  const auto log = read_client_log(
      "acknowledged 1 1000\n"
      "failed 2 1100 no answer within 1500 ms\n"
      "acknowledged 2 1200 found\n"
      "acknowledged x 1300\n"
      "acknowledged 3\n"
      "acknowledged 4 1400ms\n"
      "\n"
      "acknowledged 5 1500");  // cut: its write may still have been in flight
  EXPECT_EQ(numbers(log), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(log[1].wall_ms, 1200);
}

TEST(ClientLog, of_a_client_that_never_wrote_shows_no_loss_and_no_service) {
  for (const char* text : {"", "acknowledged 1 10", "failed 1 10 no route\n"}) {
    const auto log = read_client_log(text);
    EXPECT_TRUE(log.empty());
    EXPECT_TRUE(lost_rows(log, {}, 1000).empty());
    EXPECT_EQ(lost_window_ms(log, {}, 1000), 0);
    EXPECT_EQ(outage(log, 500).served_ms, 0);
    EXPECT_EQ(outage(log, 500).duration_ms(), 0);
  }
}

TEST(ClientLog, names_each_lost_row_once_and_how_old_the_oldest_is) {
  const auto log = read_client_log(
      "acknowledged 1 1000\nacknowledged 2 1100\nacknowledged 3 1200\nacknowledged 3 1250 found\n"
      "acknowledged 4 5000\n");
  EXPECT_EQ(lost_rows(log, {1, 4}, 2000), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(lost_window_ms(log, {2, 3}, 2000), 900);
  EXPECT_TRUE(lost_rows(log, {1, 2, 3}, 2000).empty());  // 4 came after the fault
}

TEST(ClientLog, does_not_miss_numbers_that_were_never_acknowledged) {
  const auto log = read_client_log("acknowledged 1 1000\nacknowledged 7 1100\n");
  EXPECT_TRUE(lost_rows(log, {1, 7}, 2000).empty());
  EXPECT_EQ(lost_rows(log, {1}, 2000), std::vector<int64_t>{7});
}

TEST(ClientLog, measures_the_gap_around_a_moment) {
  const auto log =
      read_client_log("acknowledged 1 1000\nacknowledged 2 1100\nacknowledged 3 9000\n");
  const Outage gap = outage(log, 2000);
  EXPECT_EQ(gap.last_ms, 1100);
  EXPECT_EQ(gap.served_ms, 9000);
  EXPECT_EQ(gap.duration_ms(), 7900);
  EXPECT_EQ(outage(log, 9001).served_ms, 0);  // nothing after it: service has not returned
  EXPECT_EQ(outage(log, 9001).duration_ms(), 0);
}

// A clock that goes back may make us look worse than we are, never better.
TEST(ClientLog, judges_hard_where_the_clients_clock_went_back) {
  // Stamped 9000 by a clock that was ahead, then set right: no service at 5000 is claimed by it.
  const auto ahead = read_client_log(
      "acknowledged 1 1000\nacknowledged 2 9000\nacknowledged 3 1200\nacknowledged 4 6000\n");
  EXPECT_EQ(outage(ahead, 5000).served_ms, 6000);
  EXPECT_EQ(outage(ahead, 5000).last_ms, 1200);
  // Row 2 was acknowledged before row 3, so before the fault, whatever its stamp says.
  EXPECT_EQ(lost_rows(ahead, {1, 4}, 5000), (std::vector<int64_t>{2, 3}));
  // Set back after service had returned: later lines look older, so service is told later.
  const auto back = read_client_log(
      "acknowledged 1 1000\nacknowledged 2 6000\nacknowledged 3 2000\nacknowledged 4 7000\n");
  EXPECT_EQ(outage(back, 5000).served_ms, 7000);
  // Both ends known, but the later one stamped earlier: no duration is made up.
  EXPECT_EQ((Outage{1000, 2000}.duration_ms()), 0);
}

}  // namespace
}  // namespace hyops::lab
