#include "engine/drivers/tool.hpp"

#include <fstream>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "engine/drivers/probes.hpp"

namespace hyops::engine {
namespace fs = std::filesystem;

namespace {

constexpr int64_t tick_ms = 200;  // how late a cancel or a line of progress may be noticed

// Reads the progress lines that were added since the last look; a half-written line waits.
class ProgressTail {
 public:
  explicit ProgressTail(fs::path file) : file_(std::move(file)) {}
  void pass_on(const std::string& step, Journal& journal, bool with_notes) {
    std::ifstream in(file_, std::ios::binary);
    if (!in || !in.seekg(at_)) return;
    std::string line;
    while (std::getline(in, line) && !in.eof()) {
      at_ += static_cast<std::streamoff>(line.size()) + 1;
      if (auto said = parse_json(line, "progress", 4096))
        journal.progress(step, static_cast<int>(get_int(*said, "permille", -1)),
                         with_notes ? get_string(*said, "note") : "");
    }
  }

 private:
  fs::path file_;
  std::streamoff at_ = 0;
};

// What a tool writes about itself, wherever a driver looks for it.
std::vector<fs::path> reports(const Call& call) {
  std::vector<fs::path> out;
  for (const char* name : {"outputs.json", "outputs.json.error", "outputs.json.absent",
                           "probes.jsonl", "progress.jsonl", "hosts.jsonl", "manifest.json"})
    out.push_back(call.folder / name);
  return out;
}

bool ended_well(const Stage& stage, const process::ToolStatus& status) {
  if (!status.reason.empty() || status.exit.signal != 0) return false;
  return std::find(stage.good_codes.begin(), stage.good_codes.end(), status.exit.code) !=
         stage.good_codes.end();
}

// A host that was killed before it could answer leaves its name, which it writes before the tool
// runs.
bool may_have_started(const fs::path& where) {
  const auto seen = process::observe_tool(where);
  return seen && (seen->host || seen->state == process::ToolState::running);
}

// A tool that could read what it was to be kept from does its work all the same: nothing may hold
// up a recovery for that (L16). But it is said (K7).
Status tell_where_metadata_is_open(const fs::path& where, const Stage& stage, const Call& call,
                                   Journal& journal) {
  const auto seen = process::observe_tool(where);
  if (!seen || !seen->host || seen->metadata != process::Metadata::open) return {};
  return journal.write("step.metadata_open", {{"step", call.step.id},
                                              {"attempt", call.attempt},
                                              {"stage", stage.name},
                                              {"why", printable(seen->metadata_open, 400)}});
}

Status record_probes(const fs::path& file, const Call& call, Journal& journal,
                     std::optional<Error>& failed) {
  if (!fs::exists(file)) return {};
  auto text = read_file(file, 4u << 20);
  if (!text) return pass(text);
  std::vector<Json> probes;
  for (const auto& line : split(*text, '\n')) {
    if (line.empty()) continue;
    auto probe = parse_json(line, "a probe of step " + call.step.id, 65536);
    if (!probe) return pass(probe);
    probes.push_back(std::move(*probe));
  }
  return write_probes(probes, call, journal, failed);
}

}  // namespace

std::string ToolDriver::executable(const std::string& tool) {
  const auto found = process::find_executable(tool, process::default_path);
  return found ? found->string() : tool;
}

Error tool_error(const Call& call, const process::ToolStatus& status) {
  if (status.reason == "deadline")
    return make_error("engine.step.deadline", "step " + call.step.id + " took longer than " +
                                                  show_duration(call.step.timeout_ms) +
                                                  " and was stopped");
  if (status.reason == "stopped" || status.reason == "killed")
    return make_error("engine.step.cancelled", "step " + call.step.id + " was stopped on request");
  if (status.reason.starts_with("spawn:"))
    return make_error("engine.tool.missing", "step " + call.step.id + " could not start its tool" +
                                                 status.reason.substr(5));
  Error error = make_error("engine.tool.failed", "step " + call.step.id + ": the tool ended with " +
                                                     status.exit.text() + "; its log says why");
  const fs::path own_words = call.folder / "outputs.json.error";
  if (fs::exists(own_words))
    if (auto text = read_file(own_words, 65536))
      if (auto said = parse_json(*text, "error of the tool", 65536)) {
        if (const auto kind = failure_class(get_string(*said, "class"))) error.kind = *kind;
        if (const auto message = get_string(*said, "message"); !message.empty())
          error.message = "step " + call.step.id + ": " + printable(message, 1000);
      }
  return error;
}

// The pack is copied and the copy is checked: what was approved is what runs (L10).
Status ToolDriver::lay_out(const Call& call, Shared& shared) {
  if (auto made = make_folders(call.folder / "home"); !made) return made;
  if (!fs::exists(pack_copy(call))) {
    if (auto copied = copy_tree(call.pack.folder, pack_copy(call)); !copied)
      return pass(copied, "while copying the pack");
    auto digest = digest_of_tree(pack_copy(call));
    if (!digest) return pass(digest);
    if (*digest != call.step.pack_digest)
      return fail("engine.pack.changed", "pack " + call.pack.name +
                                             " is not the one the plan pins: it has " + *digest +
                                             ", the plan has " + call.step.pack_digest);
  }
  const Json request{{"run", shared.journal.run().value},
                     {"step", call.step.id},
                     {"attempt", call.attempt},
                     {"key", call.key},
                     {"lane", shared.plan.lane},
                     {"fencing_token", shared.fencing_token},
                     {"deadline_ms", call.step.timeout_ms},
                     {"inputs", call.inputs}};
  auto text = canonical(request);
  if (!text) return pass(text);
  // Laid out again before a tool is found again, so it need not outlive the machine.
  return write_file(call.folder / "request.json", *text, 0600, Durable::no);
}

Result<Outcome> ToolDriver::run_stage(const Stage& stage, const Call& call, Shared& shared,
                                      bool attach_only) {
  const fs::path folder = stage_folder(call, stage);
  // Also of a tool that is found again: the core that knew what must not be shown is gone. It is
  // seen to its end without them, too, for its host has cleaned what it says by then.
  std::vector<std::string> inputs, names;
  for (const auto& [input, field] : call.module.inputs) {
    if (field.type.kind != contract::Kind::secret || !call.inputs.contains(input)) continue;
    inputs.push_back(input);
    names.push_back(call.inputs[input].get<std::string>());
  }
  auto secrets =
      shared.secrets.get(names, attach_only ? 0 : shared.may_last_until_ms(call.step.id));
  if (!secrets && !attach_only) return pass(secrets);
  if (!attach_only) {
    if (auto made = make_folders(folder); !made) return pass(made);
    process::ToolRequest request;
    request.step_folder = folder;
    request.directory = pack_copy(call);
    request.argv = stage.argv;
    request.timeout_ms = call.step.timeout_ms;
    if (call.step.metadata) request.metadata = process::Metadata::declared;
    request.environment = {{"PATH", process::default_path},
                           {"HOME", (call.folder / "home").string()},
                           {"LANG", "C.UTF-8"},
                           {"HYOPS_REQUEST", (call.folder / "request.json").string()},
                           {"HYOPS_OUTPUTS", (call.folder / "outputs.json").string()},
                           {"HYOPS_PROBES", (call.folder / "probes.jsonl").string()},
                           {"HYOPS_PROGRESS", (call.folder / "progress.jsonl").string()},
                           {"HYOPS_HOST_RESULTS", (call.folder / "hosts.jsonl").string()}};
    for (const auto& [name, value] : stage.environment) request.environment[name] = value;
    request.reports = reports(call);
    for (size_t i = 0; i < names.size(); ++i)
      request.secrets.push_back({names[i], inputs[i], std::move((*secrets)[i])});
    // Everything else the run resolved is redacted in this tool's output as well.
    for (auto& known : shared.journal.secrets())
      request.secrets.push_back({known.name, "", std::move(known.value)});
    if (auto ours = shared.journal.still_held(); !ours) return pass(ours);
    auto started = process::start_tool(shared.setup.step_host(), request);
    if (!started && !may_have_started(folder))
      return pass(started, "while starting " + stage.argv[0]);
  }
  ProgressTail progress(call.folder / "progress.jsonl");
  Cancel told = Cancel::no;
  if (auto said = tell_where_metadata_is_open(folder, stage, call, shared.journal); !said)
    return pass(said);
  for (;;) {
    auto seen = process::wait_tool(folder, tick_ms);
    if (!seen) return pass(seen);
    progress.pass_on(call.step.id, shared.journal, secrets.has_value());
    if (seen->state == process::ToolState::running) {
      if (const Cancel asked = shared.cancellation.state();
          asked == Cancel::now && told != Cancel::now) {
        told = asked;
        if (auto stopped = process::stop_tool(folder); !stopped) return pass(stopped);
      }
      continue;
    }
    if (seen->state == process::ToolState::lost) {
      // Its host is gone, and with it the one who would have cleaned them.
      std::error_code ignored;
      for (const auto& report : reports(call)) fs::remove(report, ignored);
      return Outcome::lost(
          make_error("engine.tool.lost", "step " + call.step.id + ": the step host of stage " +
                                             stage.name + " is gone and left no exit status"));
    }
    if (ended_well(stage, *seen->status)) return Outcome::good({});
    // Killed by somebody else half-way: what it did is not known.
    if (seen->status->exit.signal != 0 && seen->status->reason.empty() && stage.mutates)
      return Outcome::lost(make_error("engine.tool.lost",
                                      "step " + call.step.id + ": the tool was " +
                                          seen->status->exit.text() + " in stage " + stage.name));
    const auto& lost = stage.lost_codes;
    if (seen->status->exit.signal == 0 && seen->status->reason.empty() && stage.mutates &&
        std::find(lost.begin(), lost.end(), seen->status->exit.code) != lost.end())
      return Outcome::lost(make_error(
          "engine.host.unreachable",
          "step " + call.step.id + ": a host stopped answering; what happened there is not known"));
    return Outcome::bad(tool_error(call, *seen->status));
  }
}

Outcome ToolDriver::run_from(size_t first, bool attach_first, const std::vector<Stage>& stages,
                             const Call& call, Shared& shared) {
  Outcome outcome = run_stages(first, attach_first, stages, call, shared);
  // Of every stage that was started, also by a core that is gone.
  for (const auto& stage : stages)
    if (const auto seen = process::observe_tool(stage_folder(call, stage)); seen && seen->host)
      outcome.metadata = std::max(seen->metadata, outcome.metadata.value_or(seen->metadata));
  return outcome;
}

Outcome ToolDriver::run_stages(size_t first, bool attach_first, const std::vector<Stage>& stages,
                               const Call& call, Shared& shared) {
  int64_t tool_ms = 0;
  for (size_t i = first; i < stages.size(); ++i) {
    const int64_t began = shared.setup.clock().mono_ms();
    auto ended = run_stage(stages[i], call, shared, attach_first && i == first);
    if (!ended) return Outcome::bad(ended.error());
    ended->tool_ms = tool_ms += shared.setup.clock().mono_ms() - began;
    if (ended->status == Outcome::Status::ok)
      if (auto bound = after(stages[i], call, shared); !bound) return Outcome::bad(bound.error());
    if (ended->status != Outcome::Status::ok) {
      if (auto events = findings(call, shared); !events.empty())
        (void)shared.journal.write_all(events);
      std::optional<Error> ignored;
      (void)record_probes(call.folder / "probes.jsonl", call, shared.journal, ignored);
      if (ended->status == Outcome::Status::failed && ignored &&
          ended->error->code == "engine.tool.failed")
        ended->error->context.push_back(ignored->message);
      return std::move(*ended);
    }
  }
  Outcome outcome = conclude(call, shared);
  outcome.tool_ms = tool_ms;
  return outcome;
}

Outcome ToolDriver::conclude(const Call& call, Shared& shared) {
  if (auto events = findings(call, shared); !events.empty())
    if (auto written = shared.journal.write_all(events); !written)
      return Outcome::bad(written.error());
  std::optional<Error> failed;
  if (auto probed = record_probes(call.folder / "probes.jsonl", call, shared.journal, failed);
      !probed)
    return Outcome::bad(probed.error());
  if (failed) return Outcome::bad(*failed);
  auto outputs = collect(call, shared);
  if (!outputs) return Outcome::bad(outputs.error());
  std::error_code ignored;
  fs::remove_all(pack_copy(call),
                 ignored);  // its digest is in the plan; the bytes are in the catalogue
  fs::remove_all(call.folder / "home", ignored);
  return Outcome::good(std::move(*outputs));
}

Result<Json> ToolDriver::collect(const Call& call, Shared&) {
  const fs::path file = call.folder / "outputs.json";
  if (!fs::exists(file)) return Json::object();
  auto text = read_file(file, 4u << 20);
  if (!text) return pass(text);
  return parse_json(*text, "outputs of step " + call.step.id, 4u << 20);
}

std::vector<std::pair<std::string, Json>> ToolDriver::findings(const Call& call, Shared&) {
  std::vector<std::pair<std::string, Json>> events;
  std::ifstream in(call.folder / "hosts.jsonl");
  for (std::string line; std::getline(in, line);)
    if (auto host = parse_json(line, "host result", 1u << 20)) {
      (*host)["step"] = call.step.id;
      (*host)["attempt"] = call.attempt;
      events.emplace_back("step.host", std::move(*host));
    }
  return events;
}

Outcome ToolDriver::execute(const Call& call, Shared& shared) {
  if (auto ready = lay_out(call, shared); !ready) return Outcome::bad(ready.error());
  auto stages = prepare(call, shared);
  if (!stages) return Outcome::bad(stages.error());
  return run_from(0, false, *stages, call, shared);
}

Outcome ToolDriver::reattach(const Call& call, Shared& shared) {
  if (auto ready = lay_out(call, shared); !ready) return Outcome::bad(ready.error());
  auto stages = prepare(call, shared);
  if (!stages) return Outcome::bad(stages.error());
  // The last stage that was started is where it stands.
  size_t at = stages->size();
  for (size_t i = stages->size(); i-- > 0 && at == stages->size();)
    if (fs::exists(stage_folder(call, (*stages)[i]) / "host.json")) at = i;
  if (at == stages->size()) {
    // Nothing ran yet; but a host that the dead core had just begun to start may still be about to.
    auto begun = process::observe_tool(stage_folder(call, stages->front()));
    return run_from(0, begun && begun->state == process::ToolState::running, *stages, call, shared);
  }
  auto seen = process::observe_tool(stage_folder(call, (*stages)[at]));
  if (seen && seen->state == process::ToolState::lost && !(*stages)[at].mutates) {
    std::error_code ignored;
    fs::remove_all(call.folder / (*stages)[at].name, ignored);
    return run_from(at, false, *stages, call, shared);
  }
  return run_from(at, true, *stages, call, shared);
}

Sight ToolDriver::observe(const Call& call, Shared& shared) {
  Call look = call;
  std::error_code ignored;
  look.folder = call.folder / "observe";
  fs::remove_all(look.folder, ignored);
  const auto unclear = [](const std::string& why) { return Sight{Sight::Seen::unclear, {}, why}; };
  if (auto ready = lay_out(look, shared); !ready) return unclear(ready.error().message);
  auto stages = prepare_observe(look, shared);
  if (!stages) return unclear(stages.error().message);
  if (stages->empty()) return unclear("pack " + call.pack.name + " has no observe twin");
  for (auto& stage : *stages) {
    stage.mutates = false;
    stage.good_codes.insert(stage.good_codes.end(), stage.absent_codes.begin(),
                            stage.absent_codes.end());
    auto ended = run_stage(stage, look, shared, false);
    if (!ended) return unclear(ended.error().message);
    if (ended->status != Outcome::Status::ok) return unclear(ended->error->message);
    auto status = process::observe_tool(stage_folder(look, stage));
    const auto& absent = stage.absent_codes;
    if ((status && status->status &&
         std::find(absent.begin(), absent.end(), status->status->exit.code) != absent.end()) ||
        fs::exists(look.folder / "outputs.json.absent"))
      return {
          Sight::Seen::absent, {}, "the observe twin of " + call.pack.name + " found no effect"};
  }
  auto outputs = collect(look, shared);
  if (!outputs || outputs->empty())
    return unclear("the observe twin of " + call.pack.name + " wrote no outputs");
  return {Sight::Seen::present, std::move(*outputs),
          "the observe twin of " + call.pack.name + " found the effect in place"};
}

}  // namespace hyops::engine
