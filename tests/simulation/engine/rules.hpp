// What must hold of every run, judged from the events that its ledger acknowledged, one by one.
#pragma once

#include <optional>

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
      take(event.type, event.body, event.wall_ms);
      untold_.insert(event.type);
      return true;
    });
    world_.must(read.has_value(), "the ledger cannot be read");
  }

  // A core with the lease of this token was told that its event is kept.
  void wrote(const std::string& type, int64_t token) {
    world_.must(token >= newest_token_,
                "fencing: a core wrote " + type + " after its lane was taken from it");
    const auto kept = untold_.find(type);
    world_.must(kept != untold_.end(), "record: " + type + " is told, and the ledger has it not");
    if (kept != untold_.end()) untold_.erase(kept);
  }

  // Asked at the moment a core lets something go out.
  void sent(const std::string& step, const std::string& verb, int64_t token) {
    world_.must(token >= newest_token_,
                "fencing: step " + step + " acts on the world after its lane was taken from it");
    if (verb == "close") return;  // what may stand open is closed as often as somebody can
    auto& at = steps_[step];
    world_.must(at.pending, "intent: " + step + " acts on the world, and no ledger says so");
    world_.must(!at.sent, "intent: " + step + " acts twice under one intent");
    at.sent = true;
  }

  // A core is between its intent and what it lets go out.
  bool about_to_send() const {
    return std::any_of(steps_.begin(), steps_.end(),
                       [](const auto& step) { return step.second.pending && !step.second.sent; });
  }

  // What the run ended as last.
  const std::string& status() const { return status_; }

  // Where a core ended the run: its record and the lane's state say what the events say.
  void compare(const Json& verdict, ledger::Ledger& ledger) {
    std::map<std::string, Json> told;
    for (const auto& step : verdict["steps"]) told[get_string(step, "id")] = step;
    for (const auto& step : plan_.steps) {
      const auto& at = steps_[step.id];
      const Json& about = told[step.id];
      const std::string tells = "record: it tells " + step.id + " ";
      world_.must(get_string(about, "ending") == at.ending,
                  tells + "ended " + get_string(about, "ending") + ", and it ended " + at.ending);
      world_.must(get_int(about, "attempts") == at.attempt, tells + "with other attempts");
      world_.must(at.outputs.empty() || about["outputs"] == at.outputs,
                  tells + "with other outputs");
      published(step, ledger.slot(plan_.lane, plan::slot_of(step)));
    }
    world_.must(get_string(verdict, "status") == status_, "record: it tells another status");
    for (const char* list : {"approvals", "approval_documents"})
      world_.must(approvals_ > 0 && verdict.value(list, Json::array()).size() == approvals_,
                  std::string("record: its ") + list + " are not those that were accepted");
  }

 private:
  // L3, E9: the lane's state is what a step gave that went well, and nothing else.
  void published(const plan::Step& step, const Result<ledger::Slot>& slot) {
    const auto& at = steps_[step.id];
    const bool ours = slot && slot->version > 0 && slot->run == run_;
    const bool gives = !at.state.empty() || step.verb == "release";
    world_.must(!ours || at.succeeded, "state: " + step.id + " published, and never went well");
    if (!good(at.ending)) return;
    world_.must(ours == gives, "state: " + step.id + " went well and published nothing");
    if (!ours) return;
    world_.must(slot->value == (step.verb == "release" ? Json() : at.state),
                "state: " + step.id + " published something else than it gave");
    world_.must(slot->epoch == plan_.epoch, "E9: " + step.id + " published into another epoch");
  }

  struct Step {
    std::string ending, key, last, error;  // the last two: status and class of its newest outcome
    int64_t attempt = 0, since = 0, not_before = 0;
    Json outputs = Json::object(), state = Json::object();  // state: as it was seen last
    bool succeeded = false;  // at some time, whatever it ended as since
    bool pending = false;    // an intent without outcome
    bool unsettled = false;  // an unknown outcome that nobody looked at
    bool sent = false;       // under its newest intent
    bool doubtful = false;   // repeated, because nobody could see what became of an attempt
    bool absent = false;     // a look found that the newest attempt did nothing
    bool adopted = false;    // by a look at its newest outcome
    bool noted = false, closed = false, told = false;  // of access: opened, closed, could not be
    // In this go:
    bool begun = false;  // an earlier one left it half-way: it is seen to its end
    bool tried = false;
    int64_t retries = 0;
  };
  static bool good(const std::string& ending) {
    return ending == "ok" || ending == "adopted" || ending == "skipped";
  }
  static bool opens_access(const plan::Step& step) {
    return step.interface == "hyops.access/1" && step.verb == "open";
  }

  void take(const std::string& type, const Json& body, int64_t wall_ms) {
    if (type == "run.started" || type == "run.resumed")
      return new_go(get_int(body, "fencing_token"));
    if (type == "run.ended") return run_ended(get_string(body, "status"));
    if (type == "run.stopping") stopping_ms_ = loop_.now_ms();
    if (type == "gate.confirmed") confirmed_.insert(get_string(body, "phase"));
    if (type == "approval.accepted") {
      ++approvals_;
      approved_until_ = std::max(approved_until_, get_int(body, "until_ms"));
    }
    if (type == "access.reap_failed") reaped_ = false;
    const auto* step = plan_.find(get_string(body, "step"));
    if (!step) return;
    auto& at = steps_[step->id];
    if (type == "step.intent") intent(*step, body, wall_ms);
    if (type == "step.outcome") outcome(*step, body);
    if (type == "step.reconciled") reconciled(*step, body);
    if (type == "step.retry") retry(*step, body);
    if (type == "step.ended") ended(*step, body);
    if (type == "fence.observed") at.state = body["outputs"];
    if (type == "access.opened") at.noted = true;
    if (type == "access.closed") at.closed = true;
    if (type == "access.close_failed") at.told = true;
  }

  void new_go(int64_t token) {
    world_.must(token > newest_token_,
                "fencing: two cores have the token " + std::to_string(token));
    newest_token_ = token;
    stopping_ms_.reset();
    reaped_ = true;
    ended_now_.clear();
    for (auto& [id, step] : steps_) {
      step.begun = step.pending || step.unsettled || step.adopted;
      step.tried = step.told = false;
      step.not_before = step.retries = 0;  // who resumes a run does not wait
    }
  }

  void intent(const plan::Step& step, const Json& body, int64_t wall_ms) {
    auto& at = steps_[step.id];
    may_start(step);
    if (!at.begun && !at.tried) holds_now(step, body["inputs"], wall_ms);
    world_.must(!good(at.ending) || opens_access(step),
                step.id + " is done again though the ledger says it is done");
    world_.must(!at.succeeded || opens_access(step),
                step.id + " is done again though it went well");
    world_.must(!at.pending && !at.unsettled,
                step.id + " is repeated, and nobody looked what became of attempt " +
                    std::to_string(at.attempt));
    world_.must(!at.tried || at.last != "failed" || at.not_before > 0,
                step.id + " is repeated, and the profile allows no retry");
    const std::string key = get_string(body, "key");
    world_.must(at.key.empty() || at.key == key, step.id + " is repeated under another key");
    world_.must(get_int(body, "attempt") == at.attempt + 1, step.id + " counts its attempts wrong");
    world_.must(loop_.now_ms() >= at.not_before, step.id + " is repeated before its pause is over");
    world_.must(get_int(body, "fencing_token") == newest_token_,
                "fencing: " + step.id + " starts under another token");
    at.key = key;
    at.last.clear();
    at.attempt = get_int(body, "attempt");
    at.since = loop_.now_ms();
    at.pending = at.tried = true;
    at.sent = at.absent = at.adopted = at.noted = at.closed = at.told = false;
    at.not_before = 0;
    crowded(step);
  }

  // E4, E5, E7, L4: what comes before it, whoever confirms it, and that nobody wants the run to
  // stop.
  void may_start(const plan::Step& step) {
    for (const auto& need : step.needs)
      world_.must(good(steps_[need].ending), "E7 L4: " + step.id + " starts, and its need " + need +
                                                 " ended " + steps_[need].ending);
    for (const auto& other : plan_.steps)
      if (other.phase < step.phase)
        world_.must(good(steps_[other.id].ending), "E4 E5: " + step.id + " starts before " +
                                                       other.id + " of an earlier phase is done");
    const std::string phase(contract::name(step.phase));
    for (const auto& gate : plan_.policy["gates_before"])
      world_.must(gate != phase || confirmed_.contains(phase),
                  "G2: " + step.id + " starts, and nobody let the run through the gate before it");
    world_.must(!stopping_ms_ || loop_.now_ms() - *stopping_ms_ <= look_ms,
                "cancel: " + step.id + " starts after the run was asked to stop");
    world_.must(!reaped_ || !world_.has_sessions_of_others(run_),
                "A5: " + step.id + " starts, and access of an earlier run still stands open");
  }

  // L12, L18: judged when it starts, and not where it is only seen to its end.
  void holds_now(const plan::Step& step, const Json& inputs, int64_t wall_ms) {
    world_.must(wall_ms <= approved_until_, "L18: " + step.id + " starts after its approval ended");
    for (const auto& name : step.proofs) {
      const auto proof = parse_json(get_string(inputs, name.c_str()), "proof");
      const int64_t age = proof ? wall_ms - get_int(*proof, "observed_ms") : 0;
      world_.must(proof && get_string(*proof, "run") == run_ &&
                      age <= get_int(plan_.policy, "proof_age_ms"),
                  "L12: " + step.id + " starts, and its proof of a fence proves nothing any more");
    }
  }

  void crowded(const plan::Step& step) {
    int64_t all = 0;
    std::map<std::string, int64_t> by_resource;
    for (const auto& other : plan_.steps) {
      const auto& at = steps_[other.id];
      if (!at.pending || !at.tried) continue;
      ++all;
      for (const auto& name : other.resources) ++by_resource[name];
    }
    world_.must(all <= get_int(plan_.policy, "parallel"), step.id + " is one too many at once");
    for (const auto& [name, used] : by_resource)
      world_.must(used <= get_int(plan_.policy["resources"], name.c_str(), used),
                  step.id + " is one too many for the resource " + name);
  }

  void outcome(const plan::Step& step, const Json& body) {
    auto& at = steps_[step.id];
    world_.must(at.pending && at.attempt == get_int(body, "attempt"),
                step.id + " has an outcome without an intent");
    at.pending = false;
    at.last = get_string(body, "status");
    at.unsettled = at.last == "unknown";
    if (at.last == "ok") succeeded(step, body);
    at.error = get_string(body, "class");
    const int64_t ms = get_int(body, "ms"), most = loop_.now_ms() - at.since;
    world_.must(ms >= 0 && ms <= most, "time: " + step.id + " took " + std::to_string(ms) +
                                           " ms by the record and at most " + std::to_string(most));
  }

  void reconciled(const plan::Step& step, const Json& body) {
    auto& at = steps_[step.id];
    const std::string choice = get_string(body, "choice"), seen = get_string(body, "seen");
    world_.must(at.pending || at.unsettled || (at.doubtful && at.last == "failed"),
                step.id + " is settled, and its outcome is known");
    world_.must(choice == "adopt" ? seen == "present"
                                  : choice == "retry" && (seen == "absent" ||
                                                          (seen == "unclear" && step.idempotent)),
                step.id + " is seen " + seen + ", and what follows is to " + choice + " it");
    at.pending = at.unsettled = false;
    at.doubtful = seen == "unclear";
    at.absent = seen == "absent";
    at.adopted = choice == "adopt";
    if (at.adopted) succeeded(step, body);
  }

  void succeeded(const plan::Step& step, const Json& body) {
    auto& at = steps_[step.id];
    at.succeeded = true;
    at.outputs = at.state = body.value("outputs", Json::object());
    for (const auto& [name, type] : step.outputs)
      world_.must(at.outputs.contains(name),
                  "record: " + step.id + " went well without its output " + name);
  }

  void retry(const plan::Step& step, const Json& body) {
    auto& at = steps_[step.id];
    const std::string kind = get_string(body, "class");
    const Json rule = plan_.policy["retry"].value(kind, Json::object());
    world_.must(
        at.last == "failed" && at.error == kind && ++at.retries < get_int(rule, "attempts", 1),
        step.id + " is retried, and the profile does not say so");
    at.not_before = loop_.now_ms() + get_int(rule, "pause_ms");
  }

  void ended(const plan::Step& step, const Json& body) {
    const std::string ending = get_string(body, "ending");
    world_.must(ended_now_.insert(step.id).second, step.id + " ended twice in one go");
    auto& at = steps_[step.id];
    at.ending = ending;
    const bool follows = ending == "ok"        ? at.last == "ok"
                         : ending == "adopted" ? at.adopted
                         : ending == "failed"  ? at.absent || (at.last == "failed" && !at.doubtful)
                         : ending == "unknown" ? at.pending || at.unsettled || at.doubtful
                                               : ending == "not_run" && !at.tried;
    world_.must(follows, step.id + " ended " + ending + ", which does not follow from its outcome");
    if (ending == "ok" || ending == "adopted")
      world_.must(world_.happened(at.key),
                  step.id + " ended " + ending + ", and it never happened");
    if (opens_access(step) && good(ending))
      world_.must(at.noted, "record: " + step.id + " opened access, and nothing tells of it");
    // A proof changes nothing out there: that an earlier one had held does not make it hold.
    if (ending == "failed" && !opens_access(step) && step.verb != "prove")
      world_.must(!world_.happened(at.key) || world_.may_come_late(at.key),
                  step.id + " ended failed, and it happened");
    if (ending == "failed" || ending == "not_run")
      world_.must(!at.pending && !at.unsettled,
                  step.id + " ended " + ending + " while its outcome is not known");
  }

  void run_ended(const std::string& status) {
    status_ = status;
    bool all_good = true, unknown = false;
    for (const auto& step : plan_.steps) {
      const auto& at = steps_[step.id];
      world_.must(!at.ending.empty(), "record: the run ended, and " + step.id + " has no ending");
      all_good = all_good && good(at.ending);
      unknown = unknown || at.ending == "unknown";
      if (!opens_access(step) || at.attempt == 0) continue;
      world_.must(at.closed || at.told, "A5: the run ended, and nothing tells that the access of " +
                                            step.id + " is closed");
      world_.must(!world_.is_open(at.key) || at.told,
                  "A5: the run ended, and the access of " + step.id + " stands open");
    }
    world_.must((status == "ok") == all_good && (status == "unknown") == unknown,
                "record: the run ended " + status + ", which does not follow from its steps");
    world_.must(status != "cancelled" || stopping_ms_,
                "record: the run ended cancelled, and nothing tells that it was asked to stop");
  }

  // What was on its way when the run was asked to stop may look at its fence first.
  static constexpr int64_t look_ms = 1500;

  World& world_;
  Loop& loop_;
  const plan::Plan& plan_;
  std::string run_, status_;
  std::map<std::string, Step> steps_;
  std::set<std::string> ended_now_, confirmed_;
  std::multiset<std::string> untold_;
  std::optional<int64_t> stopping_ms_;
  bool reaped_ = true;
  size_t approvals_ = 0;
  int64_t newest_token_ = 0, seen_ = 0, approved_until_ = 0;
};

}  // namespace hyops::simulation
