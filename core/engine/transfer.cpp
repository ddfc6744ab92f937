#include "engine/transfer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::engine {
namespace fs = std::filesystem;
namespace {

constexpr size_t most_files = 100'000;
constexpr int64_t most_bytes = int64_t{8} << 30;
constexpr size_t longest_header = 32u << 20;

// Reads exactly `size` bytes, or fails: the peer went away in between.
Status read_exactly(int fd, char* into, size_t size) {
  while (size > 0) {
    const ssize_t got = ::read(fd, into, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return fail("engine.transfer.truncated", "the record ended before its announced size");
    into += got;
    size -= static_cast<size_t>(got);
  }
  return {};
}

Result<std::string> read_line(int fd) {
  std::string line;
  for (char c = 0; line.size() < longest_header;) {
    if (auto got = read_exactly(fd, &c, 1); !got) return pass(got);
    if (c == '\n') return line;
    line += c;
  }
  return fail("engine.transfer.malformed", "the list of files in the record is too long");
}

// "steps/restore/log.txt": one or more names, no way out.
bool is_inside(const std::string& path) {
  const auto parts = split(path, '/');
  return path.size() < 1024 && parts.size() <= 8 &&
         std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return !part.empty() && part != "." && part != ".." && part.size() <= 128 &&
                  std::all_of(part.begin(), part.end(), [](char c) {
                    return std::isalnum(static_cast<unsigned char>(c)) ||
                           std::string_view("._-#").find(c) != std::string_view::npos;
                  });
         });
}

Status receive_file(int fd, const fs::path& target, int64_t size) {
  if (auto made = make_folders(target.parent_path()); !made) return made;
  const Fd out(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return fail_errno("file.write", "cannot write " + target.string(), errno);
  std::string buffer(static_cast<size_t>(std::min<int64_t>(size, 1 << 20)), '\0');
  while (size > 0) {
    const size_t part =
        static_cast<size_t>(std::min<int64_t>(size, static_cast<int64_t>(buffer.size())));
    if (auto got = read_exactly(fd, buffer.data(), part); !got) return got;
    if (auto put = write_all(out.get(), {buffer.data(), part}); !put) return put;
    size -= static_cast<int64_t>(part);
  }
  if (::fsync(out.get()) != 0)
    return fail_errno("file.write", "cannot keep " + target.string(), errno);
  return {};
}

}  // namespace

Json to_order(const Admission& admission) {
  const auto signed_json = [](const trust::SignedDocument& document) {
    return Json{{"name", document.name},
                {"document", document.document},
                {"signature", document.signature}};
  };
  Json approvals = Json::array();
  for (const auto& approval : admission.approvals) approvals.push_back(signed_json(approval));
  Json order{{"order", 1},
             {"run", admission.run},
             {"plan", admission.plan},
             {"approvals", approvals},
             {"requester", admission.requester},
             {"least_token", admission.least_token}};
  if (admission.decision) order["decision"] = signed_json(*admission.decision);
  return order;
}

Result<Admission> parse_order(const Json& order) {
  try {
    if (order.at("order") != 1)
      return fail("engine.order.malformed", "the order is of another version");
    const auto parse_signed = [](const Json& from) {
      return trust::SignedDocument{from.at("name"), from.at("document"), from.at("signature")};
    };
    Admission admission;
    admission.plan = order.at("plan");
    admission.run = order.at("run");
    admission.requester = order.at("requester");
    admission.least_token = order.at("least_token");
    for (const auto& approval : order.at("approvals"))
      admission.approvals.push_back(parse_signed(approval));
    if (order.contains("decision")) admission.decision = parse_signed(order["decision"]);
    return admission;
  } catch (const std::exception& error) {
    return fail("engine.order.malformed", std::string("the order cannot be read: ") + error.what());
  }
}

Status send_record(const fs::path& record, int fd) {
  std::vector<std::pair<std::string, int64_t>> files;
  std::error_code problem;
  for (fs::recursive_directory_iterator it(record, problem), end; !problem && it != end;
       it.increment(problem))
    if (it->is_regular_file(problem))
      files.emplace_back(it->path().lexically_relative(record).generic_string(),
                         static_cast<int64_t>(it->file_size(problem)));
  if (problem)
    return fail("file.read",
                "cannot read the record in " + record.string() + ": " + problem.message());
  std::sort(files.begin(), files.end());
  Json list = Json::array();
  for (const auto& [path, size] : files) list.push_back({{"path", path}, {"size", size}});
  if (auto put = write_all(fd, Json{{"record", 1}, {"files", list}}.dump() + "\n"); !put)
    return put;
  for (const auto& [path, size] : files) {
    Status put;
    auto read = read_chunks(record / path, [&](std::string_view chunk) {
      if (put) put = write_all(fd, chunk);
    });
    if (!read) return read;
    if (!put) return put;
  }
  return {};
}

Status receive_record(int fd, const fs::path& into) {
  auto header = read_line(fd);
  if (!header) return pass(header);
  auto list = parse_json(*header, "the list of files", longest_header);
  if (!list) return pass(list);
  if (get_int(*list, "record") != 1 || !list->contains("files") || !(*list)["files"].is_array() ||
      (*list)["files"].size() > most_files)
    return fail("engine.transfer.malformed", "what arrived is not a record");
  auto arriving = TempDir::create(into.parent_path(), ".arriving");
  if (!arriving) return pass(arriving);
  int64_t total = 0;
  for (const auto& file : (*list)["files"]) {
    const std::string path = get_string(file, "path");
    const int64_t size = get_int(file, "size", -1);
    if (!is_inside(path) || size < 0 || size > most_bytes || (total += size) > most_bytes)
      return fail(
          "engine.transfer.malformed",
          "the record names the file \"" + printable(path, 120) + "\", which cannot be one of it");
    if (auto got = receive_file(fd, arriving->path() / "record" / path, size); !got) return got;
  }
  std::error_code problem;
  fs::rename(arriving->path() / "record", into, problem);
  if (problem)
    return fail("file.write",
                "cannot keep the record as " + into.string() + ": " + problem.message());
  return {};
}

Status import_state(ledger::Ledger& ledger, const fs::path& record) {
  auto text = read_file(record / "plan.json");
  if (!text) return pass(text);
  auto document = parse_json(*text, "plan.json");
  if (!document) return pass(document);
  auto plan = plan::parse_plan(*document);
  if (!plan) return pass(plan);
  auto about = read_file(record / "run.json");
  if (!about) return pass(about);
  auto run = parse_json(*about, "run.json");
  if (!run) return pass(run);
  const RunId id(get_string(*run, "id", get_string(*run, "run")));

  std::map<std::string, Json> outputs;
  int64_t last_ms = 0;
  std::ifstream events(record / "events.jsonl");
  for (std::string line; std::getline(events, line);) {
    auto event = parse_json(line, "events.jsonl");
    if (!event) return pass(event);
    const std::string type = get_string(*event, "type");
    const Json& body = (*event)["body"];
    last_ms = std::max(last_ms, get_int(*event, "wall_ms"));
    const bool gives = (type == "step.outcome" && get_string(body, "status") == "ok") ||
                       (type == "step.reconciled" && get_string(body, "choice") == "adopt");
    if (gives && body.contains("outputs")) outputs[get_string(body, "step")] = body["outputs"];
  }
  auto lease = ledger.take_lease(plan->lane, id);
  if (!lease) return pass(lease);
  Status done;
  for (const auto& step : plan->steps) {
    const auto found = outputs.find(step.id);
    if (found == outputs.end()) continue;
    const std::string key = step.module + "#" + step.instance;
    auto now = ledger.slot(plan->lane, key);
    if (!now) {
      done = pass(now);
      break;
    }
    if (now->version > 0 && now->run == id.value) continue;
    if (now->version > 0 && now->wall_ms > last_ms) {
      done = fail("engine.state.newer",
                  "the state of " + key + " here was written after run " + id.value + " ended");
      break;
    }
    ledger::Slot next = *now;
    next.lane = plan->lane;
    next.key = key;
    next.epoch = plan->epoch;
    next.value = step.verb == "release" ? Json() : found->second;
    next.run = id.value;
    next.step = step.id;
    auto put = ledger.put_slot(next, now->version, lease->token);
    if (!put) {
      done = pass(put);
      break;
    }
  }
  auto released = ledger.release_lease(plan->lane, id, lease->token);
  return done ? released : done;
}

}  // namespace hyops::engine
