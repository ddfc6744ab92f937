// run start|resume|cancel|confirm|reconcile: from an approved plan to an ending that is in the
// record.
#include <csignal>
#include <iostream>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/live.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "cli/statement.hpp"
#include "engine/cancel.hpp"
#include "engine/run.hpp"
#include "engine/transfer.hpp"
#include "process/metadata.hpp"

namespace hyops::cli {
namespace {

void on_interrupt(int) { engine::Cancellation::on_signal(); }

void tell_next(Context& context, const std::string& status, const RunId& run,
               const std::filesystem::path& record) {
  context.answer_line({{"run", run.value}, {"status", status}, {"record", record.string()}});
  context.say("run " + run.value + " ended " + status);
  if (status == "waiting")
    context.say("  next: hyops run confirm " + run.value +
                " PHASE --by NAME, then hyops run resume " + run.value);
  if (status == "unknown") context.say("  next: hyops run reconcile " + run.value);
  if (status == "failed" || status == "cancelled")
    context.say("  next: hyops run show " + run.value + "; when mended: hyops run resume " +
                run.value);
  if (status != "waiting") context.say("  record: " + record.string());
}

int carry_out(Context& context, ledger::Ledger& ledger, const RunId& run) {
  auto document = ledger.plan_of(run);
  if (!document) return context.report(document.error());
  // The first interrupt stops after the steps that run, the second stops them.
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  // A reader or a terminal that goes away takes no recovery along: `run follow` looks on again.
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  process::remove_left_groups();  // of cores that were killed
  const engine::Setup setup = setup_of(context);
  Result<std::string> status = std::string();
  {
    const auto view = make_view(context, *document, run);
    status = engine::execute(setup, ledger, run, *view);
  }
  if (!status) {
    Error error = status.error();
    if (error.code == "ledger.lease.held")  // its approvals are used: it must not be started anew
      error.next = "when the lane is free, go on with this run: hyops run resume " + run.value;
    return context.report(error);
  }
  tell_next(context, *status, run, setup.run_folder(run.value) / "record");
  return exit_code_of(*status);
}

// A plan with what belongs to it, or an order that was carried here.
Result<engine::Admission> admission_of(const po::variables_map& given) {
  auto text = read_file(option(given, "plan"));
  if (!text) return pass(text);
  auto document = parse_json(*text, option(given, "plan"));
  if (!document) return pass(document);
  if (document->is_object() && document->contains("order")) return engine::parse_order(*document);
  return read_admission(given);
}

int start(Context& context, const po::variables_map& given) {
  auto admission = admission_of(given);
  if (!admission) return context.report(admission.error());
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = engine::admit(setup_of(context), *ledger, *admission);
  if (!run) return context.report(run.error());
  return carry_out(context, *ledger, *run);
}

int resume(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  if (run->status == "ok" && engine::is_recorded(setup_of(context), *ledger, run->id)) {
    context.say("run " + run->id.value + " ended ok already; there is nothing to resume");
    context.answer({{"run", run->id.value}, {"status", "ok"}});
    return exit_ok;
  }
  return carry_out(context, *ledger, run->id);
}

int renew(Context& context, const po::variables_map& given) {
  if (!given.count("approvals"))
    return context.report(
        make_error("cli.usage", "--approvals DIR has to be given.", "hyops run renew --help"));
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  auto approvals = read_approvals(option(given, "approvals"));
  if (!approvals) return context.report(approvals.error());
  if (auto renewed = engine::renew(setup_of(context), *ledger, run->id, *approvals); !renewed)
    return context.report(renewed.error());
  context.answer({{"run", run->id.value}, {"renewed", true}});
  context.say("run " + run->id.value + " is approved anew\n  next: hyops run resume " +
              run->id.value);
  return exit_ok;
}

int cancel(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  const std::string& status = run->status;
  if (status == "dispatched")
    return context.report(make_error(
        "cli.run.elsewhere", "run " + run->id.value + " is carried out by runner " + run->runner,
        "on that runner: hyops run cancel " + run->id.value));
  if (status == "ok" || status == "failed" || status == "cancelled" || status == "refused") {
    context.say("run " + run->id.value + " ended " + status +
                " already; there is nothing to cancel");
    context.answer({{"run", run->id.value}, {"status", status}});
    return exit_ok;
  }
  const bool now = flag(given, "now");
  auto event = ledger->append(run->id, "cancel.requested",
                              {{"mode", now ? "now" : "after-step"}, {"by", requester(given)}});
  if (!event) return context.report(event.error());
  const auto asked =
      engine::Cancellation::request(setup_of(context).run_folder(run->id.value),
                                    now ? engine::Cancel::now : engine::Cancel::after_step);
  if (!asked) return context.report(asked.error());
  context.answer({{"run", run->id.value}, {"cancel", now ? "now" : "after-step"}});
  context.say(
      now ? "the steps that run are being stopped; Terraform gets the time to write its state"
          : "no further step is started; `--now` stops the ones that run");
  return exit_ok;
}

int confirm(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  if (auto done = engine::confirm_gate(*ledger, run->id, option(given, "phase"), requester(given));
      !done)
    return context.report(done.error());
  context.answer({{"run", run->id.value}, {"confirmed", option(given, "phase")}});
  context.say("phase " + option(given, "phase") + " may start\n  next: hyops run resume " +
              run->id.value);
  return exit_ok;
}

// The way out where no proof can come any more: the machine that held the lane was lost, and its
// ledger was brought here.
int abandon(Context& context, const po::variables_map& given) {
  const std::string reason = option(given, "reason"), by = option(given, "by");
  if (reason.empty() || by.empty())
    return context.report(make_error("engine.statement.incomplete",
                                     "a statement needs who makes it and why",
                                     "hyops run abandon RUN --by NAME --reason TEXT"));
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  auto lease = ledger->lease(run->lane);
  if (!lease) return context.report(lease.error());
  if (!*lease || (*lease)->holder != run->id.value)
    return context.report(make_error("ledger.fenced",
                                     "run " + run->id.value + " does not hold lane " + run->lane,
                                     next_command(*run, carrier_of(*ledger, *run), {})));
  if (auto stated = ledger->give_up_lease(**lease, by, reason); !stated)
    return context.report(stated.error());
  context.answer({{"run", run->id.value}, {"lane", run->lane}, {"host", (*lease)->host}});
  context.say("stated: machine " + (*lease)->host + " is gone; lane " + run->lane +
              " is free, and the run's record says so\n  next: hyops run resume " + run->id.value);
  return exit_ok;
}

// What a runner starts for a dispatched run: the run alone, without anybody looking on.
int carry_on(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  return carry_out(context, *ledger, run->id);
}

}  // namespace

void add_run_commands(Commands& commands) {
  const auto by = [](po::options_description_easy_init add) {
    add("by", po::value<std::string>(), "who; default: the login name");
  };
  commands.push_back({"run",
                      "start",
                      "PLAN",
                      "run an approved plan, or an order that was carried here, on this runner",
                      "  hyops run start plan.json --decision decision.json --approvals approvals/",
                      {"plan"},
                      [](po::options_description_easy_init add) {
                        add("decision", po::value<std::string>(),
                            "the signed decision of the plan")(
                            "approvals", po::value<std::string>(),
                            "signed approvals of the plan: their folder, or one file")(
                            "by", po::value<std::string>(), "who asks; default: the login name");
                      },
                      start});
  commands.push_back({"run",
                      "resume",
                      "RUN",
                      "go on with a run that was interrupted, failed, cancelled or waits",
                      "Steps that ended well are not repeated. A step that was going on is found "
                      "again; one whose outcome is\n"
                      "unknown is observed first.",
                      {"run"},
                      by,
                      resume});
  commands.push_back({"run",
                      "renew",
                      "RUN",
                      "hand a run fresh approvals of its plan, where the first ones end too early",
                      "As many as the lane wants, each signed anew: hyops approval sign. Then "
                      "hyops run resume.",
                      {"run"},
                      [](po::options_description_easy_init add) {
                        add("approvals", po::value<std::string>(),
                            "signed approvals: their folder, or one file");
                      },
                      renew});
  commands.push_back({"run",
                      "cancel",
                      "RUN",
                      "stop a run after the steps that run now, or now",
                      "",
                      {"run"},
                      [](po::options_description_easy_init add) {
                        add("now", "stop the running steps as well")(
                            "by", po::value<std::string>(), "who; default: the login name");
                      },
                      cancel});
  commands.push_back({"run",
                      "confirm",
                      "RUN PHASE",
                      "let a run through the gate before a phase",
                      "",
                      {"run", "phase"},
                      by,
                      confirm});
  commands.push_back(
      {"run",
       "reconcile",
       "RUN",
       "find out what became of steps whose outcome is unknown",
       "Observes each of them, and shows what each choice would rest on. Where no observation can "
       "tell, an approver of\nthe lane looks, and signs what became of it; the statement stays in "
       "the record. Nothing else leaves unknown.\n"
       "  hyops run reconcile last\n"
       "  hyops run reconcile last --retry restore --as alice --key alice.key --reason \"db1 is "
       "empty\"\n"
       "--json: {run, choices: [{step, attempt, seen, evidence, resolved, key, driver, pack, "
       "idempotent}]}",
       {"run"},
       [](po::options_description_easy_init add) {
         add_statement_options(add);
         add("statement", po::value<std::string>(), "a signed statement that was made elsewhere");
       },
       reconcile_run});
  commands.push_back(
      {"run",
       "abandon",
       "RUN",
       "state that the machine which carried a run out is gone for good, so that it can be resumed",
       "Needed only where the ledger stands on another machine now: of its own processes a machine "
       "has proof.\n"
       "A process that provably lives is not given up.",
       {"run"},
       [](po::options_description_easy_init add) {
         add("by", po::value<std::string>(), "who states it")("reason", po::value<std::string>(),
                                                              "how they know");
       },
       abandon});
  commands.push_back(
      {"run",
       "measured",
       "RUN",
       "note when clients were served again and what was lost, and judge RTO and RPO by it",
       "Say it where the run was executed; a dispatcher then collects the record again.\n"
       "  hyops run measured last --served-at 2026-03-01T03:12:09Z --rows-lost 5 --lost 700ms \\\n"
       "    --source \"log of the order service\"",
       {"run"},
       [](po::options_description_easy_init add) {
         add("served-at", po::value<std::string>(), "when a client's write was acknowledged again")(
             "rows-lost", po::value<int64_t>(), "acknowledged rows that are gone")(
             "rows-acknowledged", po::value<int64_t>(), "of how many")(
             "lost", po::value<std::string>(),
             "age of the oldest lost row at the fault: 700ms, 2m")(
             "source", po::value<std::string>(), "what it was read from")(
             "by", po::value<std::string>(), "who says so; default: the login name");
       },
       note_measured});
  commands.push_back({"run",
                      "carry-on",
                      "RUN",
                      "what a runner does with a dispatched run (started by `run accept`)",
                      "",
                      {"run"},
                      {},
                      carry_on});
  add_run_view_commands(commands);
  add_dispatch_commands(commands);
}

}  // namespace hyops::cli
