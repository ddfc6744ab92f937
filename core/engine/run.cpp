#include "engine/run.hpp"

#include <unistd.h>

#include <set>

#include "base/file.hpp"
#include "base/text.hpp"
#include "engine/horizon.hpp"
#include "engine/reap.hpp"
#include "engine/reserve.hpp"
#include "engine/scheduler.hpp"
#include "plugin/stream_service.hpp"
#include "record/record.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {
namespace {

// Outputs of the steps that went well become the lane's state, each slot compared and set (L3).
// Steps that release something leave an empty slot.
Status publish(Opened& run, Shared& shared, Scheduler& scheduler, ledger::Ledger& ledger) {
  for (const auto& step : run.plan.steps) {
    if (!scheduler.went_well(step.id)) continue;
    const Json redacted = run.journal.redact(scheduler.outputs(step.id));
    if (redacted.empty() && step.verb != "release") continue;
    const std::lock_guard lock(run.journal.ledger_mutex());
    const std::string key = plan::slot_of(step);
    auto now = ledger.slot(run.plan.lane, key);
    if (!now) return pass(now);
    ledger::Slot next = *now;
    next.lane = run.plan.lane;
    next.key = key;
    next.epoch = run.plan.epoch;
    // Again: a secret may have become known since the step gave them.
    next.value = step.verb == "release" ? Json() : redacted;
    next.run = run.journal.run().value;
    next.step = step.id;
    if (now->version > 0 && now->run == next.run && now->value == next.value) continue;
    if (auto put = ledger.put_slot(next, now->version, shared.fencing_token); !put)
      return pass(put);
  }
  return {};
}

// What the run was admitted by ends some time (L18).
Result<Needs> needs_of(const Opened& run, ledger::Ledger& ledger) {
  Needs needs;
  int64_t required = get_int(run.plan.policy.value("approvals", Json::object()), "required");
  auto documents = ledger.documents(run.journal.run());
  if (!documents) return pass(documents);
  for (const auto& [name, bytes] : *documents)
    if (name == "decision.json")
      if (auto decision = trust::parse_decision(bytes); decision) {
        needs.until_irreversible.push_back(decision_need(*decision));
        if (decision->requires_approval) required = std::max<int64_t>(required, 1);
      }
  needs.always = approvals_need(run.history.approved_until, static_cast<int>(required),
                                run.journal.run().value);
  return needs;
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

// Whatever a plugin did or did not do: no endpoint of a run outlives it.
void close_streams(const Setup& setup, Opened& run) {
  auto closed = plugin::Streams(setup.streams(run.journal.run().value), {}).close_all();
  if (!closed) (void)run.journal.write("access.close_failed", {{"message", closed.error().text()}});
}

}  // namespace

bool is_recorded(const Setup& setup, ledger::Ledger& ledger, const RunId& run) {
  auto about = read_file(setup.run_folder(run.value) / "record/run.json", 1u << 20);
  if (!about) return false;
  auto document = parse_json(*about, "run.json");
  auto head = ledger.chain_head(run);
  return document && head && get_string(*document, "chain_head") == head->hash;
}

namespace {

Result<std::set<std::string>> leaked(ledger::Ledger& ledger, const RunId& run) {
  std::set<std::string> names;
  auto read = ledger.each_event_of(run, {"secret.leaked"}, [&](const ledger::Event& event) {
    names.insert(get_string(event.body, "name"));
    return true;
  });
  if (!read) return pass(read);
  return names;
}

// Leaks that the chain does not know of yet are told there, by name and place.
Status note_leaks(ledger::Ledger& ledger, Journal& journal, const record::Leaks& leaks,
                  bool& fresh) {
  auto known = leaked(ledger, journal.run());
  if (!known) return pass(known);
  std::vector<std::pair<std::string, Json>> events;
  for (const auto& [name, where] : leaks)
    if (!known->contains(name))
      events.emplace_back("secret.leaked", Json{{"name", name}, {"where", where}});
  fresh = !events.empty();
  return fresh ? journal.write_all(events) : Status{};
}

// Makes the folder anew; what was there stays until the new one is whole.
Result<record::Leaks> export_anew(const Setup& setup, ledger::Ledger& ledger, Journal& journal,
                                  const record::Redactor& redactor, const trust::SecretKey& key) {
  namespace fs = std::filesystem;
  const fs::path run = setup.run_folder(journal.run().value), to = run / "record",
                 old = run / "record.old";
  const std::lock_guard lock(journal.ledger_mutex());
  std::error_code ignored;
  if (fs::exists(to, ignored)) {  // else an older one may be all there is
    fs::remove_all(old, ignored);
    fs::rename(to, old, ignored);
  }
  auto done = record::export_run(
      ledger, journal.run(), run / "steps", redactor,
      [&](std::string_view message) {
        return key.sign(message, "hyops record " + journal.run().value);
      },
      to);
  if (done)
    fs::remove_all(old, ignored);
  else
    fs::rename(old, to, ignored);
  return done;
}

Status write_record_once(const Setup& setup, ledger::Ledger& ledger, Journal& journal) {
  auto redactor = record::Redactor::create(journal.secrets());
  if (!redactor) return pass(redactor);
  auto key = trust::SecretKey::load(setup.signing_key());
  if (!key) return pass(key, "while signing the record");
  for (bool again = true; again;) {
    if (auto covered = journal.sign_checkpoint(setup.signing_key()); !covered) return covered;
    auto leaks = export_anew(setup, ledger, journal, *redactor, *key);
    if (!leaks) return pass(leaks);
    if (auto noted = note_leaks(ledger, journal, *leaks, again); !noted) return noted;
  }
  return {};
}

}  // namespace

Status write_record(const Setup& setup, ledger::Ledger& ledger, Journal& journal) {
  auto done = write_record_once(setup, ledger, journal);
  if (done) return done;
  give_up_room(setup.home);  // on a full disk it fits into what was kept for it
  return write_record_once(setup, ledger, journal);
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
  // What leaked before must be known now, or nobody could take it out of the record. Where it is
  // not to be had, the record says so when it is written.
  if (auto names = leaked(ledger, id); names)
    for (const auto& name : *names) (void)shared.secrets.get(name);

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
  if (run.moved) {
    auto written =
        run.journal.write("secret.transition", {{"from", run.moved->from},
                                                {"to", run.moved->to},
                                                {"plugin", shared.secrets.in_force().plugin},
                                                {"by_run", run.moved->by_run}});
    if (!written) return pass(written);
  }
  if (auto set = ledger.set_status(id, "running"); !set) return pass(set);
  reap_access(run, shared);

  auto expected = forecast(run.plan, &ledger);
  if (!expected) return pass(expected);
  shared.forecast = &*expected;
  std::string status;
  {
    StepRunner steps(shared, run.catalog);
    auto needs = needs_of(run, ledger);
    if (!needs) return pass(needs);
    Scheduler scheduler(run, shared, steps, *expected, std::move(*needs));
    auto ended = scheduler.run();
    if (!ended) return pass(ended, "the run stops here: the ledger could not keep what happened");
    status = *ended;
    if (status != "waiting") {
      close_access(run, steps, ledger);
      close_streams(setup, run);
    }
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
  // Under the lease: what the record finds out is written into the chain.
  auto recorded = write_record(setup, ledger, run.journal);
  if (auto released = ledger.release_lease(run.plan.lane, id, lease->token); !released)
    return pass(released);
  if (!recorded)
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
