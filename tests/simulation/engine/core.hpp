// One core of a simulation: the real engine over models of a plugin, a tool, threads and a clock.
// It may die at any moment at which it looks at its clock or has written something.
#pragma once

#include <exception>

#include "engine/means.hpp"
#include "engine/run.hpp"
#include "rules.hpp"

namespace hyops::simulation {

// How much may still go wrong in a seed; afterwards all is calm, and the run must come to its end.
struct Trouble {
  int64_t left = 0;
  int64_t one_in = 4;
};

// A tool that a core started: it goes on without it.
struct Tool {
  int64_t ends_ms = 0;  // 0: it was lost and left nothing
  bool ended = false;
  Result<Json> result = Json::object();
};

class Core;

struct Stage {
  Loop& loop;
  World& world;
  Trouble& trouble;
  Rules* rules = nullptr;               // of the run that goes on
  const plan::Plan* plan = nullptr;     // likewise
  std::map<std::string, Tool> tools{};  // by the attempt's folder
  int64_t stepped_ms = 0;               // of the machine's wall clock
  const Core* at_work = nullptr;        // whoever wrote last under a lease that it took

  bool goes_wrong() {
    if (trouble.left <= 0 || !loop.one_in(trouble.one_in)) return false;
    --trouble.left;
    return true;
  }
};

class Core final : public Clock, public engine::Means, public engine::Observer {
 public:
  // It dies at the `moments`th moment, or at the `after_end`th after its run ended; 0: it does not.
  Core(Stage& stage, ledger::Self self, int64_t moments, int64_t after_end = 0)
      : stage_(stage), self_(std::move(self)), moments_(moments), after_end_(after_end) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() override {
    if (stage_.at_work == this) stage_.at_work = nullptr;
  }

  // The status of the run, or the code of the error; "" where it died.
  void run(const engine::Setup& setup, const std::filesystem::path& file, const RunId& run) {
    begin(file, [this, setup, run](ledger::Ledger& ledger) {
      auto ended = engine::execute(setup, ledger, run, *this);
      said = ended ? *ended : ended.error().code;
      text = ended ? "" : ended.error().text();
    });
  }
  void reconcile(const engine::Setup& setup, const std::filesystem::path& file, const RunId& run) {
    begin(file, [this, setup, run](ledger::Ledger& ledger) {
      auto choices = engine::reconcile(setup, ledger, run, *this);
      said = choices ? "reconciled" : choices.error().code;
      text = choices ? "" : choices.error().text();
    });
  }

  // --- Clock
  int64_t wall_ms() const override {
    moment();
    return stage_.world.wall_ms() + stage_.stepped_ms;
  }
  int64_t mono_ms() const override {
    moment();
    return stage_.loop.now_ms();
  }

  // --- Observer
  void event(const std::string& type, const Json& body, int64_t) override {
    if (token_ == 0) takes_the_lane();
    trace += std::to_string(stage_.loop.now_ms()) + " " + type + " " + get_string(body, "step") +
             " " + get_string(body, "status") + get_string(body, "ending") + " " +
             get_string(body, "reason") + "\n";
    if (stage_.rules) {
      stage_.rules->look(*ledger_);
      stage_.rules->wrote(type, token_);
    }
    if (type == "run.ended" && after_end_ > 0) moments_ = after_end_;
    moment();
  }
  void progress(const std::string&, int, const std::string&) override {}

  // --- Means
  const Clock& clock() const override { return *this; }
  void pause(int64_t ms) const override { stage_.loop.sleep(ms); }
  std::unique_ptr<engine::Executor> executor() const override;
  std::unique_ptr<engine::Driver> driver(contract::Driver which) const override;
  Result<plugin::Instance> plugin(const plugin::Registry& registry, const std::string& id,
                                  const Json& config, plugin::Services services) const override;

  void moment() const {
    if (process.dead || !stage_.loop.current() || std::uncaught_exceptions() > 0) return;
    if (moments_ > 0 && --moments_ == 0) {
      process.dead = true;
      throw Died{};
    }
  }
  Stage& stage() const { return stage_; }
  // Not one that is stopped: nobody can tell it from a dead one.
  bool lives() const {
    return !fiber->done && !process.dead && process.asleep_until <= stage_.loop.now_ms();
  }

  mutable Process process;
  std::shared_ptr<Loop::Fiber> fiber;
  std::string said, text, trace;

 private:
  // The first thing that it writes is under the lease that it took.
  void takes_the_lane() {
    if (auto lease = ledger_->lease("drill"); lease && *lease) token_ = (*lease)->token;
    stage_.world.must(!stage_.at_work || stage_.at_work == this || !stage_.at_work->lives(),
                      "fencing: a core takes the lane of another one that is at work");
    stage_.at_work = this;
  }

  void begin(const std::filesystem::path& file, std::function<void(ledger::Ledger&)> work) {
    fiber = stage_.loop.start(process, [this, file, work = std::move(work)] {
      auto ledger = ledger::Ledger::open(file, *this, self_);
      if (ledger) {
        ledger_ = &*ledger;
        if (stage_.rules) stage_.rules->look(*ledger);
        return work(*ledger);
      }
      said = ledger.error().code;
      text = ledger.error().text();
    });
  }

  Stage& stage_;
  ledger::Self self_;
  mutable int64_t moments_;
  int64_t after_end_;
  int64_t token_ = 0;
  ledger::Ledger* ledger_ = nullptr;  // while it lives
};

// Steps side by side, as fibers.
class Fibers final : public engine::Executor {
 public:
  Fibers(Loop& loop, const Process& process) : loop_(loop), process_(process) {}
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;
  ~Fibers() override {
    for (auto& fiber : started_) loop_.bury(*fiber);  // those of a core that died
  }
  void start(std::function<void()> work) override {
    started_.push_back(loop_.start(process_, std::move(work)));
  }
  void wait(std::unique_lock<std::mutex>& held, int64_t most_ms) override {
    waiting_ = loop_.current();
    held.unlock();
    loop_.sleep(most_ms);
    held.lock();
    waiting_ = nullptr;
  }
  void notify() override {
    if (waiting_) waiting_->due = loop_.now_ms();
  }

 private:
  Loop& loop_;
  const Process& process_;
  std::vector<std::shared_ptr<Loop::Fiber>> started_;
  Loop::Fiber* waiting_ = nullptr;
};

}  // namespace hyops::simulation
