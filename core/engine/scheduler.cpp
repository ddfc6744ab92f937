#include "engine/scheduler.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace hyops::engine {
namespace {

bool good(const std::string& ending) {
  return ending == "ok" || ending == "adopted" || ending == "skipped";
}

}  // namespace

Scheduler::Scheduler(Opened& run, Shared& shared, StepRunner& steps)
    : run_(run), shared_(shared), steps_(steps) {
  for (const auto& step : run.plan.steps) {
    index_[step.id] = states_.size();
    states_.push_back({&step, 0, {}, {}, Json::object()});
  }
  for (auto& state : states_)
    for (const auto& need : state.step->needs)
      states_[index_.at(need)].needed_by.push_back(index_.at(state.step->id));
  for (const auto& [id, past] : run.history.steps)
    if (const auto at = index_.find(id); at != index_.end() && good(past.ending)) {
      states_[at->second].ending = past.ending;
      states_[at->second].outputs = past.outputs;
    }
  for (const auto& [name, limit] : run.plan.policy.value("resources", std::map<std::string, int>{}))
    limits_[name] = limit;
  parallel_ = static_cast<size_t>(std::max<int64_t>(1, get_int(run.plan.policy, "parallel", 1)));
}

Scheduler::~Scheduler() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  for (auto& worker : workers_) worker.join();
}

Result<std::string> Scheduler::run() {
  size_t at = 0;
  while (at < states_.size()) {
    size_t end = at;
    while (end < states_.size() && states_[end].step->phase == states_[at].step->phase) ++end;
    auto status = run_phase(at, end);
    if (!status) return status;
    if (*status != "ok") {
      if (*status != "waiting")
        if (auto closed =
                give_up(end, std::string(contract::name(states_[at].step->phase)), *status);
            !closed)
          return pass(closed);
      return status;
    }
    at = end;
  }
  return "ok";
}

Result<Json> Scheduler::inputs_of(const plan::Step& step) const {
  Json inputs = Json::object();
  for (const auto& [name, input] : step.inputs) {
    if (input.reference.empty()) {
      inputs[name] = input.value;
      continue;
    }
    const auto parts = split(input.reference, '.');
    const Json& outputs = states_[index_.at(parts[0])].outputs;
    if (parts.size() != 2 || !outputs.contains(parts[1]))
      return fail("engine.outputs.missing",
                  "step " + step.id + " needs " + input.reference + ", which was never given");
    inputs[name] = outputs[parts[1]];
  }
  return inputs;
}

Result<std::string> Scheduler::run_phase(size_t begin, size_t end) {
  const std::string phase(contract::name(states_[begin].step->phase));
  size_t left = 0;
  for (size_t i = begin; i < end; ++i) left += states_[i].ending.empty();
  if (left == 0) return "ok";
  if (shared_.cancellation.state() != Cancel::no) {
    if (auto closed = give_up(begin, phase, "cancelled"); !closed) return pass(closed);
    return "cancelled";
  }
  const auto gates = run_.plan.policy.value("gates_before", std::vector<std::string>{});
  if (std::find(gates.begin(), gates.end(), phase) != gates.end() &&
      !run_.history.confirmed.count(phase)) {
    if (auto written = run_.journal.write("gate.opened", {{"phase", phase}}); !written)
      return pass(written);
    return "waiting";
  }
  if (auto written = run_.journal.write("phase.started", {{"phase", phase}}); !written)
    return pass(written);
  const std::string status = drain(begin, end);
  if (broken_) return Failure(*broken_);
  if (auto written = run_.journal.write("phase.ended", {{"phase", phase}, {"status", status}});
      !written)
    return pass(written);
  return status;
}

// Starts what is ready and waits for what runs, until nothing of the phase can go on.
std::string Scheduler::drain(size_t begin, size_t end) {
  std::unique_lock lock(mutex_);
  std::deque<size_t> ready;
  for (size_t i = begin; i < end; ++i) {
    auto& state = states_[i];
    if (!state.ending.empty()) continue;
    state.waiting = 0;
    for (const auto& need : state.step->needs)
      if (!good(states_[index_.at(need)].ending)) ++state.waiting;
    if (state.waiting == 0) ready.push_back(i);
  }
  bool stopped = false;
  while (!broken_) {
    stopped = stopped || shared_.cancellation.state() != Cancel::no;
    if (stopped) ready.clear();
    for (size_t i = 0; i < ready.size() && running_ < parallel_;) {
      if (may_start(*states_[ready[i]].step)) {
        start(ready[i]);
        ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    if (running_ == 0 && ended_.empty()) break;
    changed_.wait_for(lock, std::chrono::milliseconds(200),
                      [&] { return !ended_.empty() || broken_; });
    while (!ended_.empty()) {
      const size_t at = ended_.front();
      ended_.pop_front();
      if (good(states_[at].ending))
        for (const size_t next : states_[at].needed_by)
          if (next < end && states_[next].ending.empty() && --states_[next].waiting == 0)
            ready.push_back(next);
    }
  }
  changed_.wait(lock, [&] { return running_ == 0; });
  if (broken_) return "failed";
  return close_phase(begin, end, stopped, lock);
}

// E7: a step whose need did not end well is never started; it says so.
std::string Scheduler::close_phase(size_t begin, size_t end, bool stopped,
                                   std::unique_lock<std::mutex>& lock) {
  std::vector<std::pair<std::string, Json>> endings;
  bool failed = false, unknown = false;
  for (size_t i = begin; i < end; ++i) {
    auto& state = states_[i];
    if (state.ending.empty()) {
      std::string why = "the run was stopped before it";
      for (const auto& need : state.step->needs)
        if (const auto& ending = states_[index_.at(need)].ending; !good(ending))
          why = "it needs " + need + ", which ended " + (ending.empty() ? "not" : ending);
      state.ending = "not_run";
      endings.emplace_back("step.ended",
                           Json{{"step", state.step->id}, {"ending", "not_run"}, {"reason", why}});
    }
    failed = failed || state.ending == "failed";
    unknown = unknown || state.ending == "unknown";
  }
  lock.unlock();
  if (!endings.empty())
    if (auto written = run_.journal.write_all(endings); !written) {
      broken_ = written.error();
      return "failed";
    }
  if (unknown) return "unknown";
  if (failed) return "failed";
  return stopped && !endings.empty() ? "cancelled" : "ok";
}

Status Scheduler::give_up(size_t from, const std::string& phase, const std::string& status) {
  std::vector<std::pair<std::string, Json>> endings;
  for (size_t i = from; i < states_.size(); ++i)
    if (states_[i].ending.empty() || states_[i].ending == "not_run")
      endings.emplace_back("step.ended", Json{{"step", states_[i].step->id},
                                              {"ending", "not_run"},
                                              {"reason", "phase " + phase + " ended " + status}});
  return endings.empty() ? Status{} : run_.journal.write_all(endings);
}

bool Scheduler::may_start(const plan::Step& step) {
  for (const auto& name : step.resources)
    if (const auto limit = limits_.find(name);
        limit != limits_.end() && in_use_[name] >= limit->second)
      return false;
  return true;
}

void Scheduler::start(size_t at) {
  ++running_;
  for (const auto& name : states_[at].step->resources) ++in_use_[name];
  queue_.push_back(at);
  if (workers_.size() < std::min(parallel_, running_)) workers_.emplace_back([this] { work(); });
  work_.notify_one();
}

void Scheduler::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [&] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const size_t at = queue_.front();
    queue_.pop_front();
    const plan::Step& step = *states_[at].step;
    lock.unlock();
    auto end = run_step(step);
    lock.lock();
    if (end) {
      states_[at].ending = end->ending;
      states_[at].outputs = std::move(end->outputs);
    } else {
      states_[at].ending = "unknown";
      broken_ = std::move(end.error());
    }
    for (const auto& name : step.resources) --in_use_[name];
    --running_;
    ended_.push_back(at);
    changed_.notify_all();
  }
}

Result<StepEnd> Scheduler::run_step(const plan::Step& step) {
  const auto past = run_.history.steps.find(step.id);
  std::unique_lock lock(mutex_);
  auto inputs = inputs_of(step);
  lock.unlock();
  if (inputs)
    return steps_.run(step, *inputs,
                      past == run_.history.steps.end() ? StepHistory{} : past->second);
  const std::string why = inputs.error().message;
  auto written =
      run_.journal.write("step.ended", {{"step", step.id}, {"ending", "failed"}, {"reason", why}});
  if (!written) return pass(written);
  return StepEnd{"failed", why, Json::object()};
}

}  // namespace hyops::engine
