#include "measure.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>

namespace hyops::bench {
namespace {

// Three digits that mean something, whatever the size.
std::string number(double value) {
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string line(const Row& row) {
  const bool beside = !row.theirs.empty();
  char ratio[40] = "";
  if (beside) std::snprintf(ratio, sizeof ratio, "%.2f", row.ratio());
  return "| " + row.what + " (" + row.unit + ") | " + row.ours.text() + " | " +
         (beside ? row.peer + ": " + row.theirs.text() : "") + " | " + ratio + " | " + row.bar +
         " | " + (row.held ? *row.held ? "yes" : "**no**" : "") + " |";
}

}  // namespace

double Samples::min() const { return *std::min_element(values_.begin(), values_.end()); }
double Samples::max() const { return *std::max_element(values_.begin(), values_.end()); }

double Samples::median() const {
  auto sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

std::string Samples::text() const {
  if (values_.size() == 1) return number(values_[0]);
  return number(min()) + " / " + number(median()) + " / " + number(max());
}

Samples Samples::times(double factor) const {
  Samples out;
  for (const double value : values_) out.add(value * factor);
  return out;
}

Samples Samples::less(double what) const {
  Samples out;
  for (const double value : values_) out.add(value - what);
  return out;
}

Pair in_turns(int rounds, const std::function<void()>& ours, const std::function<void()>& peer) {
  Pair pair;
  ours();  // caches are warm for both
  peer();
  for (int i = 0; i < rounds; ++i) {
    pair.ours.add(time_ms(ours));
    pair.peer.add(time_ms(peer));
  }
  return pair;
}

void Table::add(Row row) {
  std::cerr << line(row) << std::endl;
  rows_.push_back(std::move(row));
}

void Table::print() const {
  std::cout << "| what | ours: min / median / max | beside it, in the same run | ratio of medians "
               "| bar | held |\n"
               "| --- | --- | --- | --- | --- | --- |\n";
  for (const auto& row : rows_) std::cout << line(row) << '\n';
  for (const auto& skipped : skipped_) std::cout << "\nskipped: " << skipped << '\n';
}

void run_bare(const Bare& bare) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : bare.environment) entries.push_back(name + "=" + value);
  std::vector<char*> argv, environment;
  for (const auto& word : bare.argv) argv.push_back(const_cast<char*>(word.c_str()));
  for (const auto& entry : entries) environment.push_back(const_cast<char*>(entry.c_str()));
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addchdir_np(&actions, bare.directory.c_str());
  pid_t pid = 0;
  const int problem =
      ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (problem) give_up("cannot start " + bare.argv[0] + ": " + std::strerror(problem));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::string words;
    for (const auto& word : bare.argv) words += word + " ";
    give_up(words + "failed with status " + std::to_string(status));
  }
}

std::optional<std::string> tool(const std::string& name) {
  for (const char* folder : {"/usr/local/bin/", "/usr/bin/", "/bin/"})
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  return std::nullopt;
}

void give_up(const std::string& why) {
  std::cerr << "hyops-bench: " << why << '\n';
  std::exit(1);
}

}  // namespace hyops::bench
