// run follow: the live view of a run that another process carries out, drawn from its ledger.
#include <poll.h>

#include <csignal>
#include <fstream>
#include <map>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/live.hpp"
#include "cli/runs.hpp"

namespace hyops::cli {
namespace {

constexpr int look_again_ms = 200;
constexpr int looks_for_a_start =
    10;  // a run that was admitted starts at once, or nobody starts it

volatile std::sig_atomic_t stopped = 0;
void on_stop(int) { stopped = 1; }

// The last complete line of a tool's progress file. Only the number is shown: the note was not
// redacted by the process that knows the secrets (K2).
int last_permille(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return -1;
  const std::streamoff size = in.tellg(), from = std::max<std::streamoff>(0, size - 4096);
  std::string text(static_cast<size_t>(size - from), '\0');
  if (!in.seekg(from) || !in.read(text.data(), static_cast<std::streamsize>(text.size())))
    return -1;
  const size_t end = text.rfind('\n');
  if (end == std::string::npos) return -1;
  const size_t begin = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
  const auto line = parse_json(text.substr(begin == std::string::npos ? 0 : begin + 1,
                                           begin == std::string::npos ? end : end - begin - 1),
                               "progress", 4096);
  return line ? static_cast<int>(get_int(*line, "permille", -1)) : -1;
}

// Which steps run, as far as the events told.
class Running {
 public:
  void take(const ledger::Event& event) {
    const std::string step = get_string(event.body, "step");
    if (event.type == "step.intent") attempts_[step] = {get_int(event.body, "attempt", 1), -1};
    if (event.type == "step.outcome" || event.type == "step.ended") attempts_.erase(step);
  }
  void show_progress(const std::filesystem::path& steps, Live& view) {
    for (auto& [step, at] : attempts_) {
      const int now = last_permille(steps / step / std::to_string(at.attempt) / "progress.jsonl");
      if (now != at.permille) view.progress(step, at.permille = now, "");
    }
  }

 private:
  struct At {
    int64_t attempt;
    int permille;
  };
  std::map<std::string, At> attempts_;
};

struct Seen {
  ledger::RunRow run;
  ledger::Holder carrier = ledger::Holder::alive;
};

Result<Seen> look_until_it_ends(Context& context, ledger::Ledger& ledger, ledger::RunRow run,
                                Live& view) {
  Running running;
  int64_t seq = 0;
  int planned = 0;        // how often it was seen not to have started
  std::string last_word;  // of the events: what the row says may be a moment older
  while (!stopped) {
    // Status first, events second: so every event of a status that ends has been seen.
    auto row = ledger.find_run(run.id);
    if (!row) return pass(row);
    if (*row) run = **row;
    const ledger::Holder carrier = carrier_of(ledger, run);
    if (run.status == "planned") ++planned;
    const int64_t before = seq;
    auto read = ledger.each_event(run.id, seq, [&](const ledger::Event& event) {
      seq = event.seq;
      if (event.type.starts_with("run.")) last_word = event.type;
      running.take(event);
      view.feed(event);
      return !stopped;
    });
    if (!read) return pass(read);
    const bool over = run.status != "planned" && run.status != "running" &&
                      last_word != "run.started" && last_word != "run.resumed";
    const bool never = run.status == "planned" && planned > looks_for_a_start;
    if (seq == before && (over || never || carrier != ledger::Holder::alive))
      return Seen{run, carrier};
    if (seq == before) {
      if (is_name(run.id.value))
        running.show_progress(context.places.runs() / run.id.value / "steps", view);
      ::poll(nullptr, 0, look_again_ms);
    }
  }
  return Seen{run};
}

}  // namespace

int follow_run(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  auto plan = ledger->plan_of(run->id);
  if (!plan) return context.report(plan.error());
  struct sigaction action {};
  action.sa_handler = on_stop;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  Result<Seen> seen = Seen{*run};
  {
    const auto view = make_view(context, *plan, run->id);
    seen = look_until_it_ends(context, *ledger, *run, *view);
  }
  if (!seen) return context.report(seen.error());
  const ledger::RunRow& now = seen->run;
  const bool left = stopped && (now.status == "running" || now.status == "planned");
  const bool abandoned = seen->carrier == ledger::Holder::dead,
             unclear = seen->carrier == ledger::Holder::unclear;
  const int code = left                   ? exit_cancelled
                   : abandoned || unclear ? exit_unknown
                                          : exit_code_of(now.status);
  const std::string next = next_command(now, seen->carrier, waits_before(*ledger, now));
  if (context.json) {
    const Json end{{"type", "follow.ended"},
                   {"wall_ms", system_clock().wall_ms()},
                   {"body",
                    {{"run", now.id.value},
                     {"status", now.status},
                     {"abandoned", abandoned},
                     {"unclear", unclear},
                     {"next", next}}}};
    context.out() << end.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
  }
  if (left)
    context.say("you stopped looking; run " + now.id.value + " goes on");
  else if (now.status == "planned")
    context.say("run " + now.id.value + " was admitted, and nobody has started it");
  if (now.status == "dispatched")
    context.say("run " + now.id.value + " is with runner " + now.runner +
                ", and its record was not fetched yet");
  if (unclear) context.say(say_unclear(*ledger, now));
  if (abandoned)
    context.say("run " + now.id.value +
                " was interrupted: the process that carried it out is gone");
  if (!next.empty()) context.say("  next: " + next);
  return code;
}

}  // namespace hyops::cli
