// Faults that a drill injects while a run goes, by name, at a step.
#pragma once

#include <string>

#include "lab/lab.hpp"

namespace hyops::lab {

// Watches the events of a run on a runner and strikes once, when the step has its intent.
class Fault {
 public:
  Fault(const Lab& lab, std::string word, std::string runner_host);  // "core-kill@restore"
  void event(const Json& event);
  bool struck() const { return struck_; }
  const std::string& name() const { return name_; }
  const std::string& step() const { return step_; }
  Status result() const { return result_; }

 private:
  Status strike(const std::string& run);
  const Lab& lab_;
  std::string name_, step_, host_;
  int64_t core_pid_ = 0;
  bool struck_ = false;
  Status result_;
};

}  // namespace hyops::lab
