#include "engine/scheduler.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/fence.hpp"
#include "engine/means.hpp"
#include "plan/policy.hpp"

namespace hyops::engine {
namespace {

constexpr int64_t stop_tick_ms = 200;  // how late a wish to stop may be noticed

bool good(const std::string& ending) {
  return ending == "ok" || ending == "adopted" || ending == "skipped";
}

}  // namespace

Scheduler::Scheduler(Opened& run, Shared& shared, StepRunner& steps, Forecast forecast, Needs needs)
    : run_(run),
      shared_(shared),
      steps_(steps),
      forecast_(std::move(forecast)),
      needs_(std::move(needs)),
      executor_(shared.setup.means->executor()) {
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
      irreversible_done_ = irreversible_done_ || states_[at->second].step->irreversible;
    }
  // A session does not outlive the core that opened it, its end or its expiry: it is opened and
  // proven again where something that is still to run relies on it (A6).
  for (auto& state : states_)
    if (opens_access(*state.step) && good(state.ending) &&
        std::any_of(state.needed_by.begin(), state.needed_by.end(),
                    [&](size_t next) { return !good(states_[next].ending); }))
      state.ending.clear();
  for (const auto& [name, limit] : run.plan.policy.value("resources", std::map<std::string, int>{}))
    limits_[name] = limit;
  parallel_ = static_cast<size_t>(std::max<int64_t>(1, get_int(run.plan.policy, "parallel", 1)));
}

Result<std::string> Scheduler::run() {
  size_t at = 0;
  while (at < states_.size()) {
    size_t end = at;
    while (end < states_.size() && states_[end].step->phase == states_[at].step->phase) ++end;
    auto status = run_phase(at, end);
    if (!status) return status;
    if (*status != "ok") {
      if (*status == "waiting") return status;
      return give_up(end, std::string(contract::name(states_[at].step->phase)), *status);
    }
    at = end;
  }
  return "ok";
}

bool Scheduler::went_well(const std::string& step) const {
  return good(states_[index_.at(step)].ending);
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
  if (shared_.cancellation.state() != Cancel::no) return give_up(begin, phase, "cancelled");
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
    std::vector<size_t> begun;
    for (size_t i = 0; i < ready.size() && running_ < parallel_;) {
      if (may_start(*states_[ready[i]].step)) {
        reserve(*states_[ready[i]].step);
        begun.push_back(ready[i]);
        ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    if (begun.size() == 1 && running_ == 1) {
      // Nothing can become ready before it ends, so nobody has to wait beside it.
      lock.unlock();
      work(begun.front());
      lock.lock();
    } else {
      for (const size_t at : begun) executor_->start([this, at] { work(at); });
    }
    if (running_ == 0 && ended_.empty()) break;
    if (ended_.empty() && !broken_) executor_->wait(lock, stop_tick_ms);
    while (!ended_.empty()) {
      const size_t at = ended_.front();
      ended_.pop_front();
      if (good(states_[at].ending))
        for (const size_t next : states_[at].needed_by)
          if (next < end && states_[next].ending.empty() && --states_[next].waiting == 0)
            ready.push_back(next);
    }
  }
  while (running_ > 0) executor_->wait(lock, stop_tick_ms);
  if (broken_) return "failed";
  return close_phase(begin, end, stopped, lock);
}

// E7: a step whose need did not end well is never started; it says so.
std::string Scheduler::close_phase(size_t begin, size_t end, bool stopped,
                                   std::unique_lock<std::mutex>& lock) {
  std::vector<std::pair<std::string, Json>> endings;
  bool failed = false, unknown = false, cut_short = false;
  for (size_t i = begin; i < end; ++i) {
    auto& state = states_[i];
    cut_short = cut_short || state.stopped;
    if (state.ending.empty()) {
      std::string why = "the run was stopped before it";
      for (const auto& need : state.step->needs)
        if (const auto& ending = states_[index_.at(need)].ending; !good(ending))
          why = "it needs " + need + ", which ended " + (ending.empty() ? "not" : ending);
      state.ending = not_started(*state.step);
      endings.emplace_back(
          "step.ended", Json{{"step", state.step->id}, {"ending", state.ending}, {"reason", why}});
    }
    // What was held back is no success: the phases that build on it do not start.
    else if (state.ending == "not_run")
      failed = true;
    failed = failed || (state.ending == "failed" && !state.stopped);
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
  return cut_short || (stopped && !endings.empty()) ? "cancelled" : "ok";
}

// What a step that was not started in this go ends as. One that an earlier core left half-way did
// run, and what became of it is not known.
std::string Scheduler::not_started(const plan::Step& step) const {
  const auto past = run_.history.steps.find(step.id);
  return past != run_.history.steps.end() && !past->second.outcome_known ? "unknown" : "not_run";
}

Result<std::string> Scheduler::give_up(size_t from, const std::string& phase,
                                       const std::string& status) {
  std::vector<std::pair<std::string, Json>> endings;
  bool unknown = false;
  for (size_t i = from; i < states_.size(); ++i) {
    auto& state = states_[i];
    if (!state.ending.empty()) continue;
    state.ending = not_started(*state.step);
    unknown = unknown || state.ending == "unknown";
    endings.emplace_back("step.ended", Json{{"step", state.step->id},
                                            {"ending", state.ending},
                                            {"reason", "phase " + phase + " ended " + status}});
  }
  if (!endings.empty())
    if (auto written = run_.journal.write_all(endings); !written) return pass(written);
  return unknown ? "unknown" : status;
}

bool Scheduler::may_start(const plan::Step& step) {
  for (const auto& name : step.resources)
    if (const auto limit = limits_.find(name);
        limit != limits_.end() && in_use_[name] >= limit->second)
      return false;
  return true;
}

void Scheduler::reserve(const plan::Step& step) {
  ++running_;
  for (const auto& name : step.resources) ++in_use_[name];
}

void Scheduler::work(size_t at) {
  const plan::Step& step = *states_[at].step;
  auto end = run_step(step);
  const std::lock_guard lock(mutex_);
  if (end) {
    states_[at].ending = end->ending;
    states_[at].stopped = end->stopped;
    states_[at].outputs = std::move(end->outputs);
    irreversible_done_ = irreversible_done_ || (step.irreversible && good(end->ending));
  } else {
    states_[at].ending = "unknown";
    broken_ = std::move(end.error());
  }
  for (const auto& name : step.resources) --in_use_[name];
  --running_;
  ended_.push_back(at);
  executor_->notify();
}

bool Scheduler::irreversible_done() {
  const std::lock_guard lock(mutex_);
  return irreversible_done_;
}

// A proof that is too old is no reason to stop while the fence can be looked at once more.
Status Scheduler::check_fence(const plan::Step& step, const std::string& name, Json& inputs) {
  const std::string text = get_string(inputs, name.c_str());
  if (text.empty()) return {};
  auto set = run_.journal.ledger().clock_set_ms();
  if (!set) return pass(set);
  const FenceContext context{run_.plan, run_.here.lane, run_.journal.run().value,
                             shared_.setup.clock().wall_ms(), *set};
  auto good = check_proof(text, context);
  if (good || good.error().code != "engine.fence.stale") return good;
  const auto parts = split(step.inputs.at(name).reference, '.');
  const auto at = index_.find(parts[0]);
  if (at == index_.end() || parts.size() != 2) return good;
  const plan::Step& fence = *states_[at->second].step;
  std::unique_lock lock(mutex_);
  auto fence_inputs = inputs_of(fence);
  lock.unlock();
  if (!fence_inputs) return pass(fence_inputs);
  const auto past = run_.history.steps.find(fence.id);
  auto seen = steps_.look_at_fence(fence, *fence_inputs,
                                   past == run_.history.steps.end() ? StepHistory{} : past->second);
  if (!seen) return pass(seen);
  inputs[name] = (*seen)[parts[1]];
  lock.lock();
  states_[at->second].outputs = std::move(*seen);
  return {};
}

Status Scheduler::may_begin(const plan::Step& step, Json& inputs) {
  if (auto good = plan::judge_inputs(run_.plan, step, inputs, run_.here.profile); !good)
    return good;
  std::vector<std::string> proofs;
  for (const auto& name : step.proofs) {
    if (auto good = check_fence(step, name, inputs); !good) return good;
    proofs.push_back(get_string(inputs, name.c_str()));
  }
  if (proofs.empty()) proofs.emplace_back();  // a module that takes none proves nothing
  for (const auto& hosts : step.fenced)
    for (const auto& proof : proofs)
      if (auto good = check_cover(proof, inputs.value(hosts, Json())); !good) return good;
  Needs needs = needs_;
  if (takes_secrets(step, run_.here.lane))  // it may have been sealed anew since
    if (auto bundle = bundle_need(shared_.secrets.in_force())) needs.secrets = {*bundle};
  const auto lapse = judge_step(step, inputs, run_.here.lane, forecast_, needs, irreversible_done(),
                                shared_.setup.clock().wall_ms());
  if (!lapse) return {};
  auto written = run_.journal.write("horizon.reached", {{"step", step.id},
                                                        {"what", lapse->expiry.what},
                                                        {"ends_ms", lapse->expiry.ends_ms},
                                                        {"renew", lapse->expiry.renew}});
  if (!written) return written;
  return fail("engine.horizon", lapse->sentence, lapse->expiry.renew);
}

Result<StepEnd> Scheduler::run_step(const plan::Step& step) {
  const auto past = run_.history.steps.find(step.id);
  std::unique_lock lock(mutex_);
  auto inputs = inputs_of(step);
  lock.unlock();
  if (inputs) {
    const StepHistory before = past == run_.history.steps.end() ? StepHistory{} : past->second;
    // What was begun is seen to its end whatever holds by now.
    const bool begun = before.interrupted || !before.outcome_known || before.stated == "adopt";
    if (auto good = begun ? Status{} : may_begin(step, *inputs); !good) {
      const std::string why = good.error().text();
      if (auto written = run_.journal.write(
              "step.ended", {{"step", step.id}, {"ending", "not_run"}, {"reason", why}});
          !written)
        return pass(written);
      return StepEnd{"not_run", why, Json::object()};
    }
    return steps_.run(step, *inputs, before);
  }
  const std::string why = inputs.error().message;
  auto written =
      run_.journal.write("step.ended", {{"step", step.id}, {"ending", "failed"}, {"reason", why}});
  if (!written) return pass(written);
  return StepEnd{"failed", why, Json::object()};
}

}  // namespace hyops::engine
