// From the ledger to a folder that outlives it: everything that is known of a run, redacted,
// digested, signed.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "record/event_line.hpp"
#include "record/folder.hpp"
#include "record/label_count.hpp"
#include "record/record.hpp"
#include "record/redact_document.hpp"

namespace hyops::record {
namespace {

namespace fs = std::filesystem;

struct Step {
  Json probes = Json::array(), outputs = Json::object();
};

// What export learns on its one pass over the events.
struct Pass {
  std::map<std::string, Step> steps;
  std::string head;
  int64_t events = 0, redacted_events = 0;
  std::set<std::string> redacted;  // files in which something had to be redacted now
  Leaks leaks;

  void leaked(const LabelCount& before, const LabelCount& after, const std::string& where) {
    constexpr size_t most = 20;  // places that are named
    for (const auto& name : after.more_than(before))
      if (leaks[name].size() < most) leaks[name].push_back(where);
  }
};

std::string pretty(const Json& value) {
  return value.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Redaction happened before the ledger was written; this is the second look. A line that still
// holds a secret keeps its place in the chain, says that it was changed, and no longer holds it.
std::string clean_line(std::string_view line, const EventLine& event, const Redactor& redactor,
                       Pass& pass) {
  if (redactor.redact(line) == line) return std::string(line);
  auto body = parse_json(event.body, "event", size_t{1} << 30);
  auto text = body ? canonical(redactor.redact(*body)) : canonical(Json{{"redacted", "whole"}});
  if (!text || *text == event.body) return std::string(line);
  ++pass.redacted_events;
  pass.redacted.insert("events.jsonl");
  pass.leaked(LabelCount(event.body), LabelCount(*text),
              "events.jsonl line " + std::to_string(pass.events + 1));
  const auto changed = ledger::event_text(RunId(std::string(event.run)), event.seq, event.wall_ms,
                                          event.type, *text, event.previous);
  auto out = ledger::event_line(changed, event.hash);
  out.resize(out.size() - 2);
  return out + "\",\"redacted\":\"" + sha256_hex(changed) + "\"}";
}

void learn(std::string_view line, const EventLine& event, Pass& pass) {
  if (event.type != "step.probe" && event.type != "step.outcome" && event.type != "step.intent" &&
      event.type != "step.reconciled")
    return;
  auto parsed = parse_json(line, "event", size_t{1} << 30);
  if (!parsed) return;
  Json& body = (*parsed)["body"];
  const std::string id = get_string(body, "step");
  if (!is_name(id)) return;
  Step& step = pass.steps[id];
  if (event.type == "step.probe") {
    body.erase("step");
    step.probes.push_back(std::move(body));
  } else if (body.contains("outputs") && event.type != "step.intent") {
    step.outputs = std::move(body["outputs"]);
  }
}

Status write_events(ledger::Ledger& ledger, const RunId& run, const Redactor& redactor,
                    RecordFolder& folder, Pass& pass) {
  auto events = folder.open("events.jsonl");
  if (!events) return hyops::pass(events);
  auto http = folder.open("http.jsonl");  // the lines of external calls, once more by themselves
  if (!http) return hyops::pass(http);
  pass.head = ledger::chain_start(run);
  Status wrote;
  auto read = ledger.each_line(run, 0, [&](std::string_view line) {
    const auto event = parse_event_line(line);
    if (!event) {
      wrote = fail("ledger.broken", "event " + std::to_string(pass.events + 1) + " of run " +
                                        run.value + " is damaged");
      return false;
    }
    const std::string clean = clean_line(line, *event, redactor, pass) + "\n";
    wrote = events->write(clean);
    if (wrote && event->type == "step.http") wrote = http->write(clean);
    learn(std::string_view(clean).substr(0, clean.size() - 1), *event, pass);
    pass.head = std::string(event->hash);
    ++pass.events;
    return wrote.has_value();
  });
  if (!read) return read;
  if (!wrote) return wrote;
  if (auto closed = folder.close(std::move(*events)); !closed) return closed;
  return folder.close(std::move(*http));
}

Status add_redacted(RecordFolder& folder, const std::string& name, const std::string& bytes,
                    const Redactor& redactor, Pass& pass) {
  const std::string clean = redact_document(bytes, redactor);
  if (clean != bytes) {
    pass.redacted.insert(name);
    pass.leaked(LabelCount(bytes), LabelCount(clean), name);
  }
  return folder.add(name, clean);
}

// Attempts in the order they were made. Their logs are redacted already; the stream looks again.
Status add_log(RecordFolder& folder, const std::string& id, const fs::path& step,
               const Redactor& redactor, Pass& seen) {
  std::map<long, fs::path> attempts;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(step, problem)) {
    const std::string name = entry.path().filename().string();
    const fs::path log = entry.path() / "log.txt";
    if (name.find_first_not_of("0123456789") == std::string::npos && name.size() < 10 &&
        fs::symlink_status(log, problem).type() == fs::file_type::regular)
      attempts[std::stol(name)] = log;
  }
  auto file = folder.open("steps/" + id + "/log.txt");
  if (!file) return pass(file);
  for (const auto& [number, log] : attempts) {
    Status wrote;
    if (attempts.size() > 1)
      wrote = file->write("--- attempt " + std::to_string(number) + " ---\n");
    Redactor::Stream stream(redactor);
    LabelCount before, after;
    const auto put = [&](const std::string& clean) {
      after.take(clean);
      if (wrote) wrote = file->write(clean);
    };
    auto read = read_chunks(log, [&](std::string_view chunk) {
      before.take(chunk);
      put(stream.feed(chunk));
    });
    if (!read) return read;
    put(stream.finish());
    if (!wrote) return wrote;
    seen.leaked(before, after, "steps/" + id + "/log.txt");
  }
  return folder.close(std::move(*file));
}

// Names the record gives to its own files; a document of such a name goes below documents/.
bool is_reserved(const std::string& name) {
  static const std::set<std::string> own{
      "run.json",    "plan.json", "inputs.json", "events.jsonl", "http.jsonl", "verdict.json",
      "report.html", "steps",     "approvals",   "checkpoints",  "statements", "documents"};
  return own.contains(name) ||
         (name.find('/') != std::string::npos && !name.starts_with("approvals/") &&
          !name.starts_with("checkpoints/") && !name.starts_with("statements/"));
}

std::string flat(std::string name) {
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

}  // namespace

Status check_leaks(ledger::Ledger& ledger, const RunId& run, const Redactor& redactor) {
  std::string unknown;
  auto read = ledger.each_event_of(run, {"secret.leaked"}, [&](const ledger::Event& event) {
    const std::string name = get_string(event.body, "name");
    if (!redactor.knows(name)) unknown = name;
    return unknown.empty();
  });
  if (!read) return read;
  if (unknown.empty()) return {};
  return fail("record.leak.unknown", "secret " + printable(unknown, 80) +
                                         " stands in plain in the ledger or a log of run " +
                                         run.value + ", and its value is not at hand here");
}

Result<Leaks> export_run(ledger::Ledger& ledger, const RunId& run, const fs::path& steps,
                         const Redactor& redactor, const Signer& sign, const fs::path& to) {
  auto row = ledger.run(run);
  if (!row) return pass(row);
  if (auto safe = check_leaks(ledger, run, redactor); !safe) return pass(safe);
  auto plan = ledger.plan_of(run);
  if (!plan) return pass(plan);
  auto inputs = ledger.inputs_of(run);
  if (!inputs) return pass(inputs);
  auto documents = ledger.documents(run);
  if (!documents) return pass(documents);
  auto folder = RecordFolder::create(to);
  if (!folder) return pass(folder);

  Pass seen;
  if (auto done = write_events(ledger, run, redactor, *folder, seen); !done)
    return hyops::pass(done);
  // plan.json is the canonical form without a newline: its digest is the digest that was approved.
  auto plan_text = canonical(*plan);
  if (!plan_text) return pass(plan_text);
  if (auto done = add_redacted(*folder, "plan.json", *plan_text, redactor, seen); !done)
    return hyops::pass(done);
  if (auto done = add_redacted(*folder, "inputs.json", pretty(*inputs), redactor, seen); !done)
    return hyops::pass(done);
  for (const auto& [name, bytes] : *documents) {
    // A checkpoint is numbers and digests of ours; a PIN that looks like one must not break it.
    auto done = name.starts_with("checkpoints/")
                    ? folder->add(name, bytes)
                    : add_redacted(*folder, is_reserved(name) ? "documents/" + flat(name) : name,
                                   bytes, redactor, seen);
    if (!done) return hyops::pass(done);
  }

  for (const auto& [id, step] : seen.steps) {
    if (auto done = add_log(*folder, id, steps / id, redactor, seen); !done)
      return hyops::pass(done);
    if (auto done = folder->add("steps/" + id + "/probes.json", pretty(step.probes)); !done)
      return hyops::pass(done);
    if (auto done = folder->add("steps/" + id + "/outputs.json", pretty(step.outputs)); !done)
      return hyops::pass(done);
  }

  const int64_t now = system_clock().wall_ms();
  const Json about{{"record", 1},
                   {"run", run.value},
                   {"blueprint", row->blueprint},
                   {"lane", row->lane},
                   {"status", row->status},
                   {"plan", row->plan.value},
                   {"requester", row->requester},
                   {"runner", row->runner},
                   {"created_ms", row->created_ms},
                   {"updated_ms", row->updated_ms},
                   {"exported_ms", now},
                   {"events", seen.events},
                   {"chain_head", seen.head},
                   {"redacted", seen.redacted},
                   {"redacted_events", seen.redacted_events},
                   {"leaked", seen.leaks}};
  if (auto done = folder->add("run.json", pretty(redactor.redact(about))); !done)
    return hyops::pass(done);
  auto story = summary(folder->path() / "record");
  if (!story) return pass(story);
  const Json verdict = redactor.redact(*story);
  if (auto done = folder->add("verdict.json", pretty(verdict)); !done) return hyops::pass(done);
  if (auto done =
          folder->add("report.html", redactor.redact(std::string_view(html_report(verdict))));
      !done)
    return hyops::pass(done);

  const std::string sums = folder->sums();
  auto signature = sign(sums);
  if (!signature) return pass(signature, "while signing the record of " + run.value);
  if (auto done = folder->add("SHA256SUMS", sums); !done) return hyops::pass(done);
  if (auto done = folder->add("SHA256SUMS.minisig", *signature); !done) return hyops::pass(done);
  const auto readers =
      seen.leaks.empty() ? RecordFolder::Readers::all : RecordFolder::Readers::owner;
  if (auto published = folder->publish(readers); !published) return pass(published);
  return std::move(seen.leaks);
}

}  // namespace hyops::record
