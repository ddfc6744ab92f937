// Sending a run to the runner that shall execute it, and fetching its record: over the access
// plugin, in one SSH connection, without the operator's key ever leaving this machine.
#include <unistd.h>

#include <csignal>

#include "base/file.hpp"
#include "cli/live.hpp"
#include "cli/runner_connection.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "engine/run.hpp"
#include "engine/transfer.hpp"
#include "record/record.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t longest_line = 16u << 20;  // bytes of one event

fs::path identity_of(const Context& context, const po::variables_map& given) {
  return option(given, "identity", (context.places.keys() / "operator.ssh").string());
}

// One line of the runner, without what follows it on the connection.
Result<std::string> next_line(int from, std::string& buffer) {
  for (char chunk[65536];;) {
    if (const size_t end = buffer.find('\n'); end != std::string::npos) {
      std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      return line;
    }
    if (buffer.size() > longest_line)
      return fail("engine.transfer.malformed", "the runner sent a line without end");
    const ssize_t got = ::read(from, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return fail("cli.dispatch.lost", "the connection to the runner ended before its answer");
    buffer.append(chunk, static_cast<size_t>(got));
  }
}

// What this place remembers of its runners, so that none of them can tell a run anew (G5). It signs
// with its own key where it has one.
class Memory {
 public:
  static Result<Memory> open(const Context& context, const contract::Lane& lane,
                             const std::string& runner) {
    auto key = trust::parse_public_key(lane.runners.at(runner).key);
    if (!key) return pass(key);
    Memory memory{trust::Witness(context.places.home / "witness"), {std::move(*key)}, {}};
    const fs::path own = setup_of(context).signing_key();
    if (std::error_code problem; !fs::exists(own, problem)) return memory;
    auto loaded = trust::SecretKey::load(own);
    if (!loaded) return pass(loaded);
    memory.own.emplace(std::move(*loaded));
    return memory;
  }
  const trust::SecretKey* own_key() const { return own ? &*own : nullptr; }
  // A checkpoint that comes while the run goes: only one that contradicts is of interest now, all
  // others come again with the record.
  Status take(const Json& body) {
    auto taken =
        witness.take({{"live", get_string(body, "document"), get_string(body, "signature")}},
                     runner, own_key(), system_clock().wall_ms());
    if (taken || taken.error().code != "trust.checkpoint.fork") return {};
    return pass(taken);
  }
  Status take_record(const fs::path& record) {
    auto shown = record::show_to(witness, record, runner, own_key(), system_clock().wall_ms());
    if (!shown && shown.error().code != "record.checkpoint.none") return pass(shown);
    return {};
  }

  trust::Witness witness;
  std::vector<trust::PublicKey> runner;
  std::optional<trust::SecretKey> own;
};

// Shows the runner's events until its answer, which is the first line that is no event.
Result<Json> watch(int from, Context& context, const Json& plan, const RunId& run, Memory& memory) {
  const auto view = make_view(context, plan, run);
  for (std::string buffer;;) {
    auto line = next_line(from, buffer);
    if (!line) return pass(line);
    auto said = parse_json(*line, "a line of the runner", longest_line);
    if (!said || !said->is_object()) continue;
    if (!said->contains("type")) return said;
    if (get_string(*said, "type") == "run.checkpoint") {
      if (auto taken = memory.take(said->value("body", Json::object())); !taken) return pass(taken);
      continue;
    }
    view->event(get_string(*said, "type"), said->value("body", Json::object()),
                get_int(*said, "wall_ms"));
  }
}

// Takes the record from the connection, verifies it, and makes what it published the lane's state
// here.
Result<std::string> take_record(Context& context, const contract::Lane& lane,
                                const std::string& runner, int from, ledger::Ledger& ledger,
                                const RunId& run) {
  const fs::path home = setup_of(context).run_folder(run.value);
  if (auto made = make_folders(home); !made) return pass(made);
  const fs::path arrived = home / "record.arrived", record = home / "record";
  std::error_code ignored;
  fs::remove_all(arrived, ignored);
  if (auto got = engine::receive_record(from, arrived); !got)
    return pass(got, "while fetching the record of " + run.value);
  auto memory = Memory::open(context, lane, runner);
  if (!memory) return pass(memory);
  auto verified = record::verify(
      arrived,
      [&](std::string_view message, std::string_view signature) -> Result<std::string> {
        auto good = trust::verify(message, signature, memory->runner);
        if (!good) return pass(good);
        return runner;
      },
      &memory->witness);
  if (!verified) return pass(verified);
  for (const auto& finding : verified->findings)
    if (finding.code.starts_with("record.fork."))
      return fail("trust.checkpoint.fork",
                  "runner " + runner + " tells another story than before: " + finding.what);
  if (!verified->clean)
    return fail(
        "cli.record.unclean",
        "the record that runner " + runner + " sent does not verify: " +
            (verified->findings.empty() ? "no reason given" : verified->findings.front().what));
  if (auto ours = engine::check_record_of(ledger, run, arrived); !ours)
    return pass(ours, "while taking the record that runner " + runner + " sent");
  if (auto kept = memory->take_record(arrived); !kept)
    return pass(kept, "while remembering what runner " + runner + " signed");
  fs::remove_all(record, ignored);
  fs::rename(arrived, record, ignored);
  auto about = read_file(record / "verdict.json");
  if (!about) return pass(about);
  auto verdict = parse_json(*about, "verdict.json");
  if (!verdict) return pass(verdict);
  const std::string status = get_string(*verdict, "status", "unknown");
  if (auto imported = engine::import_state(ledger, run, record); !imported) return pass(imported);
  if (auto set = ledger.set_status(run, status); !set) return pass(set);
  return status;
}

int finish(Context& context, const std::string& status, const RunId& run) {
  const fs::path record = setup_of(context).run_folder(run.value) / "record";
  context.answer_line({{"run", run.value}, {"status", status}, {"record", record.string()}});
  context.say("run " + run.value + " ended " + status +
              " on its runner\n  record: " + record.string());
  return exit_code_of(status);
}

struct Order {
  engine::Admission admission;
  contract::Lane lane;
  std::string runner;
};

// Plan, decision and approvals as one order with an id and a fencing token of this ledger, so that
// tokens grow over all runners of the lane. The run is noted here as dispatched.
Result<Order> make_order(Context& context, const po::variables_map& given, ledger::Ledger& ledger) {
  auto admission = read_admission(given);
  if (!admission) return pass(admission);
  auto plan = plan::parse_plan(admission->plan);
  if (!plan) return pass(plan);
  auto digest = plan::digest(*plan);
  if (!digest) return pass(digest);
  auto lane = load_lane(context, plan->lane);
  if (!lane) return pass(lane);
  const std::string runner = option(given, "runner", lane->runner_in(plan->target));
  if (runner.empty())
    return fail("cli.runner.unknown",
                "lane " + lane->name + " names no runner of plane \"" +
                    printable(plan->target, 40) + "\", or several.",
                "hyops run dispatch PLAN --runner NAME");
  Order order{std::move(*admission), std::move(*lane), runner};
  if (!order.lane.runners.count(runner)) return unknown_runner(order.lane, runner);
  const int64_t now = system_clock().wall_ms();
  const RunId run = new_run_id(now);
  auto lease = ledger.take_lease(plan->lane, run);
  if (!lease) return pass(lease);
  order.admission.least_token = lease->token;
  order.admission.run = run.value;
  if (auto released = ledger.release_lease(plan->lane, run, lease->token); !released)
    return pass(released);
  const ledger::RunRow row{run, plan->lane, plan->blueprint,           "dispatched", *digest,
                           now, now,        order.admission.requester, order.runner};
  if (auto created = ledger.create_run(row, order.admission.plan, Json::object()); !created)
    return pass(created);
  return order;
}

// For a runner that nobody can reach: the order is carried there and started at its console.
int write_order(Context& context, const po::variables_map& given) {
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto order = make_order(context, given, *ledger);
  if (!order) return context.report(order.error());
  const std::string file = option(given, "to", "order.json"), run = order->admission.run;
  auto text = canonical(engine::to_order(order->admission));
  if (!text) return context.report(text.error());
  if (auto written = write_file(file, *text); !written) return context.report(written.error());
  context.answer({{"run", run}, {"order", file}, {"runner", order->runner}});
  context.say("run " + run + " is ordered in " + file +
              "; it holds no key and no secret\n  next: carry it to runner " + order->runner +
              " and type there: hyops run start " + file + "\n  later: hyops run collect " + run);
  return exit_ok;
}

int dispatch(Context& context, const po::variables_map& given) {
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto order = make_order(context, given, *ledger);
  if (!order) return context.report(order.error());
  const std::string& runner = order->runner;
  const RunId run(order->admission.run);
  auto connection = connect_runner(context, order->lane, runner, identity_of(context, given),
                                   "run accept --json");
  if (!connection) {
    if (auto set = ledger->set_status(run, "refused"); !set) return context.report(set.error());
    return context.report(connection.error());
  }
  ::signal(SIGPIPE, SIG_IGN);
  const std::string line = engine::to_order(order->admission).dump() + "\n";
  if (auto sent = write_all(connection->to.get(), line); !sent) return context.report(sent.error());
  context.say("run " + run.value + " is sent to runner " + runner);
  const auto lost = [&](Error error) {
    error.next = "hyops run collect " + run.value;
    error.context.push_back("the run goes on at runner " + runner);
    return context.report(error);
  };
  auto memory = Memory::open(context, order->lane, runner);
  if (!memory) return lost(memory.error());
  auto answer = watch(connection->from.get(), context, order->admission.plan, run, *memory);
  if (!answer) return lost(answer.error());
  if (auto errors = engine::errors_in(*answer); !errors.empty()) {
    if (auto set = ledger->set_status(run, "refused"); !set) return context.report(set.error());
    for (auto& error : errors) error.context.push_back("runner " + runner + " refused the run");
    return context.report(errors);
  }
  if (auto asked = write_all(connection->to.get(), "record\n"); !asked) return lost(asked.error());
  auto status = take_record(context, order->lane, runner, connection->from.get(), *ledger, run);
  if (!status) return lost(status.error());
  return finish(context, *status, run);
}

int collect_command(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  auto lane = load_lane(context, run->lane);
  if (!lane) return context.report(lane.error());
  const std::string runner = option(given, "runner", run->runner);
  auto connection = connect_runner(context, *lane, runner, identity_of(context, given),
                                   "run send " + run->id.value);
  if (!connection) return context.report(connection.error());
  auto status = take_record(context, *lane, runner, connection->from.get(), *ledger, run->id);
  if (!status) {
    status.error().context.push_back("from runner " + runner);
    return context.report(status.error());
  }
  return finish(context, *status, run->id);
}

}  // namespace

void add_dispatch_commands(Commands& commands) {
  const auto order_options = [](po::options_description_easy_init add) {
    add("decision", po::value<std::string>(), "the signed decision of the plan")(
        "approvals", po::value<std::string>(),
        "signed approvals of the plan: their folder, or one file")(
        "runner", po::value<std::string>(),
        "runner of the lane; default: the one of the plan's target")(
        "identity", po::value<std::string>(),
        "SSH key of the operator; it never leaves this machine")(
        "to", po::value<std::string>(), "run order: the file to write, default order.json")(
        "by", po::value<std::string>(), "who asks; default: the login name");
  };
  commands.push_back({"run",
                      "dispatch",
                      "PLAN",
                      "send an approved plan to its runner, watch it, fetch and verify its record",
                      "The run goes on when this command is killed; `hyops run collect` fetches "
                      "its record later.\n"
                      "  hyops run dispatch plan.json --decision decision.json --approvals "
                      "approvals/ --runner cloud",
                      {"plan"},
                      order_options,
                      dispatch});
  commands.push_back(
      {"run",
       "order",
       "PLAN",
       "write the order that a dispatch would send, to be carried to a runner out of reach",
       "",
       {"plan"},
       order_options,
       write_order});
  commands.push_back({"run",
                      "collect",
                      "RUN",
                      "fetch and verify the record of a dispatched run",
                      "",
                      {"run"},
                      [](po::options_description_easy_init add) {
                        add("runner", po::value<std::string>(),
                            "runner of the lane; default: where it was dispatched")(
                            "identity", po::value<std::string>(), "SSH key of the operator");
                      },
                      collect_command});
  add_accept_commands(commands);
}

}  // namespace hyops::cli
