// The one durable memory of a runner: what was intended, what came of it, in a chain nobody can
// mend unseen. Everything acknowledged to a caller is on disk (WAL, synchronous=FULL).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"

namespace hyops::ledger {

struct Event {
  int64_t seq = 0;  // of the run, from 1
  int64_t wall_ms = 0;
  std::string type;  // "run.started", "step.intent", "step.outcome", "gate.opened", ...
  Json body;
  std::string previous;  // hex SHA-256 of the event before; of the first: of the run's id
  std::string hash;  // hex SHA-256 over the canonical JSON of {run,seq,wall_ms,type,body,previous}
};
// What is hashed, and the same as text from a body that is canonical JSON already.
Json event_document(const RunId& run, const Event& event);
std::string event_text(const RunId& run, int64_t seq, int64_t wall_ms, std::string_view type,
                       std::string_view body, std::string_view previous);
std::string event_hash(const RunId& run, const Event& event);
std::string chain_start(const RunId& run);  // what the first event names as its previous
// A line of events.jsonl: the hashed text with `,"hash":"<64 hex>"` before its closing brace. So a
// verifier takes the last 75 bytes off, puts the brace back and hashes, without parsing or
// re-serialising.
std::string event_line(std::string_view text, std::string_view hash);

using Events = std::vector<std::pair<std::string, Json>>;            // type, body
using Documents = std::vector<std::pair<std::string, std::string>>;  // name, bytes

struct ChainHead {
  int64_t seq = 0;   // of the last event; 0: there is none yet
  std::string hash;  // of it, or chain_start
};

struct RunRow {
  RunId id;
  std::string lane, blueprint,
      status;  // status: planned running waiting ok failed cancelled unknown
  PlanDigest plan;
  int64_t created_ms = 0, updated_ms = 0;
  std::string requester, runner;
};

struct Once {  // what is good for one run only
  std::string kind, nonce;
};

struct Slot {             // published outputs of module#instance in a lane
  std::string lane, key;  // "compute/host#db-cloud"
  int64_t version = 0;    // 0: the slot does not exist
  int64_t epoch = 0;      // of the lane when written (E9)
  Json value;             // null: released
  std::string run, step;
  int64_t wall_ms = 0;
};

// What can be said of the process that holds a lease: dead only with proof; unclear where the lease
// was taken on another machine, which cannot be looked at from here, and nobody holds its lock.
enum class Holder { alive, dead, unclear };
struct Lease {               // the single writer of a lane
  std::string lane, holder;  // holder: run id
  int64_t token = 0;         // fencing token: grows with every take-over, never repeats
  std::string host, boot_id;
  int64_t pid = 0, pid_start = 0;
  int64_t taken_ms = 0;
  std::string pid_space;  // PID namespace: the same number in another one is another process
};

// The process that takes leases, as the kernel knows it.
struct Self {
  std::string host, boot_id, pid_space;
  int64_t pid = 0, pid_start = 0;
};

struct Fence {  // what a writer believes to hold
  std::string lane;
  int64_t token = 0;
};

// Safe to use from several threads. Other processes may have the same file open at the same time;
// readers never wait for a writer, writers wait for each other up to 10 s (ledger.locked).
class Ledger {
 public:
  // Opens or creates; refuses what it cannot trust: ledger.open, ledger.broken,
  // ledger.behind (it forgot what it acknowledged), ledger.schema.{newer,older}, ledger.not_yours
  // (owner), ledger.read_only. Never repairs silently.
  // `self`: whoever else takes leases through it; a simulation plays several processes in one.
  static Result<Ledger> open(const std::filesystem::path& file, const Clock& clock = system_clock(),
                             std::optional<Self> self = {});
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;
  ~Ledger();

  // --- runs and events
  // With the run, in one transaction, everything in `once` is used up for ever: nonces of decisions
  // and approvals. Where one of them was used before (ledger.used) none is, and there is no run.
  // What it was admitted by comes in the same transaction: there is no run without its approvals.
  Status create_run(const RunRow& run, const Json& plan, const Json& inputs,
                    const std::vector<Once>& once = {}, const Documents& documents = {},
                    const Events& events = {});
  // To a run that is there already, in one transaction: what is used up, kept and written with it.
  Status add_to_run(const RunId& id, const std::vector<Once>& once, const Documents& documents,
                    const Events& events);
  Result<std::optional<RunRow>> find_run(const RunId& id);
  Result<RunRow> run(const RunId& id);  // ledger.run.unknown
  Result<std::vector<RunRow>> runs(const std::string& lane = {}, int most = 100);  // newest first
  Result<Json> plan_of(const RunId& id);
  Result<Json> inputs_of(const RunId& id);
  Status set_status(const RunId& id, const std::string& status);
  // Appends and commits (one fsync). Events and documents that belong together go in one call. With
  // a fence they are kept only while its token is that of the lane's lease (ledger.fenced).
  Result<ChainHead> append(const RunId& id, const std::string& type, const Json& body);
  Status append_all(const RunId& id, const Events& events, const std::optional<Fence>& fence = {},
                    const Documents& documents = {});
  // Hands on only what is as it was appended (ledger.broken).
  Status each_event(const RunId& id, int64_t after_seq,
                    const std::function<bool(const Event&)>& take);
  // Only those of the given types, of which there is one at least. A run
  // has few events that say where it stands, and perhaps a million of what its tools did.
  Status each_event_of(const RunId& id, const std::vector<std::string>& types,
                       const std::function<bool(const Event&)>& take);
  // The same as lines of events.jsonl, without newline. Neither holds a lock while `take` works, so
  // it may call the ledger; events appended meanwhile are seen, too. `take` returns false to stop.
  Status each_line(const RunId& id, int64_t after_seq,
                   const std::function<bool(std::string_view)>& take);
  Result<ChainHead> chain_head(const RunId& id);

  // --- documents kept beside a run (decision.json, approvals/NAME.json, ...), by name. They are
  // kept as they came: the same bytes again are fine, others under the same name are
  // ledger.document.exists.
  Status put_document(const RunId& id, const std::string& name, const std::string& bytes);
  Result<Documents> documents(const RunId& id);

  // --- state
  Result<Slot> slot(const std::string& lane, const std::string& key);  // version 0 when absent
  Result<std::vector<Slot>> slots(const std::string& lane);
  Result<std::vector<Slot>> slot_history(const std::string& lane, const std::string& key);
  // Succeeds only if the version is still `expected` (ledger.slot.conflict says who wrote since,
  // L3) and `token` is that of the lane's current lease (ledger.fenced).
  Result<Slot> put_slot(const Slot& slot, int64_t expected, int64_t token);

  // --- leases
  // Takes the lane if free, or if the holder is provably dead (same host and boot: its process is
  // gone and with it the kernel's lock on <ledger>.leases; same host, other boot). Otherwise
  // ledger.lease.held: who, since when, from where. Asked again by the same run and process it
  // gives the lease it has. Keep the Ledger open while the lease is needed: closing it gives the
  // kernel's lock back. `at_least`: the token a dispatcher already took for this run; ours is not
  // lower.
  Result<Lease> take_lease(const std::string& lane, const RunId& holder, int64_t at_least = 0);
  Status release_lease(const std::string& lane, const RunId& holder, int64_t token);
  Result<std::optional<Lease>> lease(const std::string& lane);
  // What take_lease would find: it goes ahead only where the holder is dead.
  Result<Holder> judge(const Lease& lease);
  // A person's word that the machine of a holder which is not provably alive is gone for good
  // (L17): the lane is free again, and the holder's run says why. ledger.lease.alive,
  // ledger.fenced.
  Status give_up_lease(const Lease& lease, const std::string& by, const std::string& reason);
  Status check_token(const std::string& lane, int64_t token);  // ledger.fenced

  // How far the wall clock of this machine was set, ahead or back (negative), since a ledger was
  // first opened here after the machine's start; 0 where it was not, and where a time service keeps
  // it: then that one's word is taken.
  Result<int64_t> clock_set_ms() const;

  // Whole-file check used by doctor and record verify: SQLite integrity and every chain.
  Status check();

 private:
  struct Impl;
  explicit Ledger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyops::ledger
