// Events in, a summary out: the one place that knows what the engine's events mean to a reader.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "record/record.hpp"

namespace hyops::record {

class Story {
 public:
  // `about` is run.json; `decision` is null where the run was requested by a person.
  Story(const Json& about, const Json& plan, const Json& decision, const Json& approvals);

  // In the order of the chain. Types it does not know are counted and passed over.
  void take(std::string_view type, int64_t wall_ms, const Json& body);

  // The document of verdict.json.
  Json tell();

 private:
  struct Step {
    Json out;
    int64_t started = 0, ended = 0;
    bool intent = false, outcome = false;
  };
  struct Phase {
    std::string name, status;
    int64_t started = 0, ended = 0;
  };
  Step& step(const std::string& id);
  Phase& phase(const std::string& name);
  void take_step(std::string_view type, int64_t at_ms, const Json& body);
  void end_steps();
  void judge_objectives();
  void judge_verdict();
  Json phases_json() const;

  Json out_;
  std::map<std::string, Step> steps_;
  std::vector<std::string> order_;  // of the plan, then as met
  std::vector<Phase> phases_;       // as they started
  int64_t started_ = 0, ended_ = 0, last_ = 0;
  int64_t stepped_ = 0;   // by how much the runner's wall clock jumped so far
  bool goes_on_ = false;  // at the time of export
};

}  // namespace hyops::record
