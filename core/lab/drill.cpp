#include "lab/drill.hpp"

#include <poll.h>
#include <unistd.h>

#include <optional>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "lab/client.hpp"
#include "lab/drill_report.hpp"
#include "lab/fault.hpp"
#include "lab/kept_record.hpp"
#include "lab/site.hpp"

namespace hyops::lab {
namespace fs = std::filesystem;
namespace {

int64_t now_ms() { return system_clock().wall_ms(); }

Lab lab_of(const DrillRequest& request) {
  return {request.prefix / "libexec/hyops/hyops-labd", request.lab_folder, request.lab_name};
}

class Drill {
 public:
  explicit Drill(const DrillRequest& request)
      : request_(request),
        lab_(lab_of(request)),
        site_(lab_, [this](const std::string& line) { say(line); }),
        began_(system_clock().mono_ms()) {}

  Result<DrillResult> run() {
    if (auto cleared = lab_.down(); !cleared)
      return pass(cleared, "while removing what an earlier drill left");
    say("lab up");
    if (auto up = lab_.up(request_.prefix); !up) return pass(up);
    Status done = cycle();
    if (!request_.keep) {
      say("lab down");
      const Status down = lab_.down();
      check("nothing of the lab is left", static_cast<bool>(down),
            down ? "no process, mount, interface or folder" : down.error().message);
    }
    if (!done) return pass(done);
    result_.passed = std::all_of(result_.checks.begin(), result_.checks.end(),
                                 [](const Check& c) { return c.held; });
    facts_["checks"] = Json::array();
    for (const auto& c : result_.checks)
      facts_["checks"].push_back({{"what", c.what}, {"held", c.held}, {"found", c.found}});
    facts_["passed"] = result_.passed;
    result_.facts = facts_;
    if (auto written = write_drill_report(request_.record, facts_); !written) return pass(written);
    return std::move(result_);
  }

 private:
  void say(const std::string& line) {
    const int64_t ms = system_clock().mono_ms() - began_;
    request_.say("[" + std::string(ms < 10'000 ? " " : "") + std::string(ms < 100'000 ? " " : "") +
                 std::to_string(ms / 1000) + "." + std::to_string(ms / 100 % 10) + " s] " + line);
  }

  void check(const std::string& what, bool held, const std::string& found) {
    result_.checks.push_back({what, held, found});
    say(std::string(held ? "held: " : "NOT HELD: ") + what + " (" + found + ")");
  }

  Status cycle() {
    if (auto built = site_.build(); !built)
      return pass(built, "while building the site that is drilled");
    say("client writes through db.hyops.test");
    if (auto started = site_.start_client(request_.prefix); !started) return started;
    if (auto wrote = wait_for_client(lab_, now_ms(), 5); !wrote)
      return pass(wrote, "while waiting for the client's first rows");
    if (auto shipped = wait_for_archive(lab_); !shipped) return shipped;
    if (auto done = fail_over(); !done) return done;
    if (!recovered_ || request_.failover_only) return site_.stop_client();
    if (auto done = fail_back(); !done) return done;
    return site_.stop_client();
  }

  Status fail_over() {
    std::optional<Fault> fault;
    if (!request_.fault.empty()) {
      const FaultWord word = parse_fault(request_.fault);
      const FaultRule* rule = find_fault(word.name);
      if (!rule) return fail("lab.fault", "there is no fault " + printable(word.name, 60));
      fault.emplace(lab_, site_, *rule, word.step);
      if (auto ready = fault->prepare(); !ready)
        return pass(ready, "while preparing fault " + rule->name);
    }
    say("FAULT: the primary site is lost");
    if (auto lost = lab_.fault({"zone-loss", "onprem"}); !lost) return lost;
    const int64_t fault_ms = now_ms();  // what was acknowledged while it struck is lost by it, too
    auto decision =
        site_.decide("failover", "cloud", "the primary site answers from no vantage point");
    if (!decision) return pass(decision);
    const int64_t decided_ms = now_ms();
    say("decision: failover to cloud, signed");
    Site::Operation operation{"dr/postgresql-failover", "cloud", *decision, "", {}, false, {}};
    if (!request_.failover_only)  // as a site that has settled: what a failback has to lower first
      operation.inputs = {"cutover.ttl=" + std::to_string(settled_ttl_s)};
    if (fault)
      operation.watch = [&](const Json& event) {
        fault->event(event);
        show(event);
      };
    auto outcome = site_.carry_out(operation);
    if (!outcome) return pass(outcome);
    std::string status = outcome->status;
    if (fault) {
      auto after = recover(*fault, outcome->run, status);
      if (!after) return pass(after);
      status = *after;
    } else {
      check("failover ended ok", status == "ok", status);
    }
    if (auto kept = keep_record(outcome->run, "failover", "cloud"); !kept) return kept;
    if (fault)
      if (auto told = tell_fault(*fault); !told) return told;
    recovered_ = status == "ok";
    if (!recovered_) return {};
    if (auto wrote = wait_for_client(lab_, decided_ms, 5); !wrote) {
      check("the client's writes are acknowledged again", false, wrote.error().message);
      return {};
    }
    return judge("failover", decided_ms, fault_ms);
  }

  // What the on-call engineer does next, as the product told her: mend the cause, follow what goes
  // on, resume what does not, and fetch the record.
  Result<std::string> recover(Fault& fault, const std::string& run, std::string status) {
    const FaultRule& rule = fault.rule();
    const std::string word = rule.name + "@" + fault.step();
    check("the fault " + word + " was injected", fault.struck() && fault.result(),
          !fault.struck()  ? "step " + fault.step() + " was never started"
          : fault.result() ? "struck once"
                           : fault.result().error().message);
    if (!rule.mend.empty()) {
      if (rule.leaves == "failed" || rule.leaves == "unknown")
        if (auto kept = refused_to_cut_over(run); !kept) return pass(kept);
      say("on-call: " + rule.mend);
      if (auto mended = fault.mend(); !mended) return pass(mended, "while mending " + rule.name);
    }
    auto row = row_of(run);
    if (!row) return pass(row);
    std::string left = get_bool(*row, "abandoned") ? "abandoned" : get_string(*row, "status");
    check("it leaves the run " + rule.leaves, left == rule.leaves, left);
    if (left == "running") {
      if (auto followed = on_call({"run", "follow", run}); !followed) return pass(followed);
      row = row_of(run);
      if (!row) return pass(row);
      left = get_bool(*row, "abandoned") ? "abandoned" : get_string(*row, "status");
    }
    if (left != "ok") {
      if (auto resumed = on_call({"run", "resume", run}); !resumed) return pass(resumed);
      row = row_of(run);
      if (!row) return pass(row);
    }
    const bool unseen = status != "ok";  // the dispatcher did not see the end
    status = get_string(*row, "status");
    if (unseen) {
      say("on-call: hyops run collect " + run);
      auto collected =
          lab_.run(dispatcher, {"/usr/bin/hyops", "run", "collect", run, "--runner", "cloud"});
      if (!collected && status == "ok") return pass(collected);
    }
    check("failover under " + word + " ended " + rule.ends, status == rule.ends, status);
    if (status != "ok") return status;
    auto findings = fault.look_afterwards();
    if (!findings) return pass(findings);
    for (const auto& finding : *findings) check(finding.what, finding.held, finding.found);
    return status;
  }

  Result<Json> row_of(const std::string& run) {
    return lab_.json("runner-cloud", {"/usr/bin/hyops", "run", "show", run, "--json"});
  }

  // Types a command at the runner and shows what it says. How it ends is in the run's row.
  Status on_call(std::vector<std::string> words) {
    say("on-call: hyops " + join(words, " "));
    words.insert(words.begin(), "/usr/bin/hyops");
    auto typed = lab_.start("runner-cloud", words, STDOUT_FILENO, STDERR_FILENO);
    if (!typed) return pass(typed);
    if (auto ended = typed->wait(-1); !ended) return pass(ended);
    return {};
  }

  Status refused_to_cut_over(const std::string& run) {
    auto row = row_of(run);
    if (!row) return pass(row);
    for (const auto& step : row->value("steps", Json::array()))
      if (get_string(step, "phase") == "cutover") {
        const std::string ending = get_string(step, "ending");
        check("nobody was cut over while the cause stood (E4, E7)",
              ending == "not_run" || ending == "failed",
              ending + ": " + get_string(step, "reason"));
      }
    return {};
  }

  // What the record shows of the fault goes into drill.json, and is held against the table.
  Status tell_fault(const Fault& fault) {
    auto events = record_events(request_.record / "failover");
    if (!events) return pass(events);
    if (events->empty()) return {};  // that the record is missing was judged where it was fetched
    const auto missing = missing_traces(fault.rule(), fault.step(), *events);
    check("the record shows what the fault did", missing.empty(),
          missing.empty() ? std::to_string(fault.rule().shows.size()) + " traces of it"
                          : "it lacks " + join(missing));
    facts_["fault"] = fault_story(fault.step(), *events);
    facts_["fault"]["name"] = fault.rule().name;
    facts_["fault"]["step"] = fault.step();
    facts_["fault"]["meaning"] = fault.rule().meaning;
    return {};
  }

  Status fail_back() {
    say("the primary site is back; internet and the cloud's control API are cut off from it");
    if (auto back = lab_.fault({"zone-restore", "onprem"}); !back) return back;
    for (const auto& cut : {std::vector<std::string>{"link-cut", "onprem", "internet"},
                            {"api-cut", "onprem", "cloud"}})
      if (auto done = lab_.fault(cut); !done) return done;
    auto decision = site_.decide("failback", "onprem", "the primary site is back and stable");
    if (!decision) return pass(decision);
    const int64_t decided_ms = now_ms();
    say("decision: failback to onprem, signed; carried to the appliance");
    Site::Operation operation{"dr/postgresql-failback", "onprem", *decision, "", {}, false, {}};
    operation.carried = true;
    auto outcome = site_.carry_out(operation);
    if (!outcome) return pass(outcome);
    check("failback ended ok", outcome->status == "ok", outcome->status);
    if (auto kept = keep_record(outcome->run, "failback", "onprem"); !kept) return kept;
    if (outcome->status != "ok") return {};
    const int64_t had = get_int(outputs_of("failback", "shorten-ttl"), "previous_ttl");
    check("the failback lowered the name's TTL before anything was stopped (L13)",
          had == settled_ttl_s, "it was " + std::to_string(had) + " s");
    const int64_t cut_over = cutover_ms("failback");
    if (auto wrote = wait_for_client(lab_, cut_over, 5); !wrote) {
      check("the client's writes are acknowledged again", false, wrote.error().message);
      return {};
    }
    return judge("failback", decided_ms, cut_over);
  }

  // The record comes out of the lab as it would leave a runner, and is verified here.
  Status keep_record(const std::string& run, const std::string& name, const std::string& runner) {
    const std::string of = "the record of the " + name;
    auto kept = fetch_record(lab_, site_.runners().at(runner), run, request_.record / name);
    if (!kept) {
      check(of + " was collected", false, kept.error().message);
      return {};
    }
    const auto& verified = kept->verification;
    check(of + " verifies offline", verified.clean,
          verified.clean
              ? std::to_string(verified.events) + " events, " + std::to_string(verified.files) +
                    " files, signed by runner " + verified.signer
              : verified.findings.front().what);
    facts_[name]["summary"] = kept->summary;
    facts_[name]["run"] = run;
    return {};
  }

  // Of a step, as the record has them.
  Json outputs_of(const std::string& name, const std::string& id) {
    for (const auto& step : facts_[name]["summary"].value("steps", Json::array()))
      if (get_string(step, "id") == id) return step.value("outputs", Json::object());
    return Json::object();
  }

  int64_t cutover_ms(const std::string& name) {
    return get_int(outputs_of(name, "cutover"), "cut_over_at_ms");
  }

  // RTO: from the decision to the client's first acknowledged write. RPO: acknowledged rows that
  // are gone.
  Status judge(const std::string& name, int64_t decided_ms, int64_t until_ms) {
    auto log = client_log_now(lab_);
    if (!log) return pass(log);
    auto rows = ask_database(lab_, "select n from entries");
    if (!rows) return pass(rows);
    std::set<int64_t> present;
    for (const auto& line : split(*rows, '\n'))
      if (!line.empty()) present.insert(std::stoll(line));
    auto lost = lost_rows(*log, present, until_ms);
    std::erase_if(lost, [&](int64_t row) {
      return lost_before_.count(row) > 0;
    });  // each loss is judged once
    lost_before_.insert(lost.begin(), lost.end());
    const Outage gap = outage(*log, std::max(decided_ms, cutover_ms(name)));
    const int64_t rto = gap.served_ms ? gap.served_ms - decided_ms : -1;
    const int64_t window = lost_window_ms(*log, lost, until_ms);
    Json& facts = facts_[name];
    facts["decided_ms"] = decided_ms;
    facts["first_write_ms"] = gap.served_ms;
    facts["rto_ms"] = rto;
    facts["outage_ms"] = gap.duration_ms();
    facts["rows_lost"] = lost.size();
    facts["rows_acknowledged"] = log->size();
    const int64_t target = get_int(facts["summary"], "rto_ms");
    check(name + " met its RTO", rto >= 0 && (target == 0 || rto <= target),
          show_duration(rto) + " of " + show_duration(target) +
              ", the client was without service for " + show_duration(gap.duration_ms()));
    const Measurement measured{gap.served_ms, lost.size(), log->size(), window};
    if (auto told = judge_record(name, measured); !told) return told;
    if (name == "failback")
      check("failback lost no acknowledged row", lost.empty(),
            std::to_string(lost.size()) + " of " + std::to_string(log->size()));
    if (name == "failover") {
      const auto before = std::count_if(log->begin(), log->end(), [&](const Acknowledged& line) {
        return line.wall_ms < until_ms && present.count(line.number) > 0;
      });
      check("failover brought back what was archived", before > 0,
            std::to_string(before) + " rows from before the fault");
      check("failover lost at most what archiving had not shipped", window <= archive_bound_ms,
            std::to_string(lost.size()) + " rows of the last " + show_duration(window) +
                " before the fault");
    }
    return {};
  }

  // The client's word goes into the signed record, where an auditor looks for it.
  Status judge_record(const std::string& name, const Measurement& measured) {
    const Runner& runner = site_.runners().at(name == "failover" ? "cloud" : "onprem");
    const std::string run = get_string(facts_[name], "run");
    if (auto done = complete_record(lab_, runner, run, measured); !done)
      return pass(done, "while completing the record of the " + name);
    auto kept = fetch_record(lab_, runner, run, request_.record / name);
    if (!kept) return pass(kept);
    check("its record judges RTO and RPO by the client, and verifies",
          kept->verification.clean && get_bool(kept->summary, "rto_met") &&
              kept->summary["rpo"].is_object(),
          get_string(kept->summary["headline"], "sentence"));
    facts_[name]["summary"] = kept->summary;
    return {};
  }

  // archive_timeout (5 s) and one upload: what was acknowledged earlier than that before the fault
  // is there.
  static constexpr int64_t archive_bound_ms = 20'000;
  static constexpr int64_t settled_ttl_s = 60;

  void show(const Json& event) {
    const std::string type = get_string(event, "type");
    const Json& body = event["body"];
    if (type == "phase.started") say("phase " + get_string(body, "phase"));
    if (type == "step.ended")
      say("  " + get_string(body, "step") + "  " + get_string(body, "ending") + "  " +
          printable(get_string(body, "reason"), 160));
    if (type == "step.retry") say("  " + get_string(body, "step") + "  is tried again");
    if (type == "step.reconciled")
      say("  " + get_string(body, "step") + "  " + get_string(body, "choice") + ": " +
          get_string(body, "evidence"));
  }

  const DrillRequest& request_;
  Lab lab_;
  Site site_;
  int64_t began_;
  bool recovered_ = false;  // the failover ended ok: there is something to fail back from
  std::set<int64_t> lost_before_;
  DrillResult result_;
  Json facts_ = Json::object();
};

}  // namespace

Status clear_lab(const DrillRequest& request) { return lab_of(request).down(); }

Result<DrillResult> run_drill(const DrillRequest& request) {
  std::error_code ignored;
  fs::remove_all(request.record, ignored);
  if (auto made = make_folders(request.record); !made) return pass(made);
  return Drill(request).run();
}

}  // namespace hyops::lab
