// Sending a run to the runner that shall execute it, and fetching its record: over the access
// plugin, in one SSH connection, without the operator's key ever leaving this machine.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iostream>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/live.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "engine/run.hpp"
#include "engine/transfer.hpp"
#include "plugin/instance.hpp"
#include "process/spawn.hpp"
#include "record/record.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t largest_order = 64u << 20;  // bytes; parse_json refuses more
constexpr const char* remote_hyops = "/usr/bin/hyops";

Failure unknown_runner(const contract::Lane& lane, const std::string& runner) {
  std::vector<std::string> names;
  for (const auto& [name, about] : lane.runners) names.push_back(name);
  return fail("cli.runner.unknown", "lane " + lane.name + " has no runner \"" +
                                        printable(runner, 80) + "\"." +
                                        did_you_mean(runner, names));
}

// The runner's endpoint after the access plugin has proven route, port, host key and login (A6).
Result<Json> open_runner(const Context& context, const contract::Lane& lane,
                         const std::string& runner, const fs::path& identity) {
  const auto known = lane.runners.find(runner);
  if (known == lane.runners.end()) return unknown_runner(lane, runner);
  if (!known->second.endpoint.is_object())
    return fail("cli.runner.unknown",
                "lane " + lane.name + " gives no endpoint of runner " + runner);
  auto registry =
      plugin::Registry::open(plugin::standard_sources(context.places.prefix, context.places.home));
  if (!registry) return pass(registry);
  plugin::Services services;
  services.exec_values = {{"identity_file", identity.string()}};
  services.exec_record = [](const Json&) {};
  const auto config = lane.plugins.find("hyops.access.runner-local");
  auto access = plugin::Instance::start(
      *registry, "hyops.access.runner-local",
      config == lane.plugins.end() ? Json::object() : config->second, std::move(services));
  if (!access) return pass(access);
  Json host = known->second.endpoint;
  host["zone"] = known->second.plane;
  host["placement"] = "runner";
  host.erase("expires_ms");
  plugin::CallRequest call;
  call.interface = "hyops.access/1";
  call.verb = "open";
  call.input = {{"hosts", Json::array({host})}};
  call.lane = lane.name;
  call.key = random_token();
  call.deadline_ms = system_clock().mono_ms() + 30'000;
  auto opened = access->call(call);
  if (!opened) return pass(opened, "while opening access to runner " + runner);
  if (!opened->contains("endpoints") || !(*opened)["endpoints"].is_array() ||
      (*opened)["endpoints"].empty())
    return fail("cli.runner.unknown", "the access plugin opened no endpoint for runner " + runner);
  return (*opened)["endpoints"][0];
}

// One SSH connection to a runner: pinned host key only, no agent, no forwarding, no ambient
// configuration.
struct Connection {
  TempDir folder;
  process::Child ssh;
  Fd to, from;
};

Result<Connection> connect(const Json& endpoint, const fs::path& identity,
                           const std::string& command) {
  auto folder = TempDir::create(fs::temp_directory_path());
  if (!folder) return pass(folder);
  const std::string address = get_string(endpoint, "address");
  const int64_t port = get_int(endpoint, "port", 22);
  const std::string where = port == 22 ? address : "[" + address + "]:" + std::to_string(port);
  if (auto pinned = write_file(folder->path() / "known_hosts",
                               where + " " + get_string(endpoint, "host_key") + "\n", 0600);
      !pinned)
    return pass(pinned);
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd in_read(in[0]), in_write(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd out_read(out[0]), out_write(out[1]);
  process::SpawnRequest request;
  request.argv = {"ssh",
                  "-F",
                  "none",
                  "-T",
                  "-i",
                  identity.string(),
                  "-p",
                  std::to_string(port),
                  "-o",
                  "UserKnownHostsFile=" + (folder->path() / "known_hosts").string(),
                  "-o",
                  "GlobalKnownHostsFile=/dev/null",
                  "-o",
                  "StrictHostKeyChecking=yes",
                  "-o",
                  "BatchMode=yes",
                  "-o",
                  "IdentitiesOnly=yes",
                  "-o",
                  "ForwardAgent=no",
                  "-o",
                  "ConnectTimeout=10",
                  "-o",
                  "ServerAliveInterval=5",
                  "-o",
                  "ServerAliveCountMax=3",
                  get_string(endpoint, "user", "root") + "@" + address,
                  command};
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  request.in = in_read.get();
  request.out = out_write.get();
  request.err = STDERR_FILENO;
  auto ssh = process::spawn(request);
  if (!ssh) return pass(ssh);
  return Connection{std::move(*folder), std::move(*ssh), std::move(in_write), std::move(out_read)};
}

fs::path identity_of(const Context& context, const po::variables_map& given) {
  return option(given, "identity", (context.places.keys() / "operator.ssh").string());
}

// Reads the runner's events as JSON lines and shows them; the last line is its answer.
Result<Json> watch(Connection& connection, Context& context, const Json& plan, const RunId& run) {
  Json last;
  {
    const auto view = make_view(context, plan, run);
    std::string buffer, line;
    char chunk[65536];
    for (;;) {
      const ssize_t got = ::read(connection.from.get(), chunk, sizeof chunk);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      buffer.append(chunk, static_cast<size_t>(got));
      for (size_t end; (end = buffer.find('\n')) != std::string::npos; buffer.erase(0, end + 1)) {
        auto said =
            parse_json(std::string_view(buffer).substr(0, end), "a line of the runner", 16u << 20);
        if (!said) continue;
        if (said->contains("type"))
          view->event(get_string(*said, "type"), said->value("body", Json::object()),
                      get_int(*said, "wall_ms"));
        else
          last = std::move(*said);
      }
      if (buffer.size() > (16u << 20))
        return fail("engine.transfer.malformed", "the runner sent a line without end");
    }
  }
  auto exit = connection.ssh.wait(10'000);
  if (!exit) return pass(exit);
  if (last.is_null())
    return fail("cli.dispatch.lost",
                "the connection to the runner ended before its answer; the run goes on there",
                "hyops run collect " + run.value);
  return last;
}

// Fetches and verifies the record, and makes what it published the lane's state here.
Result<std::string> collect(Context& context, const contract::Lane& lane, const std::string& runner,
                            const Json& endpoint, const fs::path& identity, ledger::Ledger& ledger,
                            const RunId& run) {
  auto connection =
      connect(endpoint, identity, std::string(remote_hyops) + " run send " + run.value);
  if (!connection) return pass(connection);
  connection->to.reset();
  const fs::path home = setup_of(context).run_folder(run.value);
  if (auto made = make_folders(home); !made) return pass(made);
  const fs::path arrived = home / "record.arrived", record = home / "record";
  std::error_code ignored;
  fs::remove_all(arrived, ignored);
  if (auto got = engine::receive_record(connection->from.get(), arrived); !got)
    return pass(got, "while fetching the record of " + run.value);
  auto key = trust::parse_public_key(lane.runners.at(runner).key);
  if (!key) return pass(key);
  auto verified = record::verify(
      arrived, [&](std::string_view message, std::string_view signature) -> Result<std::string> {
        auto good = trust::verify(message, signature, {*key});
        if (!good) return pass(good);
        return runner;
      });
  if (!verified) return pass(verified);
  if (!verified->clean)
    return fail(
        "cli.record.unclean",
        "the record that runner " + runner + " sent does not verify: " +
            (verified->findings.empty() ? "no reason given" : verified->findings.front().what));
  fs::remove_all(record, ignored);
  fs::rename(arrived, record, ignored);
  auto about = read_file(record / "verdict.json");
  if (!about) return pass(about);
  auto verdict = parse_json(*about, "verdict.json");
  if (!verdict) return pass(verdict);
  const std::string status = get_string(*verdict, "status", "unknown");
  if (auto imported = engine::import_state(ledger, record); !imported) return pass(imported);
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
  Order order{std::move(*admission), std::move(*lane), option(given, "runner", plan->target)};
  if (!order.lane.runners.count(order.runner)) return unknown_runner(order.lane, order.runner);
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
  const fs::path identity = identity_of(context, given);
  auto endpoint = open_runner(context, order->lane, runner, identity);
  auto connection =
      endpoint ? connect(*endpoint, identity, std::string(remote_hyops) + " run accept --json")
               : pass(endpoint);
  if (!connection) {
    if (auto set = ledger->set_status(run, "refused"); !set) return context.report(set.error());
    return context.report(connection.error());
  }
  ::signal(SIGPIPE, SIG_IGN);
  if (auto sent = write_all(connection->to.get(), engine::to_order(order->admission).dump()); !sent)
    return context.report(sent.error());
  connection->to.reset();
  context.say("run " + run.value + " is with runner " + runner);
  auto answer = watch(*connection, context, order->admission.plan, run);
  if (!answer) return context.report(answer.error());
  if (answer->contains("errors")) {
    std::vector<Error> errors;
    for (const auto& error : (*answer)["errors"]) {
      errors.push_back(make_error(get_string(error, "code"), get_string(error, "message"),
                                  get_string(error, "next")));
      errors.back().context.push_back("on runner " + runner);
      if (const auto kind = failure_class(get_string(error, "class"))) errors.back().kind = *kind;
    }
    if (auto set = ledger->set_status(run, "refused"); !set) return context.report(set.error());
    return context.report(errors);
  }
  auto status = collect(context, order->lane, runner, *endpoint, identity, *ledger, run);
  if (!status) return context.report(status.error());
  return finish(context, *status, run);
}

int collect_command(Context& context, const po::variables_map& given) {
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  auto lane = load_lane(context, run->lane);
  if (!lane) return context.report(lane.error());
  const std::string runner = option(given, "runner", run->runner);
  const fs::path identity = identity_of(context, given);
  auto endpoint = open_runner(context, *lane, runner, identity);
  if (!endpoint) return context.report(endpoint.error());
  auto status = collect(context, *lane, runner, *endpoint, identity, *ledger, run->id);
  if (!status) return context.report(status.error());
  return finish(context, *status, run->id);
}

// On the runner: admits the order and starts the run in a session of its own, so that neither this
// connection nor the dispatcher's death stops it; then shows its events until it ends.
int accept(Context& context, const po::variables_map&) {
  context.json = true;
  ::signal(SIGPIPE, SIG_IGN);
  std::string text;
  char chunk[65536];
  for (ssize_t got = 0;
       (got = ::read(STDIN_FILENO, chunk, sizeof chunk)) > 0 && text.size() <= largest_order;)
    text.append(chunk, static_cast<size_t>(got));
  auto document = parse_json(text, "the order");
  if (!document) return context.report(document.error());
  auto order = engine::parse_order(*document);
  if (!order) return context.report(order.error());
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = engine::admit(setup_of(context), *ledger, *order);
  if (!run) return context.report(run.error());
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

  int64_t seen = 0;
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
    if (last_look || !std::cout) break;
    auto ended = core->wait(100);
    if (!ended) return context.report(ended.error());
    last_look = ended->has_value();
  }
  if (!std::cout) core->release();
  auto row = ledger->find_run(*run);
  const std::string status = row && *row ? (*row)->status : "unknown";
  std::cout << Json{{"run", run->value}, {"status", status}}.dump() << '\n';
  return exit_ok;
}

int send(Context& context, const po::variables_map& given) {
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  const fs::path record = setup_of(context).run_folder(run->id.value) / "record";
  if (!fs::exists(record))
    return context.report(make_error(
        "cli.record.none", "run " + run->id.value + " has no record yet; it is " + run->status));
  if (auto sent = engine::send_record(record, STDOUT_FILENO); !sent)
    return context.report(sent.error());
  return exit_ok;
}

}  // namespace

void add_dispatch_commands(Commands& commands) {
  const auto order_options = [](po::options_description_easy_init add) {
    add("decision", po::value<std::string>(), "the signed decision of the plan")(
        "approvals", po::value<std::string>(), "folder of signed approvals of the plan")(
        "runner", po::value<std::string>(), "runner of the lane; default: the plan's target")(
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
