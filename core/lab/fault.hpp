// Strikes one fault of the table into a run that goes, and mends its cause afterwards.
#pragma once

#include "lab/fault_table.hpp"
#include "lab/lab.hpp"
#include "lab/site.hpp"

namespace hyops::lab {

// Watches the events of a run on a runner and strikes once, when the step has its intent.
class Fault {
 public:
  Fault(const Lab& lab, Site& site, const FaultRule& rule, std::string step);
  Status prepare();  // before the run: what must be in place for the fault to be possible
  void event(const Json& event);
  Status mend();  // the cause, as somebody would; nothing where the rule says so
  bool struck() const { return struck_; }
  const FaultRule& rule() const { return rule_; }
  const std::string& step() const { return step_; }
  const Status& result() const { return result_; }  // of striking
  // What this fault alone makes worth asking once the run has ended ok: {what, held, found}.
  struct Finding {
    std::string what;
    bool held = false;
    std::string found;
  };
  Result<std::vector<Finding>> look_afterwards();

 private:
  Status strike();
  Result<bool> wait_for_work();
  Status on(const std::string& host, const std::vector<std::string>& argv);
  // A condition of the shell, asked there for a minute at most.
  Status wait_until(const std::string& host, const std::string& condition);
  Status serve_stale_names();
  Status wake_old_primary();
  Result<Finding> old_primary_was_alone();
  Result<Finding> laggard_is_named();
  Result<Finding> laggard_follows();
  Result<std::string> resolved_by(const std::string& server);  // what a client is told there
  const Lab& lab_;
  Site& site_;
  const FaultRule& rule_;
  std::string step_, run_;
  int64_t core_pid_ = 0;
  bool struck_ = false;
  Status result_;
};

}  // namespace hyops::lab
