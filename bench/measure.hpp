// What every measurement here is made of: samples taken in turns, bare processes, and the one table
// they end in.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hyops::bench {

// Times are milliseconds throughout; what is not a time says its unit in its row.
class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  bool empty() const { return values_.empty(); }
  double min() const;
  double median() const;
  double max() const;
  std::string text() const;  // "0.41 / 0.43 / 0.60"
  Samples times(double factor) const;
  Samples less(double what) const;  // each of them

 private:
  std::vector<double> values_;
};

template <class Act>
double time_ms(Act&& act) {
  const auto begin = std::chrono::steady_clock::now();
  act();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

// Ours and what it is held against, in turns, so that whatever else the machine does meets both.
struct Pair {
  Samples ours, peer;
};
Pair in_turns(int rounds, const std::function<void()>& ours, const std::function<void()>& peer);

struct Row {
  std::string what, unit = "ms";
  Samples ours;
  std::string peer;  // what stands beside it; empty: nothing to hold it against
  Samples theirs;
  std::string bar;  // of the design, in words; empty: it sets none
  std::optional<bool> held;

  double ratio() const { return ours.median() / theirs.median(); }
};

class Table {
 public:
  void add(Row row);  // shown on standard error at once, so that a long run is seen to go on
  void skip(const std::string& what, const std::string& why) {
    skipped_.push_back(what + ": " + why);
  }
  void print() const;  // GitHub's table, as it stands in README.md

 private:
  std::vector<Row> rows_;
  std::vector<std::string> skipped_;
};

// posix_spawn and waitpid, output to /dev/null, and nothing else: the floor under every process.
// Ends this program with a message where the child fails, because a failure has no duration.
struct Bare {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  std::filesystem::path directory = "/";
};
void run_bare(const Bare& bare);
std::optional<std::string> tool(const std::string& name);  // its path on this machine

[[noreturn]] void give_up(const std::string& why);

// The value of a Result, or the end of this program with the error's own words.
template <class Outcome>
auto need(Outcome outcome) {
  if (!outcome) give_up(outcome.error().text());
  if constexpr (!std::is_void_v<typename Outcome::value_type>) return std::move(*outcome);
}

}  // namespace hyops::bench
