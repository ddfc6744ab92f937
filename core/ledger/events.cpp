// The chain of events of a run: appended with one durable commit, read in pieces, checked as a
// whole.
#include <algorithm>

#include "base/digest.hpp"
#include "ledger/store.hpp"

namespace hyops::ledger {
namespace {

constexpr size_t tail_size = 75;  // what event_line adds, and the brace it moves
constexpr int64_t piece = 512;    // events read at once: readers hold no lock while they work

// Letters, digits, dots, dashes: nothing that JSON would escape, so a type has one spelling.
bool is_type(std::string_view type) {
  return !type.empty() && type.size() <= 64 && std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

struct Stored {
  int64_t seq, wall_ms;
  std::string type, body, hash;
  std::string previous;  // only of a narrowed reading: the event before may not be in it
};

Failure altered(const RunId& id) {
  return fail("ledger.broken", "the event chain of run " + id.value +
                                   " breaks: an event in it was changed or removed");
}

// `types` narrows it down: " AND type IN (...)"; then each comes with the hash of the one before
// it.
Result<std::vector<Stored>> read_piece(Database& database, int64_t number, int64_t after_seq,
                                       const std::string& types = {}) {
  const std::string select =
      "SELECT place, wall_ms, type, body, hash, " +
      std::string(types.empty() ? "''"
                                : "(SELECT hash FROM events AS before WHERE before.place = "
                                  "events.place - 1)") +
      " FROM events WHERE place > ? AND place < ?" + types + " ORDER BY place LIMIT ?";
  auto asked = database.query(select.c_str(), number * events_per_run + after_seq,
                              (number + 1) * events_per_run, piece);
  if (!asked) return pass(asked);
  std::vector<Stored> found;
  for (;;) {
    auto more = asked->row();
    if (!more) return pass(more);
    if (!*more) return found;
    found.push_back({asked->integer(0) - number * events_per_run, asked->integer(1), asked->text(2),
                     asked->text(3), asked->text(4), asked->text(5)});
  }
}

}  // namespace

Result<ChainHead> Ledger::Impl::head(int64_t number, const RunId& id) {
  auto asked = database.query(
      "SELECT place, hash FROM events WHERE place > ? AND place < ? ORDER BY place DESC LIMIT 1",
      number * events_per_run, (number + 1) * events_per_run);
  if (!asked) return pass(asked);
  auto there = asked->row();
  if (!there) return pass(there);
  if (!*there) return ChainHead{0, chain_start(id)};
  return ChainHead{asked->integer(0) - number * events_per_run, asked->text(1)};
}

// Onto the end of the chain, inside the caller's transaction.
Result<ChainHead> Ledger::Impl::extend(int64_t number, const RunId& id, const Events& events) {
  auto end = head(number, id);
  if (!end) return end;
  const int64_t now = clock->wall_ms();
  for (const auto& [type, body] : events) {
    if (!is_type(type))
      return fail("ledger.event.malformed", "\"" + type + "\" cannot be the type of an event");
    auto text = canonical(body);
    if (!text) return pass(text, "while appending " + type);
    end->hash = sha256_hex(event_text(id, ++end->seq, now, type, *text, end->hash));
    auto stored = database.execute("INSERT INTO events VALUES (?,?,?,?,?)",
                                   number * events_per_run + end->seq, now, type, *text, end->hash);
    if (!stored) return pass(stored);
  }
  return end;
}

Result<ChainHead> Ledger::append(const RunId& id, const std::string& type, const Json& body) {
  auto end = impl_->append(id, {{type, body}}, {}, {});
  if (!end) return pass(end, "while appending " + type);
  return end;
}

Status Ledger::append_all(const RunId& id, const Events& events, const std::optional<Fence>& fence,
                          const Documents& documents) {
  if (events.empty() && documents.empty()) return {};
  auto end = impl_->append(id, events, fence, documents);
  if (!end) return pass(end);
  return {};
}

Result<ChainHead> Ledger::Impl::append(const RunId& id, const Events& events,
                                       const std::optional<Fence>& fence,
                                       const Documents& documents) {
  const std::lock_guard lock(mutex);
  auto transaction = Transaction::begin(database);
  if (!transaction) return pass(transaction);
  // In the same transaction: nobody can take the lane between the look and the write.
  if (fence)
    if (auto ours = check_token(fence->lane, fence->token); !ours) return pass(ours);
  auto number = run_number(id);
  if (!number) return pass(number);
  for (const auto& [name, bytes] : documents)
    if (auto put = put_document(*number, id, name, bytes); !put) return pass(put);
  auto end = extend(*number, id, events);
  if (!end) return end;
  if (auto committed = transaction->commit(); !committed) return pass(committed);
  if (!events.empty()) note_newest(*number, *end);
  return end;
}

Status Ledger::each_line(const RunId& id, int64_t after_seq,
                         const std::function<bool(std::string_view)>& take) {
  int64_t number = 0;
  std::string previous = chain_start(id);
  {
    const std::lock_guard lock(impl_->mutex);
    auto known = impl_->run_number(id);
    if (!known) return pass(known);
    number = *known;
    if (after_seq > 0) {
      auto asked = impl_->database.query("SELECT hash FROM events WHERE place = ?",
                                         number * events_per_run + after_seq);
      if (!asked) return pass(asked);
      auto there = asked->row();
      if (!there) return pass(there);
      if (!*there) return {};
      previous = asked->text(0);
    }
  }
  for (;;) {
    std::unique_lock lock(impl_->mutex);
    auto events = read_piece(impl_->database, number, after_seq);
    lock.unlock();
    if (!events) return pass(events);
    if (events->empty()) return {};
    for (auto& event : *events) {
      const auto text = event_text(id, event.seq, event.wall_ms, event.type, event.body, previous);
      if (!take(event_line(text, event.hash))) return {};
      previous = std::move(event.hash);
      after_seq = event.seq;
    }
  }
}

Status Ledger::each_event_of(const RunId& id, const std::vector<std::string>& types,
                             const std::function<bool(const Event&)>& take) {
  std::string among;
  for (const auto& type : types) {
    if (!is_type(type))
      return fail("ledger.event.malformed", "\"" + type + "\" cannot be the type of an event");
    among += (among.empty() ? " AND type IN ('" : ",'") + type + "'";
  }
  among += ')';
  int64_t number = 0, after_seq = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    auto known = impl_->run_number(id);
    if (!known) return pass(known);
    number = *known;
  }
  for (;;) {
    std::unique_lock lock(impl_->mutex);
    auto events = read_piece(impl_->database, number, after_seq, among);
    lock.unlock();
    if (!events) return pass(events);
    if (events->empty()) return {};
    for (auto& event : *events) {
      after_seq = event.seq;
      if (event.seq == 1) event.previous = chain_start(id);
      if (sha256_hex(event_text(id, event.seq, event.wall_ms, event.type, event.body,
                                event.previous)) != event.hash)
        return altered(id);
      auto body = parse_json(event.body, "an event of " + id.value, size_t{1} << 30);
      if (!body) return fail("ledger.broken", body.error().message);
      if (!take({event.seq, event.wall_ms, event.type, std::move(*body), std::move(event.previous),
                 event.hash}))
        return {};
    }
  }
}

Status Ledger::each_event(const RunId& id, int64_t after_seq,
                          const std::function<bool(const Event&)>& take) {
  Status outcome;
  auto read = each_line(id, after_seq, [&](std::string_view line) {
    // Nothing follows from an event that is not as it was written.
    const std::string text = std::string(line.substr(0, line.size() - tail_size)) + '}';
    if (event_line(text, sha256_hex(text)) != line) {
      outcome = altered(id);
      return false;
    }
    auto parsed = parse_json(line, "an event of " + id.value, size_t{1} << 30);
    if (!parsed) {
      outcome = fail("ledger.broken", parsed.error().message);
      return false;
    }
    return take({get_int(*parsed, "seq"), get_int(*parsed, "wall_ms"), get_string(*parsed, "type"),
                 std::move((*parsed)["body"]), get_string(*parsed, "previous"),
                 get_string(*parsed, "hash")});
  });
  return read ? outcome : read;
}

Result<ChainHead> Ledger::chain_head(const RunId& id) {
  const std::lock_guard lock(impl_->mutex);
  auto number = impl_->run_number(id);
  if (!number) return pass(number);
  return impl_->head(*number, id);
}

Status Ledger::check() {
  struct Run {
    int64_t number, anchor_seq;
    RunId id;
    std::string anchor_hash;
  };
  std::vector<Run> runs;
  {
    const std::lock_guard lock(impl_->mutex);
    auto asked = impl_->database.query("PRAGMA integrity_check(1)");
    if (!asked) return pass(asked);
    auto there = asked->row();
    if (!there) return pass(there);
    if (!*there || asked->view(0) != "ok")
      return fail("ledger.broken",
                  "SQLite finds damage in " + impl_->file.string() + ": " + asked->text(0));
    auto listed = impl_->database.query(
        "SELECT number, anchor_seq, id, anchor_hash FROM runs ORDER BY number");
    if (!listed) return pass(listed);
    for (;;) {
      auto more = listed->row();
      if (!more) return pass(more);
      if (!*more) break;
      runs.push_back(
          {listed->integer(0), listed->integer(1), RunId(listed->text(2)), listed->text(3)});
    }
  }
  for (const auto& run : runs) {
    std::string previous = chain_start(run.id);
    int64_t seq = 0;
    for (;;) {
      std::unique_lock lock(impl_->mutex);
      auto events = read_piece(impl_->database, run.number, seq);
      lock.unlock();
      if (!events) return pass(events);
      if (events->empty()) break;
      for (auto& event : *events) {
        const auto text =
            event_text(run.id, event.seq, event.wall_ms, event.type, event.body, previous);
        if (event.seq != ++seq || sha256_hex(text) != event.hash)
          return fail("ledger.broken", "the event chain of run " + run.id.value +
                                           " breaks at event " + std::to_string(seq));
        previous = std::move(event.hash);
        if (seq == run.anchor_seq && previous != run.anchor_hash)
          return fail("ledger.broken", "the event chain of run " + run.id.value +
                                           " was rewritten before event " + std::to_string(seq));
      }
    }
    if (seq < run.anchor_seq)
      return fail("ledger.broken", "run " + run.id.value + " lost its events after " +
                                       std::to_string(seq) + "; there were " +
                                       std::to_string(run.anchor_seq));
  }
  return {};
}

}  // namespace hyops::ledger
