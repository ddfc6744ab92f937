// run show: one page about a run for the person who has to decide what to do next.
#include <algorithm>
#include <fstream>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/picture.hpp"
#include "cli/runs.hpp"
#include "record/record.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;
constexpr size_t log_lines = 20;

// The log of the newest attempt, of the newest stage where a driver has several; already redacted.
fs::path newest_log(const fs::path& step) {
  std::error_code problem;
  fs::path best;
  fs::file_time_type best_time{};
  for (fs::recursive_directory_iterator at(step, problem), end; !problem && at != end;
       at.increment(problem)) {
    if (at.depth() >= 2) at.disable_recursion_pending();
    std::error_code gone;
    if (at->path().filename() != "log.txt" ||
        at->symlink_status(gone).type() != fs::file_type::regular)
      continue;
    const auto time = fs::last_write_time(at->path(), gone);
    if (best.empty() || time >= best_time) best = at->path(), best_time = time;
  }
  return best;
}

std::vector<std::string> tail(const fs::path& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const std::streamoff size = in.tellg(), from = std::max<std::streamoff>(0, size - 65536);
  std::string text(static_cast<size_t>(size - from), '\0');
  if (!in.seekg(from) || !in.read(text.data(), static_cast<std::streamsize>(text.size())))
    return {};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  auto lines = split(text, '\n');
  if (lines.size() > log_lines)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(log_lines));
  for (auto& line : lines) line = printable(line, 300);
  return lines;
}

// A record that is made now would call a step that is at work unknown, for that may be all that is
// ever known. Who looks on sees what goes, or what was going when its core died.
void tell_as_it_stands(Json& story, bool alive, int64_t now_ms) {
  if (alive) story["duration_ms"] = std::max<int64_t>(0, now_ms - get_int(story, "started_ms"));
  for (auto& step : story["steps"]) {
    if (step.contains("ended_ms") || get_string(step, "ending") == "skipped") continue;
    const int64_t started_ms = get_int(step, "started_ms");
    step["reason"] = !started_ms ? "not reached yet"
                     : alive     ? ""
                             : "it was at work when its core died; a resumed run finds it again";
    if (!started_ms || !alive) continue;
    step["ending"] = "running";
    step["ms"] = std::max<int64_t>(0, now_ms - started_ms);
  }
  Json& headline = story["headline"];
  if (!alive) headline["word"] = "Interrupted";
  std::string& sentence = headline["sentence"].get_ref<std::string&>();
  if (const size_t semicolon = sentence.find("; "); semicolon != std::string::npos)
    sentence.erase(0, semicolon + 2);
}

void put(Context& context, const Line& line) { context.say(draw(line, 0, context.colour)); }

void say_header(Context& context, const Json& story, const std::string& status) {
  put(context,
      {{"run " + get_string(story, "run") + "  ", Paint::strong}, {status, paint_of(status)}});
  put(context, {{"  blueprint  " + get_string(story, "blueprint") + " " +
                     get_string(story, "blueprint_version") + "  lane " + get_string(story, "lane"),
                 Paint::plain}});
  std::string origin = "requested by " + get_string(story, "requester");
  if (story.contains("decision"))
    origin = "decision " + get_string(story["decision"], "id") + " (" +
             get_string(story["decision"], "type") + "), requested by " +
             get_string(story, "requester");
  put(context, {{"  origin     " + origin, Paint::plain}});
  if (is_elsewhere(story)) return;
  std::vector<std::string> approvers;
  for (const auto& approval : story["approvals"])
    approvers.push_back(get_string(approval, "approver"));
  put(context, {{"  approved   " + (approvers.empty() ? "by nobody" : "by " + join(approvers)),
                 Paint::plain}});
  const std::string runner = get_string(story["runner"], "name");
  put(context,
      {{"  started    " + get_string(story, "started") + (runner.empty() ? "" : " on " + runner) +
            (status == "running" ? ", running for " : ", took ") +
            short_time(get_int(story, "duration_ms")),
        Paint::plain}});
  if (story.contains("rto_ms")) {
    std::string rto = "target " + round_time(get_int(story, "rto_ms"));
    if (story["rto_measured_ms"].is_number())
      rto += ", measured " + short_time(get_int(story, "rto_measured_ms"));
    put(context, {{"  RTO        " + rto, Paint::plain}});
  }
  const Json& headline = story["headline"];
  put(context, {{"  " + get_string(headline, "word") + ": " + get_string(headline, "sentence"),
                 Paint::plain}});
}

void say_steps(Context& context, const Json& story) {
  size_t widest = 4;
  for (const auto& step : story["steps"]) widest = std::max(widest, get_string(step, "id").size());
  std::string phase;
  context.say("");
  for (const auto& step : story["steps"]) {
    const std::string ending = get_string(step, "ending"), reason = get_string(step, "reason"),
                      own = get_string(step, "phase");
    Line line{{"  " + cell(own == phase ? "" : own, 11), Paint::strong},
              {cell(get_string(step, "id"), static_cast<int>(std::min<size_t>(widest, 40))) + "  ",
               Paint::plain},
              {cell(ending, 9), paint_of(ending)},
              {cell(get_int(step, "attempts") > 0 ? short_time(get_int(step, "ms")) : "", 9),
               Paint::faint}};
    if (get_int(step, "attempts") > 1)
      line.push_back({std::to_string(get_int(step, "attempts")) + " attempts  ", Paint::plain});
    line.push_back({reason, Paint::plain});
    put(context, line);
    phase = own;
  }
}

// What the reader came for: why it stopped or what it does now, in the words of the tool itself.
Json tell_logs(Context& context, const ledger::RunRow& run, const Json& story) {
  Json logs = Json::object();
  for (const auto& step : story["steps"]) {
    const std::string id = get_string(step, "id"), ending = get_string(step, "ending");
    if (ending != "failed" && ending != "unknown" && ending != "running") continue;
    if (!is_name(id) || !is_name(run.id.value)) continue;
    const fs::path log = newest_log(context.places.runs() / run.id.value / "steps" / id);
    const auto lines = log.empty() ? std::vector<std::string>{} : tail(log);
    logs[id] = {{"file", log.string()}, {"lines", lines}};
    context.say("");
    put(context, {{"step " + id + " " + ending, paint_of(ending)}});
    if (step.contains("error")) {
      const Json& error = step["error"];
      put(context, {{"  " + get_string(error, "message") + " [" + get_string(error, "class") + "]",
                     Paint::plain}});
      if (const std::string next = get_string(error, "next"); !next.empty())
        put(context, {{"  hint: " + next, Paint::plain}});
    }
    if (!lines.empty()) context.say("  the last lines of " + log.string() + ":");
    for (const auto& line : lines) put(context, {{"    " + line, Paint::faint}});
  }
  return logs;
}

}  // namespace

int show_run(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  auto story = story_of(context, *ledger, *run);
  if (!story) return context.report(story.error());
  const ledger::Holder carrier = carrier_of(*ledger, *run);
  const bool abandoned = carrier == ledger::Holder::dead;
  if (run->status == "running") tell_as_it_stands(*story, !abandoned, system_clock().wall_ms());
  const std::string gate = waits_before(*ledger, *run);
  say_header(context, *story, abandoned ? "interrupted" : run->status);
  Json logs = Json::object();
  if (is_elsewhere(*story)) {
    put(context, {{"  sent       " + to_rfc3339(run->created_ms) + " to runner " + run->runner +
                       ", which alone knows what became of it",
                   Paint::plain}});
  } else {
    say_steps(context, *story);
    logs = tell_logs(context, *run, *story);
  }
  const std::string next = next_command(*run, carrier, gate);
  const fs::path record = record_of(context, run->id);
  const bool recorded = !record.empty();
  context.say("");
  if (abandoned)
    context.say("The process that carried this run out is gone; what it did so far is kept.");
  if (carrier == ledger::Holder::unclear) context.say(say_unclear(*ledger, *run));
  if (!gate.empty())
    context.say("The run waits for a person before phase " + printable(gate, 40) + ".");
  if (recorded) context.say("  record: " + record.string());
  if (!next.empty()) context.say("  next: " + next);
  if (next.empty() && recorded) context.say("  next: hyops record verify " + record.string());
  Json answer = std::move(*story);
  answer["abandoned"] = abandoned;
  answer["waits_before"] = gate.empty() ? Json() : Json(gate);
  answer["logs"] = logs;
  answer["record"] = recorded ? Json(record.string()) : Json();
  answer["next"] = next;
  context.answer(answer);
  return exit_ok;
}

}  // namespace hyops::cli
