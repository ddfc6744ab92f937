// The picture of a run as the lines that stay on a terminal and are drawn again and again.
#include <algorithm>

#include "cli/picture.hpp"

namespace hyops::cli {
namespace {

std::string bar(int done, int total, int width) {
  const int filled = total > 0 ? std::clamp(done * width / total, 0, width) : 0;
  return "[" + std::string(static_cast<size_t>(filled), '#') +
         std::string(static_cast<size_t>(width - filled), '-') + "]";
}

// Whole seconds: a clock that is looked at needs no tenths, and a line that only grows does not
// jump.
std::string clock(int64_t ms) {
  ms = std::max<int64_t>(0, ms);
  return ms < 60'000 ? std::to_string(ms / 1000) + "s" : short_time(ms);
}

}  // namespace

Line Picture::phase_line(const Phase& of, int64_t now_ms) const {
  const bool started = of.started_ms != 0;
  const std::string status = started ? of.status : of.bad > 0 ? "not run" : "";
  Line out{{"  " + cell(of.name, 10), started && of.status == "running" ? Paint::strong
                                      : started                         ? Paint::plain
                                                                        : Paint::faint}};
  char count[40];
  std::snprintf(count, sizeof count, "%3d/%-3d ", of.done, of.total);
  out.push_back({count + bar(of.done, of.total, 12) + "  ", started ? Paint::plain : Paint::faint});
  if (!status.empty()) out.push_back({cell(status, 9), paint_of(status)});
  if (started) {
    const int64_t until = of.ended_ms ? of.ended_ms : ended_ms_ ? ended_ms_ : now_ms;
    out.push_back({of.ended_ms ? short_time(until - of.started_ms) : clock(until - of.started_ms),
                   Paint::faint});
  }
  return out;
}

Line Picture::step_line(const std::string& id, const Step& one, int64_t now_ms) const {
  Line out{{"  > " + cell(id, static_cast<int>(widest_)) + "  ", Paint::strong}};
  if (one.retry_at_ms) {
    out.push_back({"waits", Paint::warn});
    out.push_back({" " + clock(one.retry_at_ms - now_ms + 999) + " before attempt " +
                       std::to_string(one.attempt + 1),
                   Paint::plain});
    return out;
  }
  out.push_back({cell(clock(now_ms - one.started_ms), 8), Paint::plain});
  if (one.permille >= 0) {
    char percent[16];
    std::snprintf(percent, sizeof percent, "%3d%% ", one.permille / 10);
    out.push_back({percent + bar(one.permille, 1000, 10) + "  ", Paint::plain});
  }
  if (one.attempt > 1)
    out.push_back({"attempt " + std::to_string(one.attempt) + "  ", Paint::warn});
  out.push_back({one.note, Paint::faint});
  return out;
}

// The clock everybody looks at: words first, colour second.
Line Picture::clock_line(int64_t now_ms) const {
  const int64_t spent = (ended_ms_ ? ended_ms_ : now_ms) - started_ms_;
  if (!rto_ms_) return {{"  elapsed " + clock(spent), Paint::plain}};
  const std::string of = clock(spent) + " of " + round_time(*rto_ms_);
  if (spent > *rto_ms_)
    return {{"  RTO missed: ", Paint::bad},
            {of + ", late by " + clock(spent - *rto_ms_), Paint::plain}};
  const int share = *rto_ms_ > 0 ? static_cast<int>(spent * 1000 / *rto_ms_) : 1000;
  Line out{{"  RTO " + of + "  ", Paint::plain},
           {bar(share, 1000, 20), share > 750 ? Paint::warn : Paint::plain}};
  if (!ended_ms_)
    out.push_back({"  " + clock(*rto_ms_ - spent / 1000 * 1000) + " left",
                   share > 750 ? Paint::warn : Paint::faint});
  return out;
}

std::vector<Line> Picture::block(int64_t now_ms, int height) const {
  now_ms = std::max(now_ms - stepped_ms_, started_ms_);
  std::vector<Line> head{{{std::string(), Paint::plain}},
                         {{title_, Paint::strong}, {"  run " + run_, Paint::faint}}};
  std::vector<Line> tail;
  for (const auto& id : order_) {
    const Step& one = steps_.at(id);
    if (!ended_ms_ && (one.running || one.retry_at_ms)) tail.push_back(step_line(id, one, now_ms));
  }
  constexpr size_t most_steps = 8;
  if (tail.size() > most_steps) {
    const size_t more = tail.size() - most_steps;
    tail.resize(most_steps);
    tail.push_back({{"  > and " + std::to_string(more) + " more", Paint::plain}});
  }
  if (!waits_.empty()) tail.push_back({{"  waits: ", Paint::warn}, {waits_, Paint::plain}});
  tail.push_back(clock_line(now_ms));

  // What does not fit gives way: phases that are over, from the first on; then those to come.
  int room = height - static_cast<int>(head.size() + tail.size());
  std::vector<Line> middle;
  size_t over = 0;
  if (static_cast<int>(phases_.size()) > room) {
    const size_t too_many = phases_.size() - static_cast<size_t>(std::max(0, room - 1));
    while (over < too_many && over < phases_.size() && phases_[over].ended_ms) ++over;
    if (over > 0)
      middle.push_back({{"  " + std::to_string(over) + " phases are over", Paint::faint}});
  }
  for (size_t i = over; i < phases_.size() && static_cast<int>(middle.size()) < room; ++i)
    middle.push_back(phase_line(phases_[i], now_ms));
  head.insert(head.end(), std::make_move_iterator(middle.begin()),
              std::make_move_iterator(middle.end()));
  head.insert(head.end(), std::make_move_iterator(tail.begin()),
              std::make_move_iterator(tail.end()));
  if (static_cast<int>(head.size()) > height) head.erase(head.begin(), head.end() - height);
  return head;
}

}  // namespace hyops::cli
