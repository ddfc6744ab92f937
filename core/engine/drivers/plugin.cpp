// Hands a step to a plugin's verb, through the helper process; keeps helpers between the steps of a
// run.
#include <map>
#include <mutex>
#include <set>

#include "base/text.hpp"
#include "engine/drivers/probes.hpp"
#include "engine/means.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {
namespace {

class PluginDriver final : public Driver {
 public:
  Outcome execute(const Call& call, Shared& shared) override {
    int64_t verb_ms = 0;
    Outcome outcome = judge(call, shared, speak(call, shared, call.step.verb, verb_ms));
    outcome.tool_ms = verb_ms;
    return outcome;
  }

  // A verb dies with its helper, and helpers die with the core: there is nothing to attach to.
  Outcome reattach(const Call& call, Shared&) override {
    return Outcome::lost(make_error("engine.plugin.lost", "step " + call.step.id +
                                                              ": the core died while plugin " +
                                                              call.step.plugin + " was at work"));
  }

  Sight observe(const Call& call, Shared& shared) override {
    if (changes_nothing(call.step.verb))
      return {Sight::Seen::absent,
              {},
              "verb " + call.step.verb + " changes nothing out there, so it is asked again"};
    if (call.step.interface == "hyops.secret/1")
      return {Sight::Seen::unclear,
              {},
              "hyops.secret/1 has nothing to observe what became of " + call.step.verb};
    int64_t ignored = 0;
    auto seen = speak(call, shared, "observe", ignored);
    if (!seen) return {Sight::Seen::unclear, {}, "observe failed: " + seen.error().message};
    if (!seen->is_object() || !seen->contains("present") || !(*seen)["present"].is_boolean())
      return {Sight::Seen::unclear,
              {},
              "plugin " + call.step.plugin + " did not say whether it is present"};
    const bool wanted = call.step.verb != "release" && call.step.verb != "close";
    if ((*seen)["present"].get<bool>() != wanted)
      return {Sight::Seen::absent,
              {},
              "plugin " + call.step.plugin + " observed that it did not happen"};
    Json outputs = Json::object();
    for (const auto& [name, field] : call.module.outputs)
      if (seen->contains(name)) outputs[name] = (*seen)[name];
    if (auto written = note_access(call, shared, *seen); !written)
      return {Sight::Seen::unclear, {}, written.error().text()};
    return {Sight::Seen::present, std::move(outputs),
            "plugin " + call.step.plugin + " observed it in place"};
  }

 private:
  // Verbs that look, or hand bytes to the sink of a core that is gone.
  static bool changes_nothing(const std::string& verb) {
    return verb == "plan" || verb == "observe" || verb == "prove" || verb == "probe" ||
           verb == "resolve";
  }

  Outcome judge(const Call& call, Shared& shared, Result<Json> answer) {
    if (answer) {
      if (auto written = note_access(call, shared, *answer); !written)
        return Outcome::bad(written.error());
      std::optional<Error> failed;
      if (auto written = write_probes(probes_of(*answer), call, shared.journal, failed); !written)
        return Outcome::bad(written.error());
      if (failed) return Outcome::bad(*failed);
      return Outcome::good(std::move(*answer));
    }
    if (plugin::outcome_is_unknown(answer.error())) return Outcome::lost(answer.error());
    return Outcome::bad(answer.error());
  }

  // What a verb tried on its way may stand in its answer; it goes where a tool's probes go.
  static std::vector<Json> probes_of(Json& answer) {
    std::vector<Json> probes;
    if (const auto found = answer.find("probes"); found != answer.end() && found->is_array()) {
      for (auto& probe : *found)
        if (probe.is_object()) probes.push_back(std::move(probe));
      answer.erase(found);
    }
    return probes;
  }

  // What the run's steps name, and what the lane's configuration of their plugins does: the
  // authority that takes over has to know each.
  static Result<std::vector<std::string>> secrets_of(const Shared& shared) {
    std::set<std::string> names, plugins;
    for (const auto& step : shared.plan.steps) {
      for (const auto& [ignored, input] : step.inputs)
        if (input.type == "secret" && input.known && input.value.is_string())
          names.insert(input.value.get<std::string>());
      if (step.authority.empty() && shared.lane.plugins.contains(step.plugin))
        plugins.insert(step.plugin);
    }
    for (const auto& id : plugins) {
      auto manifest = shared.registry.trusted(id);
      if (!manifest) return pass(manifest);
      auto config = plugin::check_config(*manifest, shared.lane.plugins.at(id));
      if (!config) return pass(config);
      for (const auto& name : plugin::secrets_of(*manifest, *config)) names.insert(name);
    }
    return std::vector(names.begin(), names.end());
  }

  static Result<Json> move_authority(const Call& call, Shared& shared,
                                     const plugin::CallRequest& request) {
    if (auto ours = shared.journal.still_held(); !ours) return pass(ours);
    auto names = secrets_of(shared);
    if (!names) return pass(names);
    auto moved = shared.secrets.move(call.step.authority, request, *names);
    if (!moved) return pass(moved);
    return Json{{"authority", call.step.authority},
                {"plugin", (*moved)["plugin"]},
                {"version", (*moved)["version"]},
                {"secrets", (*moved)["names"]}};
  }

  Result<Json> speak(const Call& call, Shared& shared, const std::string& verb, int64_t& verb_ms) {
    plugin::CallRequest request;
    request.interface = call.step.interface;
    request.verb = verb;
    request.input = call.inputs;
    request.key = call.key;
    request.run = shared.journal.run().value;
    request.step = call.step.id;
    request.lane = shared.plan.lane;
    request.fencing_token = shared.fencing_token;
    if (call.step.metadata) request.metadata = process::Metadata::declared;
    request.deadline_ms = shared.setup.clock().mono_ms() + call.step.timeout_ms;
    if (!call.step.authority.empty()) return move_authority(call, shared, request);
    auto helper = take(call, shared);
    if (!helper) return pass(helper);
    *(*helper)->step = call.step.id;
    if (auto ours = shared.journal.still_held(); !ours) return pass(ours);
    const int64_t began = shared.setup.clock().mono_ms();
    auto answer = (*helper)->instance->call(
        request,
        [&](int permille, const std::string& note) {
          shared.journal.progress(call.step.id, permille, note);
        },
        [&] { return shared.cancellation.state() == Cancel::now; });
    verb_ms = shared.setup.clock().mono_ms() - began;
    if ((*helper)->instance->running()) give_back(call.step.plugin, std::move(*helper));
    return answer;
  }

  // A helper and the step it works for now, which its HTTP calls are recorded under.
  struct Helper {
    std::shared_ptr<std::string> step = std::make_shared<std::string>();
    std::optional<plugin::Instance> instance;
  };

  Result<std::unique_ptr<Helper>> take(const Call& call, Shared& shared) {
    {
      const std::lock_guard lock(mutex_);
      auto& idle = idle_[call.step.plugin];
      if (!idle.empty()) {
        auto helper = std::move(idle.back());
        idle.pop_back();
        return helper;
      }
    }
    auto digest = shared.registry.digest(call.step.plugin);
    if (!digest) return pass(digest);
    if (*digest != call.step.plugin_digest)
      return fail("engine.plugin.changed", "plugin " + call.step.plugin +
                                               " is not the one the plan pins: it has " + *digest +
                                               ", the plan has " + call.step.plugin_digest);
    auto helper = std::make_unique<Helper>();
    plugin::Services services;
    const auto step = helper->step;
    services.secret = [&shared, step](const std::string& name) {
      return shared.secrets.get(name, shared.may_last_until_ms(*step));
    };
    services.unseal = [&shared](std::string_view sealed) -> Result<Secret> {
      auto key = trust::SealKey::load(shared.setup.seal_key());
      if (!key) return pass(key);
      return key->unseal(sealed);
    };
    const std::string id = call.step.plugin;
    services.http_record = [&shared, id, step](const Json& line) {
      Json body = line;
      body["plugin"] = id;
      body["step"] = *step;
      (void)shared.journal.write("step.http", body);
    };
    services.exec_record = [&shared, id, step](const Json& line) {
      Json body = line;
      body["plugin"] = id;
      body["step"] = *step;
      (void)shared.journal.write("step.exec", body);
    };
    services.log = [&shared, id, step](std::string_view level, const std::string& text) {
      if (level != "debug")
        (void)shared.journal.write(
            "plugin.log", {{"plugin", id}, {"step", *step}, {"level", level}, {"text", text}});
    };
    services.exec_values = {{"identity_file", shared.setup.ssh_identity().string()}};
    services.streams = shared.setup.streams(shared.journal.run().value);
    const auto config = shared.lane.plugins.find(id);
    auto started = shared.setup.means->plugin(
        shared.registry, id, config == shared.lane.plugins.end() ? Json::object() : config->second,
        std::move(services));
    if (!started) return pass(started, "while starting plugin " + id);
    const auto& manifest = started->manifest();
    (void)shared.journal.write("plugin.started", {{"plugin", id},
                                                  {"version", manifest.version},
                                                  {"step", *step},
                                                  {"direct", manifest.direct},
                                                  {"read", manifest.read_paths},
                                                  {"isolation", started->isolation()}});
    helper->instance.emplace(std::move(*started));
    return helper;
  }

  void give_back(const std::string& id, std::unique_ptr<Helper> helper) {
    const std::lock_guard lock(mutex_);
    idle_[id].push_back(std::move(helper));
  }

  // What was opened is remembered, so that it is closed at the end of the run, whatever that end
  // is.
  static Status note_access(const Call& call, Shared& shared, const Json& answer) {
    if (call.step.interface != "hyops.access/1" || call.step.id.empty() ||
        (call.step.verb != "open" && call.step.verb != "close"))
      return {};
    return shared.journal.write(call.step.verb == "open" ? "access.opened" : "access.closed",
                                {{"step", call.step.id},
                                 {"plugin", call.step.plugin},
                                 {"key", call.key},
                                 {"endpoints", answer.value("endpoints", Json::array())}});
  }

  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<Helper>>> idle_;
};

}  // namespace

std::unique_ptr<Driver> make_plugin_driver() { return std::make_unique<PluginDriver>(); }

}  // namespace hyops::engine
