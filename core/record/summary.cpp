// What happened, as one document, drawn from the files of a record and from nothing else: whoever
// holds the record can draw it again.
#include "base/file.hpp"
#include "base/text.hpp"
#include "record/event_line.hpp"
#include "record/story.hpp"

namespace hyops::record {
namespace {

namespace fs = std::filesystem;

Result<Json> read_object(const fs::path& file) {
  auto text = read_file(file, size_t{1} << 30);
  if (!text) return pass(text);
  auto parsed = parse_json(*text, file.filename().string(), size_t{1} << 30);
  if (!parsed) return parsed;
  if (!parsed->is_object())
    return fail("record.unreadable", file.filename().string() + " is not a JSON object");
  return parsed;
}

Result<Json> read_optional(const fs::path& file) {
  std::error_code problem;
  if (!fs::exists(file, problem)) return Json();
  return read_object(file);
}

// Approval documents as they were handed in; what of them was accepted is in the events.
Json read_approvals(const fs::path& folder) {
  Json list = Json::array();
  std::error_code problem;
  std::map<std::string, fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, problem))
    if (entry.path().extension() == ".json") files[entry.path().filename().string()] = entry.path();
  for (const auto& [name, file] : files)
    if (auto document = read_object(file)) list.push_back(std::move(*document));
  return list;
}

}  // namespace

Result<Json> summary(const fs::path& folder) {
  auto about = read_object(folder / "run.json");
  if (!about) return pass(about, "while reading the record " + folder.string());
  auto plan = read_object(folder / "plan.json");
  if (!plan) return pass(plan, "while reading the record " + folder.string());
  auto decision = read_optional(folder / "decision.json");
  if (!decision) return pass(decision);
  Story story(*about, *plan, *decision, read_approvals(folder / "approvals"));

  std::string carried;
  int64_t number = 0;
  Status taken;
  const auto take = [&](std::string_view line) {
    ++number;
    if (!taken) return;
    const auto event = parse_event_line(line);
    auto body =
        event ? parse_json(event->body, "events.jsonl", size_t{1} << 30) : Result<Json>(Json());
    if (!event || !body || !body->is_object()) {
      taken = fail("record.unreadable",
                   "events.jsonl line " + std::to_string(number) + " is not an event");
      return;
    }
    story.take(event->type, event->wall_ms, *body);
  };
  auto read = read_chunks(folder / "events.jsonl", [&](std::string_view piece) {
    for (size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
      carried.append(piece.substr(0, end));
      take(carried);
      carried.clear();
      piece.remove_prefix(end + 1);
    }
    carried.append(piece);
  });
  if (!read) return pass(read, "while reading the record " + folder.string());
  if (!taken) return pass(taken);
  return story.tell();
}

Result<Json> summary(ledger::Ledger& ledger, const RunId& run) {
  auto row = ledger.run(run);
  if (!row) return pass(row);
  auto plan = ledger.plan_of(run);
  if (!plan) return pass(plan);
  auto documents = ledger.documents(run);
  if (!documents) return pass(documents);
  Json decision, approvals = Json::array();
  for (const auto& [name, bytes] : *documents) {
    const bool approval = name.starts_with("approvals/") && name.ends_with(".json");
    if (name != "decision.json" && !approval) continue;
    auto parsed = parse_json(bytes, name);
    if (!parsed) continue;  // kept as it came; what was accepted of it is in the events
    if (approval)
      approvals.push_back(std::move(*parsed));
    else
      decision = std::move(*parsed);
  }
  const Json about{{"run", run.value},
                   {"lane", row->lane},
                   {"blueprint", row->blueprint},
                   {"status", row->status},
                   {"plan", row->plan.value},
                   {"requester", row->requester},
                   {"runner", row->runner},
                   {"created_ms", row->created_ms}};
  Story story(about, *plan, decision, approvals);
  auto read = ledger.each_event(run, 0, [&](const ledger::Event& event) {
    story.take(event.type, event.wall_ms, event.body);
    return true;
  });
  if (!read) return pass(read);
  return story.tell();
}

}  // namespace hyops::record
