// A record of a million events: written by a run, then verified beside SHA-256 over the same bytes.
#include "support/site.hpp"

#include "parts.hpp"
#include "site_steps.hpp"

namespace hyops::bench {
namespace {

constexpr int64_t events = 1'000'000, few = 10'000, batch = 10'000;

// What tools report of hosts and resources: about 200 bytes of body.
Json report(int64_t number) {
  return {{"step", "s0"},
          {"attempt", 1},
          {"resource", "terraform_data.machine[" + std::to_string(number) + "]"},
          {"message", "terraform_data.machine[" + std::to_string(number) +
                          "]: Creation complete after 0s [id=" +
                          sha256_hex(std::to_string(number)).substr(0, 32) + "]"}};
}

void fill(tests::Site& site, const RunId& run, int64_t count) {
  for (int64_t at = 0; at < count; at += batch) {
    std::vector<std::pair<std::string, Json>> some;
    for (int64_t i = at; i < at + batch; ++i) some.emplace_back("step.terraform", report(i));
    need(site.ledger->append_all(run, some));
  }
}

// Resumes a run and says how long it took to decide what to do and to begin with it; `whole` is the
// rest with it: one step, and the record.
double decide(tests::Site& site, const RunId& run, double& whole) {
  const int64_t began = system_clock().wall_ms();
  std::string status;
  whole = time_ms([&] { status = site.go_on(run); });
  if (status != "ok") give_up("a run with many events ended " + status);
  int64_t begun = 0;
  need(site.ledger->each_event_of(run, {"step.intent"}, [&](const ledger::Event& event) {
    begun = event.wall_ms;
    return true;
  }));
  return static_cast<double>(begun - began);
}

void measure_few(Table& table) {
  tests::Site site;
  add_noop(site);
  site.blueprint(noop_chain(1));
  const Json plan = site.plan();
  Samples decided;
  for (int i = 0; i < 5; ++i) {
    const RunId run = need(site.admit(plan));
    fill(site, run, few);
    double whole = 0;
    decided.add(decide(site, run, whole));
  }
  table.add({"resuming a run of 10,000 events, until it begins its next step",
             "ms",
             decided,
             "",
             {},
             "<= 200 ms",
             decided.median() <= 200});
}

}  // namespace

void measure_record(Table& table) {
  tests::Site site;
  add_noop(site);
  site.blueprint(noop_chain(1));
  const RunId run = need(site.admit(site.plan()));
  fill(site, run, events);
  Samples decided, execute;
  double whole = 0;
  decided.add(decide(site, run, whole));
  execute.add(whole);
  const auto file = site.record() / "events.jsonl";
  const auto mib = static_cast<int64_t>(std::filesystem::file_size(file) >> 20);
  const auto pair = in_turns(
      3,
      [&] {
        const auto verified = site.verify();
        if (!verified.clean || verified.events <= events)
          give_up(verified.findings.empty() ? "events are missing" : verified.findings[0].what);
      },
      [&] {
        Sha256 sum;
        need(read_chunks(file, [&](std::string_view piece) { sum.update(piece); }));
        if (sum.hex().size() != 64) give_up("no digest");
      });
  Row row{"`record verify` of 1 M events, " + std::to_string(mib) + " MiB",
          "ms",
          pair.ours,
          "SHA-256 (libsodium) of events.jsonl, read the same way",
          pair.peer,
          ">= 0.5 of its rate (ratio <= 2)",
          {}};
  row.held = row.ratio() <= 2;
  table.add(std::move(row));
  table.add({"resuming that run, until it begins its next step",
             "ms",
             decided,
             "",
             {},
             "<= 2 s",
             decided.median() <= 2000});
  measure_few(table);
  table.add({"resuming that run, one step, and writing its record",
             "ms",
             execute,
             "SHA-256 of events.jsonl",
             pair.peer,
             "",
             {}});
}

}  // namespace hyops::bench
