// Runs the steps of a plan: phase by phase, in parallel where needs and limits allow.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "engine/executor.hpp"
#include "engine/horizon.hpp"
#include "engine/opened.hpp"
#include "engine/step.hpp"

namespace hyops::engine {

class Scheduler {
 public:
  Scheduler(Opened& run, Shared& shared, StepRunner& steps, Forecast forecast = {},
            Needs needs = {});
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The status of the run: ok, failed, unknown, cancelled, waiting. An error: the ledger could not
  // keep a fact, and nothing was started after that.
  Result<std::string> run();

  bool went_well(const std::string& step) const;
  const Json& outputs(const std::string& step) const { return states_[index_.at(step)].outputs; }
  // Outputs of earlier steps put where this one refers to them (engine.outputs.missing).
  Result<Json> inputs_of(const plan::Step& step) const;

 private:
  struct State {
    const plan::Step* step;
    size_t waiting = 0;  // needs of this phase that have not ended well yet
    std::vector<size_t> needed_by;
    std::string ending;  // empty: not ended
    Json outputs = Json::object();
    bool stopped = false;  // failed, because the run was stopped
  };
  Result<std::string> run_phase(size_t begin, size_t end);
  std::string drain(size_t begin, size_t end);
  std::string close_phase(size_t begin, size_t end, bool stopped,
                          std::unique_lock<std::mutex>& lock);
  // What is left ends without being started; the status of the run that follows from it.
  Result<std::string> give_up(size_t from, const std::string& phase, const std::string& status);
  std::string not_started(const plan::Step& step) const;
  bool may_start(const plan::Step& step);
  void reserve(const plan::Step& step);
  void work(size_t at);
  Result<StepEnd> run_step(const plan::Step& step);
  // What has to hold just before a step starts: the proof of its fence (L12), what the profile says
  // of values that were not known before, and that nothing it needs ends while it runs (L18).
  Status may_begin(const plan::Step& step, Json& inputs);
  Status check_fence(const plan::Step& step, const std::string& name, Json& inputs);
  bool irreversible_done();

  Opened& run_;
  Shared& shared_;
  StepRunner& steps_;
  const Forecast forecast_;
  const Needs needs_;
  std::vector<State> states_;  // in the plan's order
  std::unordered_map<std::string, size_t> index_;
  std::map<std::string, int> limits_, in_use_;
  size_t parallel_ = 1, running_ = 0;
  std::mutex mutex_;  // of everything below and of the states
  std::deque<size_t> ended_;
  bool irreversible_done_ = false;
  std::optional<Error> broken_;
  std::unique_ptr<Executor> executor_;  // last: what it still works on uses all of the above
};

}  // namespace hyops::engine
