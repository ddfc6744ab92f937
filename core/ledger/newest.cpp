// The newest acknowledged event, noted outside of SQLite, so that a ledger which forgot it is not
// believed.
#include <unistd.h>

#include <array>
#include <cstring>

#include "ledger/store.hpp"

namespace hyops::ledger {
namespace {

// Written after the commit, so what it says is on the disk by then; never synced, because an older
// note is as true.
struct Note {
  int64_t place = 0;  // 0: nothing was noted yet
  std::array<char, 24> hash{};

  bool operator==(const Note&) const = default;
};

Note read_note(int fd) {
  Note note;
  if (::pread(fd, &note, sizeof note, 0) != static_cast<ssize_t>(sizeof note)) return {};
  return note;
}

}  // namespace

void Ledger::Impl::note_newest(int64_t number, const ChainHead& newest) const {
  Note note{number * events_per_run + newest.seq, {}};
  std::memcpy(note.hash.data(), newest.hash.data(), std::min(newest.hash.size(), note.hash.size()));
  // Where this fails the older note stands.
  if (::pwrite(leases.get(), &note, sizeof note, 0) < 0) return;
}

Status Ledger::Impl::check_newest() {
  for (Note note = read_note(leases.get());;) {
    if (note.place == 0) return {};
    auto asked = database.query("SELECT hash FROM events WHERE place = ?", note.place);
    if (!asked) return pass(asked);
    auto there = asked->row();
    if (!there) return pass(there);
    if (*there && asked->view(0).starts_with(std::string_view(note.hash.data(), note.hash.size())))
      return {};
    // Another process may have been writing it just then.
    const Note again = read_note(leases.get());
    if (again == note) break;
    note = again;
  }
  return fail(
      "ledger.behind",
      "the ledger " + file.string() + " does not hold the last event that was acknowledged; was " +
          file.filename().string() + "-wal removed, or an older copy put in its place?",
      "Put the newer " + file.string() + " back with its -wal. If an older copy was " +
          "restored on purpose, find out what ran since, then: rm " + file.string() + ".leases");
}

}  // namespace hyops::ledger
