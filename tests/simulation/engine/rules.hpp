// What must hold of every run, judged from the events that its ledger acknowledged, one by one.
#pragma once

#include "ledger/ledger.hpp"
#include "plan/plan.hpp"
#include "world.hpp"

namespace hyops::simulation {

class Rules {
 public:
  Rules(World& world, Loop& loop, const plan::Plan& plan, std::string run)
      : world_(world), loop_(loop), plan_(plan), run_(std::move(run)) {}

  // What the ledger acknowledged since the last look, also to a core that died before it heard.
  void look(ledger::Ledger& ledger) {
    const auto read = ledger.each_event(RunId(run_), seen_, [&](const ledger::Event& event) {
      seen_ = event.seq;
      take(event.type, event.body);
      return true;
    });
    world_.must(read.has_value(), "the ledger cannot be read");
  }

  // A core with the lease of this token was told that its event is kept.
  void wrote(const std::string& type, int64_t token) {
    world_.must(token >= newest_token_,
                "fencing: a core wrote " + type + " after its lane was taken from it");
  }

  // Asked at the moment a core lets something go out.
  void sent(const std::string& step, int64_t token) {
    world_.must(token >= newest_token_,
                "fencing: step " + step + " acts on the world after its lane was taken from it");
  }

  // Once it has come to its end and everybody is gone.
  void over() {
    for (const auto& host : world_.open_sessions(run_)) {
      const bool told = std::any_of(steps_.begin(), steps_.end(),
                                    [](const auto& step) { return step.second.told; });
      world_.must(told,
                  "access: a session to " + host +
                      " is left open, and the record does not say that it could not be closed");
    }
  }

 private:
  void take(const std::string& type, const Json& body) {
    if (type == "run.started" || type == "run.resumed") {
      newest_token_ = get_int(body, "fencing_token");
      ended_now_.clear();
      for (auto& [id, step] : steps_) step.not_before = 0;  // who resumes a run does not wait
      return;
    }
    if (type == "run.ended") return run_ended(get_string(body, "status"));
    const auto* step = plan_.find(get_string(body, "step"));
    if (!step) return;
    auto& at = steps_[step->id];
    if (type == "step.intent") intent(*step, body);
    if (type == "step.outcome") outcome(*step, body);
    if (type == "step.reconciled") at.pending = at.unsettled = false;
    if (type == "step.retry") at.not_before = loop_.now_ms() + get_int(body, "pause_ms");
    if (type == "step.ended") ended(*step, body);
    if (type == "access.close_failed") at.told = true;
  }

  struct Step {
    std::string ending, key;
    int64_t attempt = 0, since = 0, not_before = 0;
    bool pending = false;    // an intent without outcome
    bool unsettled = false;  // an unknown outcome that nobody looked at
    bool told = false;       // that what it opened could not be closed
  };
  static bool good(const std::string& ending) {
    return ending == "ok" || ending == "adopted" || ending == "skipped";
  }
  static bool opens_access(const plan::Step& step) {
    return step.interface == "hyops.access/1" && step.verb == "open";
  }

  void intent(const plan::Step& step, const Json& body) {
    auto& at = steps_[step.id];
    for (const auto& need : step.needs)
      world_.must(good(steps_[need].ending), "E7 L4: " + step.id + " starts, and its need " + need +
                                                 " ended " + steps_[need].ending);
    for (const auto& other : plan_.steps)
      if (other.phase < step.phase)
        world_.must(good(steps_[other.id].ending), "E4 E5: " + step.id + " starts before " +
                                                       other.id + " of an earlier phase is done");
    world_.must(!good(at.ending) || opens_access(step),
                step.id + " is done again though the ledger says it is done");
    world_.must(!at.pending && !at.unsettled,
                step.id + " is repeated, and nobody looked what became of attempt " +
                    std::to_string(at.attempt));
    const std::string key = get_string(body, "key");
    world_.must(at.key.empty() || at.key == key, step.id + " is repeated under another key");
    world_.must(get_int(body, "attempt") == at.attempt + 1, step.id + " counts its attempts wrong");
    world_.must(loop_.now_ms() >= at.not_before, step.id + " is repeated before its pause is over");
    at.key = key;
    at.attempt = get_int(body, "attempt");
    at.since = loop_.now_ms();
    at.pending = true;
    at.told = false;
  }

  void outcome(const plan::Step& step, const Json& body) {
    auto& at = steps_[step.id];
    world_.must(at.pending && at.attempt == get_int(body, "attempt"),
                step.id + " has an outcome without an intent");
    at.pending = false;
    at.unsettled = get_string(body, "status") == "unknown";
    const int64_t ms = get_int(body, "ms"), most = loop_.now_ms() - at.since;
    world_.must(ms >= 0 && ms <= most, "time: " + step.id + " took " + std::to_string(ms) +
                                           " ms by the record and at most " + std::to_string(most));
  }

  void ended(const plan::Step& step, const Json& body) {
    const std::string ending = get_string(body, "ending");
    static const std::set<std::string> all{"ok",      "adopted", "failed",
                                           "unknown", "skipped", "not_run"};
    world_.must(all.contains(ending), step.id + " ended " + ending);
    world_.must(ended_now_.insert(step.id).second, step.id + " ended twice in one go");
    auto& at = steps_[step.id];
    at.ending = ending;
    if (ending == "ok" || ending == "adopted")
      world_.must(world_.happened(at.key),
                  step.id + " ended " + ending + ", and it never happened");
    // A proof changes nothing out there: that an earlier one had held does not make it hold.
    if (ending == "failed" && !opens_access(step) && step.verb != "prove")
      world_.must(!world_.happened(at.key) || world_.may_come_late(at.key),
                  step.id + " ended failed, and it happened");
    if (ending == "failed" || ending == "not_run")
      world_.must(!at.pending && !at.unsettled,
                  step.id + " ended " + ending + " while its outcome is not known");
  }

  void run_ended(const std::string& status) {
    bool all_good = true;
    for (const auto& step : plan_.steps) {
      const std::string& ending = steps_[step.id].ending;
      world_.must(!ending.empty(), "record: the run ended, and " + step.id + " has no ending");
      all_good = all_good && good(ending);
    }
    world_.must((status == "ok") == all_good, "record: the run ended " + status +
                                                  " and its steps " +
                                                  (all_good ? "well" : "not all well"));
  }

  World& world_;
  Loop& loop_;
  const plan::Plan& plan_;
  std::string run_;
  std::map<std::string, Step> steps_;
  std::set<std::string> ended_now_;
  int64_t newest_token_ = 0, seen_ = 0;
};

}  // namespace hyops::simulation
