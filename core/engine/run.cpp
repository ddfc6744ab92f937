#include "engine/run.hpp"

#include <unistd.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "engine/reap.hpp"
#include "engine/reserve.hpp"
#include "engine/scheduler.hpp"
#include "record/record.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {
namespace {

// Outputs of the steps become the lane's state, each slot compared and set (L3). Steps that release
// something leave an empty slot.
Status publish(Opened& run, Shared& shared, Scheduler& scheduler, ledger::Ledger& ledger) {
  for (const auto& step : run.plan.steps) {
    const Json& outputs = scheduler.outputs(step.id);
    if (outputs.empty() && step.verb != "release") continue;
    const std::lock_guard lock(run.journal.ledger_mutex());
    auto now = ledger.slot(run.plan.lane, step.module + "#" + step.instance);
    if (!now) return pass(now);
    ledger::Slot next = *now;
    next.lane = run.plan.lane;
    next.key = step.module + "#" + step.instance;
    next.epoch = run.plan.epoch;
    next.value = step.verb == "release" ? Json() : outputs;
    next.run = run.journal.run().value;
    next.step = step.id;
    if (now->version > 0 && now->run == next.run && now->value == next.value) continue;
    if (auto put = ledger.put_slot(next, now->version, shared.fencing_token); !put)
      return pass(put);
  }
  return {};
}

// Whatever may stand open is closed under the key it was opened with: also where nobody knows
// whether it was (A5).
void close_access(Opened& run, StepRunner& steps, ledger::Ledger& ledger) {
  auto history = read_history(ledger, run.journal.run());
  if (!history) return;
  for (const auto& step : run.plan.steps) {
    if (!opens_access(step)) continue;
    const auto past = history->steps.find(step.id);
    if (past == history->steps.end() || past->second.attempt == 0 || past->second.closed) continue;
    if (auto closed = steps.close_access(step, past->second.outputs); !closed)
      (void)run.journal.write("access.close_failed",
                              {{"step", step.id}, {"message", closed.error().text()}});
  }
}

}  // namespace

bool is_recorded(const Setup& setup, ledger::Ledger& ledger, const RunId& run) {
  auto about = read_file(setup.run_folder(run.value) / "record/run.json", 1u << 20);
  if (!about) return false;
  auto document = parse_json(*about, "run.json");
  auto head = ledger.chain_head(run);
  return document && head && get_string(*document, "chain_head") == *head;
}

Status write_record(const Setup& setup, ledger::Ledger& ledger, Journal& journal) {
  namespace fs = std::filesystem;
  auto redactor = record::Redactor::create(journal.secrets());
  if (!redactor) return pass(redactor);
  auto key = trust::SecretKey::load(setup.signing_key());
  if (!key) return pass(key, "while signing the record");
  const fs::path run = setup.run_folder(journal.run().value), to = run / "record",
                 old = run / "record.old";
  const std::lock_guard lock(journal.ledger_mutex());
  std::error_code ignored;
  if (fs::exists(to, ignored)) {  // else an older one may be all there is
    fs::remove_all(old, ignored);
    fs::rename(to, old, ignored);
  }
  const auto write = [&] {
    return record::export_run(
        ledger, journal.run(), run / "steps", *redactor,
        [&](std::string_view message) {
          return key->sign(message, "hyops record " + journal.run().value);
        },
        to);
  };
  auto done = write();
  if (!done) {  // on a full disk it fits into what was kept for it
    give_up_room(setup.home);
    done = write();
  }
  if (!done) {
    fs::rename(old, to, ignored);
    return done;
  }
  fs::remove_all(old, ignored);
  return {};
}

Result<std::string> execute(const Setup& setup, ledger::Ledger& ledger, const RunId& id,
                            Observer& observer) {
  auto opened = open_run(setup, ledger, id, observer);
  if (!opened) return pass(opened);
  Opened& run = **opened;
  auto lease = take_lane(run, ledger);
  if (!lease) return pass(lease);
  Session session(setup, run, lease->token);
  Shared& shared = session.shared;
  if (run.history.started) session.cancellation.clear();

  auto attestation = read_attestation(setup);
  Json runner{{"host", lease->host},
              {"boot_id", lease->boot_id},
              {"pid", static_cast<int64_t>(::getpid())},
              {"mono_ms", setup.clock().mono_ms()}};
  if (attestation && *attestation) {
    runner["name"] = (*attestation)->name;
    runner["plane"] = (*attestation)->plane;
    runner["version"] = (*attestation)->version;
    runner["key"] = (*attestation)->key;
  }
  Json begin{{"plan", run.plan_digest},
             {"lane", run.plan.lane},
             {"blueprint", run.plan.blueprint},
             {"requester", run.history.requester},
             {"runner", runner},
             {"epoch", run.plan.epoch},
             {"fencing_token", lease->token}};
  begin.update(run.plan.origin);
  if (run.plan.rto_ms) begin["rto_ms"] = *run.plan.rto_ms;
  if (run.plan.rpo_ms) begin["rpo_ms"] = *run.plan.rpo_ms;
  if (auto written = run.journal.write(run.history.started ? "run.resumed" : "run.started", begin);
      !written)
    return pass(written);
  if (auto set = ledger.set_status(id, "running"); !set) return pass(set);
  reap_access(run, shared);

  std::string status;
  {
    StepRunner steps(shared, run.catalog);
    Scheduler scheduler(run, shared, steps);
    auto ended = scheduler.run();
    if (!ended) return pass(ended, "the run stops here: the ledger could not keep what happened");
    status = *ended;
    if (status != "waiting") close_access(run, steps, ledger);
    if (auto published = publish(run, shared, scheduler, ledger); !published) {
      (void)run.journal.write("publish.failed", {{"message", published.error().text()}});
      if (status == "ok") status = "failed";
    }
  }
  if (auto written = run.journal.write(status == "waiting" ? "run.waiting" : "run.ended",
                                       {{"status", status}});
      !written)
    return pass(written);
  if (auto set = ledger.set_status(id, status); !set) return pass(set);
  if (auto released = ledger.release_lease(run.plan.lane, id, lease->token); !released)
    return pass(released);
  if (auto recorded = write_record(setup, ledger, run.journal); !recorded)
    return pass(recorded, "the run ended " + status + ", but its record could not be written");
  return status;
}

Status confirm_gate(ledger::Ledger& ledger, const RunId& run, const std::string& phase,
                    const std::string& by) {
  auto row = ledger.run(run);
  if (!row) return pass(row);
  if (row->status != "waiting")
    return fail("engine.gate.not_waiting",
                "run " + run.value + " does not wait; it is " + row->status);
  std::string waits_before;
  auto read = ledger.each_event_of(run, {"gate.opened"}, [&](const ledger::Event& event) {
    waits_before = get_string(event.body, "phase");
    return true;
  });
  if (!read) return pass(read);
  if (phase != waits_before)  // a gate is let through by somebody who sees what stands before it
    return fail("engine.gate.not_waiting",
                "run " + run.value + " waits before " + waits_before + ", not before " +
                    printable(phase, 40),
                "hyops run confirm " + run.value + " " + waits_before);
  auto event = ledger.append(run, "gate.confirmed", {{"phase", phase}, {"by", by}});
  if (!event) return pass(event);
  return {};
}

}  // namespace hyops::engine
