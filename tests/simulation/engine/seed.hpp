// One seed: a whole failover and the failback after it, with all that goes wrong on the way.
#pragma once

#include "engine/world.hpp"
#include "models.hpp"
#include "site.hpp"

namespace hyops::simulation {

class Seed {
 public:
  Seed(Site& site, uint64_t seed) : site_(site), loop_(seed), world_(loop_) {
    site_.clear();
    trouble_.left = loop_.between(0, 6);
    trouble_.one_in = loop_.between(2, 12);
    crashes_ = loop_.between(0, 3);
    takeovers_ = loop_.one_in(4) ? 1 : 0;
  }

  // What was broken, first thing first; empty: nothing.
  const std::vector<std::string>& play() {
    remember_home();
    rehearse();
    const bool fleet = loop_.one_in(3);
    if (sound()) operate(fleet ? "simulated/fleet-failover" : "dr/postgresql-failover", "cloud");
    if (sound() && came_back_) announce();
    if (sound() && came_back_) operate("dr/postgresql-failback", "onprem");
    if (sound()) {
      Core clerk(stage_, self(), 0);
      auto ledger = ledger::Ledger::open(site_.ledger(), clerk, self());
      const Status whole = ledger ? ledger->check() : Status(Failure(ledger.error()));
      world_.must(whole.has_value(), "ledger: " + (whole ? "" : whole.error().text()));
    }
    return world_.broken;
  }
  const std::string& trace() const { return trace_; }
  bool came_home() const { return came_home_; }

 private:
  bool sound() const { return world_.broken.empty(); }

  // A process of this machine that lives no more when it is asked for: its number is none the
  // kernel gives.
  ledger::Self self() {
    return {"runner", "boot-" + std::to_string(boot_), "pid:[1]", 5'000'000 + ++cores_, cores_};
  }

  // What the blueprint that made the primary published.
  void remember_home() {
    Core clerk(stage_, self(), 0);
    auto ledger = ledger::Ledger::open(site_.ledger(), clerk, self()).value();
    const auto lease = ledger.take_lease("drill", RunId("before")).value();
    ledger::Slot slot;
    slot.lane = "drill";
    slot.key = "compute/host#db-onprem";
    slot.epoch = 1;
    slot.value = {{"hosts", {world_.host("db-onprem")}}};
    slot.run = "before";
    slot.step = "host";
    if (!ledger.put_slot(slot, 0, lease.token)) std::abort();
    // E9: what a rehearsal of another epoch left behind. The first plan must not see it.
    slot.key = "compute/host#db-cloud";
    slot.epoch = 2;
    if (!ledger.put_slot(slot, 0, lease.token)) std::abort();
    if (!ledger.release_lease("drill", RunId("before"), lease.token)) std::abort();
  }
  void rehearse() {
    if (!loop_.one_in(8)) return;
    contract::Diagnostics problems;
    world_.must(!make_plan("dr/postgresql-failback", "onprem", problems),
                "E9: a failback was planned on what a rehearsal left behind");
  }

  // L13: what is run ahead of a failback plans on what the failover left, once for all seeds.
  void announce() {
    auto& known = site_.plans["cloud/prepare-failback"];
    contract::Diagnostics problems;
    if (!known) known = make_plan("cloud/prepare-failback", "edge", problems);
    world_.must(known && known->steps.size() == 1 && known->steps[0].module == "dns/ttl",
                "planning cloud/prepare-failback: " +
                    (problems.empty() ? "another step" : problems[0].text()));
  }

  std::optional<plan::Plan> make_plan(const std::string& blueprint, const std::string& target,
                                      contract::Diagnostics& problems) {
    Core desk(stage_, self(), 0);
    auto ledger = ledger::Ledger::open(site_.ledger(), desk, self()).value();
    auto registry = plugin::Registry::open(
                        plugin::standard_sources(HYOPS_BUILD_DIR, site_.path() / target, "drill"))
                        .value();
    engine::LocalWorld local(&ledger, registry, *site_.lane);
    plan::World asked = local.world();
    // A plugin's forecast is pure, and no helper is started for it here.
    asked.forecast = [](const contract::Pack& pack, const Json& inputs) -> Result<Json> {
      if (pack.verb != "apply") return Json();
      if (pack.module != "compute/host") return Json{{"rules", Json::array()}};
      return Json{{"hosts", {{{"name", inputs.value("name", "")}}}},
                  {"cost", {{"currency", "EUR"}, {"micro_per_hour", 0}}}};
    };
    plan::Question question;
    question.blueprint = site_.catalog.blueprint(blueprint, {}, problems);
    question.lane = &*site_.lane;
    question.target = target;
    question.origin = {{"request", {{"by", "oncall"}, {"reason", "simulated"}}}};
    if (!question.blueprint) return std::nullopt;
    auto plan = plan::resolve(question, site_.catalog, asked, problems);
    if (plan) plan::judge(*plan, *site_.catalog.profile("drill", {}, problems), problems);
    if (!problems.empty()) return std::nullopt;
    return plan;
  }

  // The same question gives the same plan, so it is asked anew now and then only.
  std::optional<plan::Plan> plan_of(const std::string& blueprint, const std::string& target) {
    auto& known = site_.plans[blueprint];
    const bool anew = loop_.one_in(16);
    if (known && !anew) return known;
    contract::Diagnostics problems;
    auto plan = make_plan(blueprint, target, problems);
    world_.must(plan.has_value(),
                "planning " + blueprint + ": " + (problems.empty() ? "" : problems[0].text()));
    if (plan && known)
      world_.must(plan::digest(*plan).value() == plan::digest(*known).value(),
                  "the same question, another plan");
    known = plan;
    return plan;
  }

  // Plan, approval, run; then whatever a person does until the run has come to its end.
  void operate(const std::string& blueprint, const std::string& target) {
    const auto plan = plan_of(blueprint, target);
    if (!plan) return;
    const RunId run("run-" + target);
    engine::Admission admission{plan::to_json(*plan), {}, {}, "oncall", run.value, 0};
    admission.approvals.push_back(site_.approval(*plan, world_.wall_ms()));
    const auto admit = [&](const Core& desk, ledger::Ledger& ledger) -> Status {
      auto admitted = engine::admit(site_.setup(target, desk), ledger, admission);
      if (!admitted) return pass(admitted);
      return {};
    };
    if (!approved("admission", admit)) return;
    if (loop_.one_in(8)) {
      admission.run = "again-" + target;
      Core desk(stage_, self(), 0);
      auto ledger = ledger::Ledger::open(site_.ledger(), desk, self()).value();
      const auto again = admit(desk, ledger);
      world_.must(!again && again.error().code == "ledger.used",
                  "D3: one approval is good for two runs");
    }
    Rules rules(world_, loop_, *plan, run.value);
    stage_.rules = &rules;
    stage_.plan = &*plan;
    std::string status;
    for (int round = 0; sound() && status != "ok"; ++round) {
      // Now it must come to its end: all is calm, and somebody sets the clock.
      if (round >= 12) trouble_.left = crashes_ = takeovers_ = stage_.stepped_ms = 0;
      world_.must(round < 20, blueprint + " does not come to its end: " + status);
      lapsed_ = false;
      status = one_round(target, run);
      if (sound() && lapsed_) renew(*plan, target, run);
      if (sound() && status == "waiting") let_through(target, run);
    }
    if (loop_.one_in(2)) loop_.settle(7'200'000);  // what is late has come, what ends has ended
    std::string why;
    if (sound() && !site_.verify(site_.path() / target / "runs" / run.value / "record", why))
      world_.must(false, "record: " + why);
    if (target == "cloud") came_back_ = status == "ok";
    if (target == "onprem") came_home_ = status == "ok" && world_.name() == "db-onprem";
    stage_.rules = nullptr;
    stage_.plan = nullptr;
  }

  // L18: something ended before a step could, and a person signs the plan again.
  void renew(const plan::Plan& plan, const std::string& target, const RunId& run) {
    const auto again = site_.approval(plan, world_.wall_ms());
    approved("renewal", [&](const Core& desk, ledger::Ledger& ledger) {
      return engine::renew(site_.setup(target, desk), ledger, run, {again});
    });
    trace_ += "-> renewed\n";
  }

  // Who approves has a clock that is right. Where the runner's is not, nothing comes of it until
  // somebody sets it, and restarts a machine that had started with a wrong one.
  bool approved(const std::string& what,
                const std::function<Status(const Core&, ledger::Ledger&)>& act) {
    const auto once = [&] {
      Core desk(stage_, self(), 0);
      auto ledger = ledger::Ledger::open(site_.ledger(), desk, self()).value();
      return act(desk, ledger);
    };
    Status done = once();
    world_.must(!done || stage_.stepped_ms == 0, what + ": by a clock that is wrong");
    stage_.stepped_ms = 0;
    if (!done) done = once();
    if (!done && done.error().code == "engine.clock.set") {
      ++boot_;
      done = once();
    }
    world_.must(done.has_value(), what + ": " + (done ? "" : done.error().text()));
    return done.has_value();
  }

  // Somebody looks at what stands before the gate, in their own time; the impatient come back
  // first.
  void let_through(const std::string& target, const RunId& run) {
    if (loop_.one_in(4)) return;
    loop_.settle(loop_.between(1, 2'400'000));
    Core desk(stage_, self(), 0);
    auto ledger = ledger::Ledger::open(site_.ledger(), desk, self()).value();
    if (ledger.run(run).value().status != "waiting") return;
    const auto confirmed = engine::confirm_gate(ledger, run, "cutover", "oncall");
    world_.must(confirmed.has_value(), "gate: " + (confirmed ? "" : confirmed.error().text()));
    trace_ += "-> let through at " + target + "\n";
  }

  // What it left for people to read.
  void read_record(const std::string& target, const RunId& run) {
    Core clerk(stage_, self(), 0);
    auto ledger = ledger::Ledger::open(site_.ledger(), clerk, self()).value();
    stage_.rules->look(ledger);
    const auto lease = ledger.lease("drill");
    world_.must(lease && !*lease, "fencing: a core ended and kept its lane");
    world_.must(ledger.run(run).value().status == stage_.rules->status(),
                "record: the ledger has another status than the run ended with");
    const auto text = read_file(site_.path() / target / "runs" / run.value / "record/verdict.json",
                                size_t{1} << 24);
    const auto verdict = text ? parse_json(*text, "verdict.json") : Result<Json>(Json());
    world_.must(verdict && verdict->is_object(), "record: there is none");
    if (sound()) stage_.rules->compare(*verdict, ledger);
  }

  // As `hyops run resume` sees it.
  bool is_over(const std::string& target, const RunId& run) {
    Core desk(stage_, self(), 0);
    auto ledger = ledger::Ledger::open(site_.ledger(), desk, self()).value();
    stage_.rules->look(ledger);
    return ledger.run(run).value().status == "ok" &&
           engine::is_recorded(site_.setup(target, desk), ledger, run);
  }

  // One core from its start to its end or death, with what happens to it meanwhile.
  std::string one_round(const std::string& target, const RunId& run) {
    if (is_over(target, run)) return "ok";
    int64_t moments = 0, after_end = 0;
    if (crashes_ > 0 && loop_.one_in(2)) {
      --crashes_;
      (loop_.one_in(5) ? after_end : moments) = loop_.between(1, 900);
      after_end %= 8;
    }
    Core core(stage_, self(), moments, after_end);
    disturb(target, run);
    if (loop_.one_in(12))
      core.reconcile(site_.setup(target, core), site_.ledger(), run);
    else
      core.run(site_.setup(target, core), site_.ledger(), run);
    std::unique_ptr<Core> other;
    if (trouble_.left > 0 && loop_.one_in(8))
      other = hurry(core, target, run);
    else if (takeovers_ > 0 && loop_.one_in(3)) {
      --takeovers_;
      other = take_over(core, target, run);
    }
    loop_.run_until_done(*core.fiber);
    if (other) loop_.run_until_done(*other->fiber);
    note(core);
    if (other) note(*other);
    const Core& last = other ? *other : core;
    if (last.said == "ledger.lease.held") return "held";
    static const std::set<std::string> ends{"ok", "failed", "unknown", "cancelled"};
    if (sound() && !last.process.dead && ends.contains(last.said)) read_record(target, run);
    return last.process.dead ? "died" : last.said;
  }

  void note(const Core& core) {
    lapsed_ = lapsed_ || core.trace.find("horizon.reached") != std::string::npos;
    trace_ +=
        core.trace + "-> " + (core.process.dead ? "died" : core.said + " " + core.text) + "\n";
  }

  // Clocks are stepped, the machine sleeps, somebody wants the run to stop.
  void disturb(const std::string& target, const RunId& run) {
    if (trouble_.left <= 0) return;
    if (loop_.one_in(3))
      loop_.at(loop_.between(1, 120'000), [this] {
        const int64_t hour = 3'600'000;
        const int64_t steps[] = {hour, -hour, -world_.wall_ms()};
        stage_.stepped_ms += steps[loop_.between(0, 2)];
        stage_.stepped_ms = std::max(stage_.stepped_ms, 1000 - world_.wall_ms());  // 1970
      });
    if (loop_.one_in(8)) loop_.at(loop_.between(1, 120'000), [this] { loop_.skip(5'400'000); });
    if (loop_.one_in(8)) {
      const auto folder = site_.path() / target / "runs" / run.value;
      loop_.at(loop_.between(1, 120'000), [folder] {
        (void)engine::Cancellation::request(folder, engine::Cancel::after_step);
      });
    }
  }

  // Somebody types the same once more while a core is at work, which has the lane: the second one
  // gets nowhere. Null, unless the first one had ended by then.
  std::unique_ptr<Core> hurry(Core& core, const std::string& target, const RunId& run) {
    const int64_t until = loop_.now_ms() + loop_.between(1, 60'000);
    while (!core.fiber->done && loop_.now_ms() < until) loop_.turn();
    auto second = std::make_unique<Core>(stage_, self(), 0);
    second->run(site_.setup(target, *second), site_.ledger(), run);
    loop_.run_until_done(*second->fiber);
    return second->said == "ledger.lease.held" ? nullptr : std::move(second);
  }

  // The core is stopped (SIGSTOP), and somebody who should not have judges it dead: its lock file
  // is gone and the machine seems to be another boot. It wakes while the other one is at work, or
  // after it. Half of them are stopped where they have said what they do next, and have not done
  // it.
  std::unique_ptr<Core> take_over(Core& core, const std::string& target, const RunId& run) {
    const int64_t until = loop_.now_ms() + loop_.between(1, 60'000);
    const bool at_the_edge = loop_.one_in(2);
    while (!core.fiber->done && loop_.now_ms() < until) loop_.turn();
    while (!core.fiber->done && at_the_edge && !stage_.rules->about_to_send()) loop_.turn();
    if (core.fiber->done) return nullptr;
    core.process.asleep_until = loop_.now_ms() + loop_.between(1, 300'000);
    ++boot_;
    std::error_code ignored;
    fs::remove(site_.ledger().string() + ".leases", ignored);
    auto other = std::make_unique<Core>(stage_, self(), 0);
    other->run(site_.setup(target, *other), site_.ledger(), run);
    loop_.run_until_done(*other->fiber);
    return other;
  }

  Site& site_;
  Loop loop_;
  World world_;
  Trouble trouble_;
  Stage stage_{loop_, world_, trouble_};
  int64_t crashes_ = 0, takeovers_ = 0, boot_ = 1, cores_ = 0;
  bool came_back_ = false, came_home_ = false, lapsed_ = false;
  std::string trace_;
};

}  // namespace hyops::simulation
