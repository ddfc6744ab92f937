// The runner's end of a dispatch: takes an order, runs it detached, shows its events, hands out its
// record.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "base/file.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "engine/run.hpp"
#include "engine/transfer.hpp"
#include "process/spawn.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t largest_order = 64u << 20;  // bytes; parse_json refuses more

// One line, whatever its length up to the limit; false: the dispatcher went away first.
bool read_order(std::string& text) {
  char chunk[65536];
  while (text.size() <= largest_order) {
    const ssize_t got = ::read(STDIN_FILENO, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    text.append(chunk, static_cast<size_t>(got));
    if (text.back() == '\n') return true;  // a dispatcher says nothing more before the answer
  }
  return true;  // refused as too large where it is parsed
}

// One line, as everything on this connection: the other end shows it, and so nothing goes to
// standard error, which would come out there as well.
int refuse(Context& context, const Error& error) {
  context.answer_line({{"errors", Json::array({to_json(error)})}});
  return exit_code(error);
}

Status send_record_of(const Context& context, const ledger::RunRow& run) {
  const fs::path record = setup_of(context).run_folder(run.id.value) / "record";
  if (!fs::exists(record))
    return fail("cli.record.none",
                "run " + run.id.value + " has no record yet; it is " + run.status);
  return engine::send_record(record, STDOUT_FILENO);
}

// What a dispatcher can hold this runner to, as soon as it is signed (a line of the stream like an
// event, though it is none). False: nobody reads any more.
bool show_checkpoints(ledger::Ledger& ledger, const RunId& run, size_t& shown) {
  const auto documents = ledger.documents(run);
  if (!documents) return true;
  size_t number = 0;
  for (size_t i = 0; i + 1 < documents->size(); ++i) {
    const auto& [name, document] = (*documents)[i];
    if (!name.starts_with("checkpoints/") || !name.ends_with(".json") || ++number <= shown)
      continue;
    const Json line{{"type", "run.checkpoint"},
                    {"body", {{"document", document}, {"signature", (*documents)[i + 1].second}}}};
    std::cout << line.dump() << '\n' << std::flush;
    ++shown;
  }
  return static_cast<bool>(std::cout);
}

// Admits the order and starts the run in a session of its own, so that neither this
// connection nor the dispatcher's death stops it; then shows its events until it ends.
int accept(Context& context, const po::variables_map&) {
  context.json = true;
  ::signal(SIGPIPE, SIG_IGN);
  std::string text;
  if (!read_order(text))
    return refuse(context, make_error("engine.order.malformed", "no whole order arrived"));
  auto document = parse_json(text, "the order");
  if (!document) return refuse(context, document.error());
  auto order = engine::parse_order(*document);
  if (!order) return refuse(context, order.error());
  auto ledger = use_ledger(context);
  if (!ledger) return refuse(context, ledger.error());
  auto run = engine::admit(setup_of(context), *ledger, *order);
  if (!run) return refuse(context, run.error());
  const fs::path folder = setup_of(context).run_folder(run->value);
  const Fd log(
      ::open((folder / "core.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  process::SpawnRequest request;
  request.argv = {(context.places.prefix / "bin/hyops").string(),
                  "run",
                  "carry-on",
                  run->value,
                  "--json",
                  "--home",
                  context.places.home.string(),
                  "--catalog",
                  context.places.catalog.string()};
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  request.out = request.err = log.get();
  request.new_session = true;
  auto core = process::spawn(request);
  if (!core) return context.report(core.error());

  int64_t seen = 0, shown_until = 0;
  size_t checkpoints = 0;
  for (bool last_look = false;;) {
    auto read = ledger->each_event(*run, seen, [&](const ledger::Event& event) {
      seen = event.seq;
      std::cout
          << Json{{"type", event.type}, {"body", event.body}, {"wall_ms", event.wall_ms}}.dump()
          << '\n'
          << std::flush;
      return static_cast<bool>(std::cout);
    });
    if (!read) return context.report(read.error());
    if (seen > shown_until || last_look) show_checkpoints(*ledger, *run, checkpoints);
    shown_until = seen;
    if (last_look || !std::cout) break;
    auto ended = core->wait(100);
    if (!ended) return context.report(ended.error());
    last_look = ended->has_value();
  }
  if (!std::cout) core->release();
  auto row = ledger->find_run(*run);
  const std::string status = row && *row ? (*row)->status : "unknown";
  std::cout << Json{{"run", run->value}, {"status", status}}.dump() << '\n' << std::flush;
  std::string wish;
  if (!std::getline(std::cin, wish) || wish != "record" || !row || !*row) return exit_ok;
  if (auto sent = send_record_of(context, **row); !sent) return refuse(context, sent.error());
  return exit_ok;
}

int send(Context& context, const po::variables_map& given) {
  context.json = true;
  auto ledger = use_ledger(context);
  if (!ledger) return refuse(context, ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return refuse(context, run.error());
  if (auto sent = send_record_of(context, *run); !sent) return refuse(context, sent.error());
  return exit_ok;
}

}  // namespace

void add_accept_commands(Commands& commands) {
  commands.push_back({"run",
                      "accept",
                      "",
                      "take an order from a dispatcher on standard input (runs on the runner)",
                      "",
                      {},
                      {},
                      accept});
  commands.push_back({"run",
                      "send",
                      "RUN",
                      "write a run's record to standard output (runs on the runner)",
                      "",
                      {"run"},
                      {},
                      send});
}

}  // namespace hyops::cli
