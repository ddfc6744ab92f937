// A run as a person follows it: events folded into phases, running steps and what is waited for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "cli/terminal.hpp"

namespace hyops::cli {

bool ended_well(const std::string& ending);  // ok, adopted, skipped
Paint paint_of(const std::string& status);   // of a run, phase or step

class Picture {
 public:
  Picture(const Json& plan, const RunId& run);

  // Folds one event in and gives the lines that it is worth on its own, mostly none or one.
  std::vector<Line> take(const std::string& type, const Json& body, int64_t wall_ms);
  void progress(const std::string& step, int permille, const std::string& note);

  // The run at `now_ms` (wall), in at most `height` lines; what is finished gives way first.
  std::vector<Line> block(int64_t now_ms, int height) const;

  // Steps that have an intent and no outcome: id and attempt.
  std::vector<std::pair<std::string, int>> running() const;
  const std::string& status() const { return status_; }  // as the last run.* event has it

 private:
  struct Step {
    std::string phase, ending, note;
    int attempt = 0, permille = -1;
    int64_t started_ms = 0, ended_ms = 0, retry_at_ms = 0;
    bool running = false;
  };
  struct Phase {
    std::string name, status;
    int total = 0, done = 0, bad = 0;
    int64_t started_ms = 0, ended_ms = 0;
  };
  Step& step(const std::string& id);
  Phase& phase(const std::string& name);
  std::string after(int64_t wall_ms) const;  // "+12.3s" since the run started
  Line line(int64_t wall_ms, std::vector<Span> rest) const;
  std::vector<Line> take_step(const std::string& type, const Json& body, int64_t wall_ms);
  Line ended(const std::string& id, const Step& step, const Json& body, int64_t wall_ms) const;
  Line phase_line(const Phase& phase, int64_t now_ms) const;
  Line step_line(const std::string& id, const Step& step, int64_t now_ms) const;
  Line clock_line(int64_t now_ms) const;

  std::string run_, title_, status_, waits_, target_;
  std::vector<Phase> phases_;  // in the plan's order
  std::map<std::string, Step> steps_;
  std::vector<std::string> order_;  // of steps, in the plan's order
  std::optional<int64_t> rto_ms_;
  int64_t started_ms_ = 0, ended_ms_ = 0;
  int64_t stepped_ms_ = 0;  // by how much the runner's wall clock jumped so far
  size_t widest_ = 8;       // of the steps' names
};

}  // namespace hyops::cli
