// Published state of a lane, changed only by its current writer and only from what that writer saw.
#include "ledger/store.hpp"

namespace hyops::ledger {
namespace {

Result<Slot> read_slot(Query& row) {
  Slot slot{row.text(0), row.text(1), row.integer(2), row.integer(3),
            nullptr,     row.text(5), row.text(6),    row.integer(7)};
  auto value = parse_json(row.view(4), "the state " + slot.key, size_t{1} << 30);
  if (!value) return fail("ledger.broken", value.error().message);
  slot.value = std::move(*value);
  return slot;
}

Result<std::vector<Slot>> read_slots(Result<Query> asked) {
  if (!asked) return pass(asked);
  std::vector<Slot> found;
  for (;;) {
    auto more = asked->row();
    if (!more) return pass(more);
    if (!*more) return found;
    auto slot = read_slot(*asked);
    if (!slot) return pass(slot);
    found.push_back(std::move(*slot));
  }
}

}  // namespace

Result<Slot> Ledger::Impl::newest(const std::string& lane, const std::string& key) {
  auto found =
      read_slots(database.query("SELECT lane, key, version, epoch, value, run, step, wall_ms FROM "
                                "slots WHERE lane = ? AND key = ? "
                                "ORDER BY version DESC LIMIT 1",
                                lane, key));
  if (!found) return pass(found);
  if (!found->empty()) return std::move(found->front());
  Slot absent;
  absent.lane = lane;
  absent.key = key;
  return absent;
}

Result<Slot> Ledger::slot(const std::string& lane, const std::string& key) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->newest(lane, key);
}

Result<std::vector<Slot>> Ledger::slots(const std::string& lane) {
  const std::lock_guard lock(impl_->mutex);
  // With max() in the list SQLite takes the other columns from that same row (lang_select, 2.5).
  return read_slots(impl_->database.query(
      "SELECT lane, key, max(version), epoch, value, run, step, wall_ms FROM slots WHERE lane = ? "
      "GROUP BY key ORDER BY key",
      lane));
}

Result<std::vector<Slot>> Ledger::slot_history(const std::string& lane, const std::string& key) {
  const std::lock_guard lock(impl_->mutex);
  return read_slots(
      impl_->database.query("SELECT lane, key, version, epoch, value, run, step, wall_ms FROM "
                            "slots WHERE lane = ? AND key = ? "
                            "ORDER BY version",
                            lane, key));
}

Result<Slot> Ledger::put_slot(const Slot& slot, int64_t expected, int64_t token) {
  auto text = canonical(slot.value);
  if (!text) return pass(text, "while publishing " + slot.key);
  const std::lock_guard lock(impl_->mutex);
  auto transaction = Transaction::begin(impl_->database);
  if (!transaction) return pass(transaction);
  if (auto current = impl_->check_token(slot.lane, token); !current)
    return pass(current, "while publishing " + slot.key);
  auto newest = impl_->newest(slot.lane, slot.key);
  if (!newest) return newest;
  if (newest->version != expected)
    return fail("ledger.slot.conflict",
                slot.key + " of lane " + slot.lane + " is at version " +
                    std::to_string(newest->version) +
                    (newest->version ? ", written by step " + newest->step + " of run " +
                                           newest->run + " at " + to_rfc3339(newest->wall_ms)
                                     : "") +
                    "; this step had seen version " + std::to_string(expected));
  Slot written = slot;
  written.version = expected + 1;
  written.wall_ms = impl_->clock->wall_ms();
  auto stored = impl_->database.execute("INSERT INTO slots VALUES (?,?,?,?,?,?,?,?,?)", slot.lane,
                                        slot.key, written.version, slot.epoch, *text, slot.run,
                                        slot.step, written.wall_ms, token);
  if (!stored) return pass(stored);
  if (auto committed = transaction->commit(); !committed) return pass(committed);
  return written;
}

}  // namespace hyops::ledger
