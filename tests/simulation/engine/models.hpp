// Models of what a step reaches: the helper of a plugin, and a tool under its step host. Requests
// get lost, answers get lost or come late, helpers die and hang; what was asked is done or not.
#pragma once

#include "core.hpp"

namespace hyops::simulation {

// The request that a step stands for, as its plan has it. No step stands behind what is closed for
// an earlier run.
inline Request request_of(const Stage& stage, const std::string& run, const std::string& step,
                          const std::string& verb, const std::string& key, const Json& inputs,
                          int64_t token) {
  const auto* planned = stage.plan ? stage.plan->find(step) : nullptr;
  return {planned ? planned->module : "access/session", verb, run, step, key, inputs, token};
}

class Helper final : public plugin::Instance::Helper {
 public:
  Helper(const Core& core, plugin::Manifest manifest, Json config, plugin::Services services)
      : core_(core),
        manifest_(std::move(manifest)),
        config_(std::move(config)),
        services_(std::move(services)) {}

  const plugin::Manifest& manifest() const override { return manifest_; }
  const Json& isolation() const override { return isolation_; }
  pid_t pid() const override { return 1; }
  bool running() const override { return alive_; }

  Result<Json> talk(const plugin::CallRequest& call, const plugin::Progress&,
                    const plugin::Cancelled&) override {
    if (!alive_) return fail("plugin.stopped", "the helper is not running any more");
    if (call.interface == "hyops.secret/1" && call.verb == "resolve") return resolve(call);
    if (call.interface == "hyops.secret/1") return transition(call);
    // A cloud's API wants a token, which the core puts into the request.
    if (const auto token = get_string(config_, "token"); !token.empty())
      if (auto secret = services_.secret(token); !secret) return pass(secret);
    Stage& stage = core_.stage();
    if (call.verb == "observe") return call.step.empty() ? left_open() : observe(call);
    if (stage.rules) stage.rules->sent(call.step, call.verb, call.fencing_token);
    const Request request =
        request_of(stage, call.run, call.step, call.verb, call.key, call.input, call.fencing_token);
    core_.moment();
    stage.loop.sleep(stage.loop.between(1, 2000));
    if (!stage.goes_wrong()) return act(request);
    switch (stage.loop.between(0, 6)) {
      case 0:  // nothing happened, and it says so
        return refusal(FailureClass::unavailable, "come back later");
      case 1:
        return refusal(FailureClass::internal, "it cannot do that now");
      case 2:  // the request was lost
        return hang(call);
      case 3:  // the answer was lost
        (void)stage.world.act(request);
        return hang(call);
      case 4:  // it is done long after anybody waits for it
        stage.world.expect_late(request.key);
        stage.loop.at(stage.loop.between(1, 600'000),
                      [&world = stage.world, request] { (void)world.act(request); });
        return hang(call);
      case 5:
        return die("before it did anything");
      default:
        (void)stage.world.act(request);
        return die("after it did it");
    }
  }

 private:
  Result<Json> act(const Request& request) {
    Stage& stage = core_.stage();
    auto answer = stage.world.act(request);
    core_.moment();  // done there, and not known here yet
    stage.loop.sleep(stage.loop.between(1, 500));
    return answer;
  }

  Result<Json> observe(const plugin::CallRequest& call) {
    Stage& stage = core_.stage();
    stage.loop.sleep(stage.loop.between(1, 500));
    if (stage.goes_wrong())
      return refusal(FailureClass::unavailable, "nobody answers who could tell");
    const auto* planned = stage.plan->find(call.step);
    const Json seen = stage.world.observe(request_of(stage, call.run, call.step, planned->verb,
                                                     call.key, call.input, call.fencing_token));
    Json answer = seen.is_null() ? Json::object() : seen;
    const bool gone = planned->verb == "release" || planned->verb == "close";
    answer["present"] = seen.is_null() == gone;
    return answer;
  }

  // What a core asks that takes a lane: whatever stands open, whoever opened it.
  Result<Json> left_open() {
    Stage& stage = core_.stage();
    stage.loop.sleep(stage.loop.between(1, 500));
    if (stage.goes_wrong())
      return refusal(FailureClass::unavailable, "nobody answers who could tell");
    return Json{{"opened", stage.world.open_sessions()}};
  }

  // Without a pause: whoever else needs a secret waits behind a lock meanwhile.
  Result<Json> resolve(const plugin::CallRequest& call) {
    if (core_.stage().goes_wrong())
      return refusal(FailureClass::unavailable, "the authority does not answer");
    for (const auto& name : call.input["names"])
      if (auto taken = services_.sink(name.get<std::string>(), "1",
                                      Secret("the value of " + name.get<std::string>()));
          !taken)
        return pass(taken);
    return Json::object();
  }

  // An authority may be ready and then not answer what it is asked for: the step fails, and it
  // happened.
  Result<Json> transition(const plugin::CallRequest& call) {
    Stage& stage = core_.stage();
    if (stage.goes_wrong())
      return refusal(FailureClass::unavailable, "the authority does not answer");
    if (stage.rules) stage.rules->sent(call.step, call.verb, call.fencing_token);
    stage.world.expect_late(call.key);
    return stage.world.act(request_of(stage, call.run, call.step, call.verb, call.key, call.input,
                                      call.fencing_token));
  }

  Result<Json> hang(const plugin::CallRequest& call) {
    Stage& stage = core_.stage();
    stage.loop.sleep(std::max<int64_t>(1, call.deadline_ms - stage.loop.now_ms()) + call.grace_ms);
    alive_ = false;
    return fail("plugin.deadline", "it did not stop and was killed, in " + call.verb);
  }
  Result<Json> die(const std::string& when) {
    alive_ = false;
    return fail("plugin.died", "it died " + when);
  }

  const Core& core_;
  plugin::Manifest manifest_;
  Json config_, isolation_ = Json::object();
  plugin::Services services_;
  bool alive_ = true;
};

// As the drivers of tools do it: the tool outlives the core, and its exit is found again.
class ToolDriver final : public engine::Driver {
 public:
  explicit ToolDriver(const Core& core) : core_(core) {}

  engine::Outcome execute(const engine::Call& call, engine::Shared& shared) override {
    std::vector<std::string> names;
    for (const auto& [input, field] : call.module.inputs)
      if (field.type.kind == contract::Kind::secret && call.inputs.contains(input))
        names.push_back(call.inputs[input].get<std::string>());
    if (auto secrets = shared.secrets.get(names); !secrets)
      return engine::Outcome::bad(secrets.error());
    Stage& stage = core_.stage();
    stage.loop.sleep(stage.loop.between(1, 50));  // laying out its files
    if (auto ours = shared.journal.still_held(); !ours) return engine::Outcome::bad(ours.error());
    if (stage.rules) stage.rules->sent(call.step.id, "apply", shared.fencing_token);
    stage.world.must(!is_at_work(call), "reattach: " + call.step.id +
                                            " is started beside a tool that is at work for it");
    start(call.folder.string(), request_of(stage, shared.journal.run().value, call.step.id, "apply",
                                           call.key, call.inputs, shared.fencing_token));
    core_.moment();
    return wait(call);
  }

  engine::Outcome reattach(const engine::Call& call, engine::Shared& shared) override {
    // Nothing was started yet where the core died between its intent and the tool.
    return core_.stage().tools.contains(call.folder.string()) ? wait(call) : execute(call, shared);
  }

  engine::Sight observe(const engine::Call& call, engine::Shared& shared) override {
    using Seen = engine::Sight::Seen;
    Stage& stage = core_.stage();
    stage.world.must(!is_at_work(call),
                     "reattach: somebody looks at " + call.step.id + " while its tool is at work");
    stage.loop.sleep(stage.loop.between(1, 1000));
    if (call.module.name == "postgresql/verify")
      return {Seen::unclear, {}, "the pack has no observe twin"};
    if (stage.goes_wrong()) return {Seen::unclear, {}, "the observe twin failed"};
    const Json seen =
        stage.world.observe(request_of(stage, shared.journal.run().value, call.step.id, "apply",
                                       call.key, call.inputs, shared.fencing_token));
    if (seen.is_null()) return {Seen::absent, {}, "the observe twin found no effect"};
    return {Seen::present, seen, "the observe twin found the effect in place"};
  }

 private:
  // Of any attempt, whichever core started it.
  bool is_at_work(const engine::Call& call) const {
    const std::string step = call.folder.parent_path().string() + "/";
    const auto& tools = core_.stage().tools;
    return std::any_of(tools.begin(), tools.end(), [&](const auto& tool) {
      return !tool.second.ended && tool.first.starts_with(step);
    });
  }

  void start(const std::string& folder, const Request& request) {
    Stage& stage = core_.stage();
    Tool& tool = stage.tools[folder] = {};
    const int64_t ms = stage.loop.between(10, 20'000);
    const int64_t fate = stage.goes_wrong() ? stage.loop.between(0, 4) : -1;
    tool.ends_ms = fate == 2 || fate == 3 ? 0 : stage.loop.now_ms() + ms;
    stage.loop.at(ms, [&stage, &tool, request, fate] {
      tool.ended = true;
      switch (fate) {
        case 0:  // it failed before it changed anything
          tool.result = refusal(FailureClass::unavailable, "the host does not answer");
          return;
        case 1:
          tool.result = refusal(FailureClass::internal, "the tool failed");
          return;
        case 2:  // killed, and nobody knows how far it came: not far
          return;
        case 4:  // it did its work in two halves, and the second one late
          stage.world.expect_late(request.key);
          stage.loop.at(stage.loop.between(1, 10'000),
                        [&stage, &tool, request] { tool.result = stage.world.act(request); });
          tool.ends_ms = 0;
          return;
        default:  // of 3, too: all was done, but its exit status is lost
          tool.result = stage.world.act(request);
      }
    });
  }

  engine::Outcome wait(const engine::Call& call) {
    Stage& stage = core_.stage();
    const std::string folder = call.folder.string();
    while (!stage.tools.at(folder).ended) stage.loop.sleep(200);
    const Tool& tool = stage.tools.at(folder);
    if (tool.ends_ms == 0)
      return engine::Outcome::lost(
          make_error("engine.tool.lost", "the step host is gone and left no exit status"));
    if (!tool.result) return engine::Outcome::bad(tool.result.error());
    return engine::Outcome::good(*tool.result);
  }

  const Core& core_;
};

inline std::unique_ptr<engine::Executor> Core::executor() const {
  return std::make_unique<Fibers>(stage_.loop, process);
}

inline std::unique_ptr<engine::Driver> Core::driver(contract::Driver which) const {
  if (which == contract::Driver::plugin) return engine::make_plugin_driver();
  return std::make_unique<ToolDriver>(*this);
}

inline Result<plugin::Instance> Core::plugin(const plugin::Registry& registry,
                                             const std::string& id, const Json& config,
                                             plugin::Services services) const {
  auto manifest = registry.trusted(id);
  if (!manifest) return pass(manifest);
  // Starting a helper takes its time; that of the authority is started under a lock.
  if (id != engine::embedded_authority) stage_.loop.sleep(stage_.loop.between(1, 50));
  return plugin::Instance(
      std::make_unique<Helper>(*this, std::move(*manifest), config, std::move(services)));
}

}  // namespace hyops::simulation
