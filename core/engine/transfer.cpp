#include "engine/transfer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::engine {
namespace fs = std::filesystem;
namespace {

constexpr size_t most_files = 100'000;
constexpr int64_t most_bytes = int64_t{8} << 30;
constexpr size_t longest_header = 32u << 20;

// What a peer sends, up to its end: it may go away at any byte.
class Incoming {
 public:
  explicit Incoming(int fd) : fd_(fd) {}

  Status read(char* into, size_t size) {
    while (size > 0) {
      if (auto more = fill(); !more) return more;
      const size_t part = std::min(size, buffer_.size() - at_);
      buffer_.copy(into, part, at_);
      at_ += part;
      into += part;
      size -= part;
    }
    return {};
  }

  Result<std::string> line() {
    std::string line;
    while (line.size() < longest_header) {
      if (auto more = fill(); !more) return pass(more);
      const size_t end = buffer_.find('\n', at_);
      line.append(buffer_, at_, end == std::string::npos ? end : end - at_);
      at_ = end == std::string::npos ? buffer_.size() : end + 1;
      if (end != std::string::npos) return line;
    }
    return fail("engine.transfer.malformed", "the list of files in the record is too long");
  }

 private:
  Status fill() {
    if (at_ < buffer_.size()) return {};
    buffer_.resize(1u << 16);
    at_ = 0;
    ssize_t got = 0;
    do got = ::read(fd_, buffer_.data(), buffer_.size());
    while (got < 0 && errno == EINTR);
    buffer_.resize(static_cast<size_t>(std::max<ssize_t>(0, got)));
    if (got > 0) return {};
    return fail("engine.transfer.truncated", "the record ended before its announced size");
  }

  int fd_;
  std::string buffer_;
  size_t at_ = 0;
};

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

Status receive_file(Incoming& from, const fs::path& target, int64_t size) {
  if (auto made = make_folders(target.parent_path()); !made) return made;
  const Fd out(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return fail_errno("file.write", "cannot write " + target.string(), errno);
  std::string buffer(static_cast<size_t>(std::min<int64_t>(size, 1 << 20)), '\0');
  while (size > 0) {
    const size_t part =
        static_cast<size_t>(std::min<int64_t>(size, static_cast<int64_t>(buffer.size())));
    if (auto got = from.read(buffer.data(), part); !got) return got;
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
       it.increment(problem)) {
    const auto kind = it->symlink_status(problem).type();
    const std::string path = it->path().lexically_relative(record).generic_string();
    if (kind == fs::file_type::directory) continue;
    if (kind != fs::file_type::regular)  // what a link points to is no part of the record (K6)
      return fail("file.name", printable(path, 120) + " in the record is no regular file");
    files.emplace_back(path, static_cast<int64_t>(it->file_size(problem)));
  }
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

std::vector<Error> errors_in(const Json& answer) {
  std::vector<Error> errors;
  if (!answer.is_object() || !answer.contains("errors") || !answer["errors"].is_array())
    return errors;
  for (const auto& said : answer["errors"]) {
    if (!said.is_object()) continue;
    Error error = make_error(printable(get_string(said, "code"), 80),
                             printable(get_string(said, "message"), 1000),
                             printable(get_string(said, "next"), 200));
    if (const auto kind = failure_class(get_string(said, "class"))) error.kind = *kind;
    errors.push_back(std::move(error));
  }
  return errors;
}

Status receive_record(int fd, const fs::path& into) {
  Incoming from(fd);
  auto header = from.line();
  if (!header) return pass(header);
  auto list = parse_json(*header, "the list of files", longest_header);
  if (!list) return pass(list);
  if (auto errors = errors_in(*list); !errors.empty()) return Failure(std::move(errors.front()));
  if (get_int(*list, "record") != 1 || !list->contains("files") || !(*list)["files"].is_array() ||
      (*list)["files"].empty() || (*list)["files"].size() > most_files)
    return fail("engine.transfer.malformed", "what arrived is not a record");
  auto arriving = TempDir::create(into.parent_path(), ".arriving");
  if (!arriving) return pass(arriving);
  int64_t total = 0;
  std::set<std::string> taken;
  for (const auto& file : (*list)["files"]) {
    const std::string path = get_string(file, "path");
    const int64_t size = get_int(file, "size", -1);
    if (!is_inside(path) || !taken.insert(path).second || size < 0 || size > most_bytes ||
        (total += size) > most_bytes)
      return fail(
          "engine.transfer.malformed",
          "the record names the file \"" + printable(path, 120) + "\", which cannot be one of it");
    if (auto got = receive_file(from, arriving->path() / "record" / path, size); !got) return got;
  }
  std::error_code problem;
  fs::rename(arriving->path() / "record", into, problem);
  if (problem)
    return fail("file.write",
                "cannot keep the record as " + into.string() + ": " + problem.message());
  return {};
}

namespace {

Result<Json> json_of(const fs::path& record, const char* name) {
  auto text = read_file(record / name);
  if (!text) return pass(text);
  return parse_json(*text, name);
}

// What the steps of the record published, and when it was last written to.
struct Published {
  std::map<std::string, Json> outputs;  // of steps that ended well or were adopted
  int64_t last_ms = 0;
};

Result<Published> published_in(const fs::path& record) {
  Published out;
  std::ifstream events(record / "events.jsonl");
  for (std::string line; std::getline(events, line);) {
    auto event = parse_json(line, "events.jsonl");
    if (!event) return pass(event);
    const std::string type = get_string(*event, "type");
    const Json body = event->is_object() ? event->value("body", Json()) : Json();
    out.last_ms = std::max(out.last_ms, get_int(*event, "wall_ms"));
    const bool gives = (type == "step.outcome" && get_string(body, "status") == "ok") ||
                       (type == "step.reconciled" && get_string(body, "choice") == "adopt");
    if (gives && body.contains("outputs")) out.outputs[get_string(body, "step")] = body["outputs"];
  }
  return out;
}

// Everything that is to change, or the reason why nothing may.
Result<std::vector<ledger::Slot>> changes(ledger::Ledger& ledger, const RunId& run,
                                          const plan::Plan& plan, const Published& published) {
  std::vector<ledger::Slot> out;
  for (const auto& step : plan.steps) {
    const auto found = published.outputs.find(step.id);
    if (found == published.outputs.end()) continue;
    const std::string key = plan::slot_of(step);
    auto now = ledger.slot(plan.lane, key);
    if (!now) return pass(now);
    ledger::Slot next = *now;
    next.epoch = plan.epoch;
    next.value = step.verb == "release" ? Json() : found->second;
    next.run = run.value;
    next.step = step.id;
    if (now->version > 0) {
      if (now->run == next.run && now->epoch == next.epoch && now->value == next.value) continue;
      if (now->epoch > plan.epoch || now->wall_ms > published.last_ms)
        return fail("engine.state.newer", "the state of " + key + " here was written by run " +
                                              now->run + " in epoch " + std::to_string(now->epoch) +
                                              ", after the record of run " + run.value +
                                              " of epoch " + std::to_string(plan.epoch));
    }
    out.push_back(std::move(next));
  }
  return out;
}

}  // namespace

Status check_record_of(ledger::Ledger& ledger, const RunId& run, const fs::path& record) {
  auto row = ledger.run(run);
  if (!row) return pass(row);
  auto about = json_of(record, "run.json");
  if (!about) return pass(about);
  auto document = json_of(record, "plan.json");
  if (!document) return pass(document);
  auto plan = plan::parse_plan(*document);
  if (!plan) return pass(plan);
  auto digest = plan::digest(*plan);
  if (!digest) return pass(digest);
  const std::string id = get_string(*about, "id", get_string(*about, "run"));
  if (id != run.value || plan->lane != row->lane || *digest != row->plan)
    return fail("engine.record.other_run", "what arrived is the record of run " +
                                               printable(id, 80) + " in lane " + plan->lane +
                                               ", not of " + run.value + " in lane " + row->lane +
                                               " with the plan it was ordered with");
  return {};
}

Status import_state(ledger::Ledger& ledger, const RunId& run, const fs::path& record) {
  if (auto ours = check_record_of(ledger, run, record); !ours) return ours;
  auto document = json_of(record, "plan.json");
  if (!document) return pass(document);
  auto plan = plan::parse_plan(*document);
  if (!plan) return pass(plan);
  auto published = published_in(record);
  if (!published) return pass(published);
  auto lease = ledger.take_lease(plan->lane, run);
  if (!lease) return pass(lease);
  Status done;
  auto slots = changes(ledger, run, *plan, *published);
  if (!slots) done = pass(slots);
  for (size_t i = 0; done && i < slots->size(); ++i)
    if (auto put = ledger.put_slot((*slots)[i], (*slots)[i].version, lease->token); !put)
      done = pass(put);
  auto released = ledger.release_lease(plan->lane, run, lease->token);
  return done ? released : done;
}

}  // namespace hyops::engine
