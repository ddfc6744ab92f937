// The tables of the ledger, and the refusal to touch a file that is not one.
#include "ledger/store.hpp"

namespace hyops::ledger {
namespace {

constexpr int64_t application_id = 0x68796f70;  // "hyop", as `file` shows it
constexpr int64_t schema_version = 1;

// The triggers keep honest mistakes out, also those made with the sqlite3 shell. Whoever drops them
// still meets the hash chain.
constexpr const char* schema = R"sql(
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE, lane TEXT NOT NULL, blueprint TEXT NOT NULL, status TEXT NOT NULL,
  plan_digest TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
  requester TEXT NOT NULL, runner TEXT NOT NULL, plan TEXT NOT NULL, inputs TEXT NOT NULL,
  anchor_seq INTEGER NOT NULL DEFAULT 0,   -- the chain's end when the status last changed
  anchor_hash TEXT NOT NULL DEFAULT '');
CREATE TABLE events (
  place INTEGER PRIMARY KEY,               -- (number of the run << 32) + seq
  wall_ms INTEGER NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE documents (
  run INTEGER NOT NULL REFERENCES runs(number), name TEXT NOT NULL, bytes TEXT NOT NULL,
  PRIMARY KEY (run, name)) WITHOUT ROWID;
CREATE TABLE slots (
  lane TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, epoch INTEGER NOT NULL,
  value TEXT NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, wall_ms INTEGER NOT NULL,
  token INTEGER NOT NULL, PRIMARY KEY (lane, key, version)) WITHOUT ROWID;
CREATE TABLE leases (
  number INTEGER PRIMARY KEY, lane TEXT NOT NULL UNIQUE, token INTEGER NOT NULL,
  holder TEXT NOT NULL,                    -- empty: free
  host TEXT NOT NULL, boot_id TEXT NOT NULL, pid INTEGER NOT NULL, pid_start INTEGER NOT NULL,
  pid_space TEXT NOT NULL, taken_ms INTEGER NOT NULL);
CREATE TABLE used (
  kind TEXT NOT NULL, nonce TEXT NOT NULL, user TEXT NOT NULL, wall_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, nonce)) WITHOUT ROWID;

CREATE TRIGGER events_stay BEFORE UPDATE ON events
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_kept BEFORE DELETE ON events
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER slots_stay BEFORE UPDATE ON slots
  BEGIN SELECT RAISE(ABORT, 'state history is append-only'); END;
CREATE TRIGGER slots_kept BEFORE DELETE ON slots
  BEGIN SELECT RAISE(ABORT, 'state history is append-only'); END;
CREATE TRIGGER used_stay BEFORE UPDATE ON used
  BEGIN SELECT RAISE(ABORT, 'what was used stays used'); END;
CREATE TRIGGER used_kept BEFORE DELETE ON used
  BEGIN SELECT RAISE(ABORT, 'what was used stays used'); END;
CREATE TRIGGER documents_stay BEFORE UPDATE ON documents
  BEGIN SELECT RAISE(ABORT, 'documents are kept as they came'); END;
CREATE TRIGGER documents_kept BEFORE DELETE ON documents
  BEGIN SELECT RAISE(ABORT, 'documents are kept as they came'); END;
CREATE TRIGGER runs_kept BEFORE DELETE ON runs
  BEGIN SELECT RAISE(ABORT, 'runs are never removed'); END;
CREATE TRIGGER runs_stay BEFORE UPDATE
  OF id, lane, blueprint, plan_digest, plan, inputs, created_ms, requester ON runs
  BEGIN SELECT RAISE(ABORT, 'what a run was asked to do never changes'); END;
CREATE TRIGGER tokens_grow BEFORE UPDATE ON leases WHEN new.token < old.token
  BEGIN SELECT RAISE(ABORT, 'a fencing token never repeats'); END;
CREATE TRIGGER leases_kept BEFORE DELETE ON leases
  BEGIN SELECT RAISE(ABORT, 'a fencing token never repeats'); END;
PRAGMA application_id = 0x68796f70;
PRAGMA user_version = 1;
)sql";

// WAL is a property of the file and has to be set before the first table; it is checked for,
// because SQLite falls back in silence where shared memory is not to be had.
Status set_mode(Database& database, const std::filesystem::path& file) {
  auto mode = database.query("PRAGMA journal_mode = WAL");
  if (!mode) return pass(mode);
  auto answered = mode->row();
  if (!answered) return pass(answered);
  if (mode->text(0) != "wal")
    return fail("ledger.open",
                "the file system of " + file.string() + " cannot hold a shared ledger (no WAL)");
  if (auto done = mode->done(); !done) return done;
  return database.run("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
}

}  // namespace

Status create_schema(Database& database, const std::filesystem::path& file) {
  if (auto set = set_mode(database, file); !set) return set;
  auto transaction = Transaction::begin(database);
  if (!transaction) return pass(transaction);
  if (auto made = database.run(schema); !made) return made;
  if (auto committed = transaction->commit(); !committed) return committed;
  // Out of the WAL, which stays behind when the file gets its name; closing would do it as well,
  // but could not say where it failed.
  auto moved = database.query("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!moved) return pass(moved);
  auto answered = moved->row();
  if (!answered) return pass(answered);
  if (!*answered || moved->integer(0) != 0)
    return fail("ledger.open", "SQLite could not finish " + file.string());
  return moved->done();
}

Status prepare_schema(Database& database, const std::filesystem::path& file) {
  auto version = database.number("PRAGMA user_version");
  if (!version) return pass(version);
  auto application = database.number("PRAGMA application_id");
  if (!application) return pass(application);
  if (*application != application_id)
    return fail("ledger.broken",
                file.string() + " is not a ledger of hyops, or one that was cut to nothing");
  if (*version > schema_version)
    return fail("ledger.schema.newer", file.string() + " was written by a newer hyops (schema " +
                                           std::to_string(*version) + "; this one knows " +
                                           std::to_string(schema_version) + ")");
  if (*version < schema_version)
    return fail("ledger.schema.older", file.string() + " was written by an older hyops (schema " +
                                           std::to_string(*version) + "; this one reads " +
                                           std::to_string(schema_version) + ")");
  return set_mode(database, file);
}

}  // namespace hyops::ledger
