// What one open ledger owns. Shared by the sources of this folder, and by nobody else.
#pragma once

#include <functional>
#include <mutex>

#include "base/file.hpp"
#include "ledger/ledger.hpp"
#include "ledger/sqlite.hpp"

namespace hyops::ledger {

// A run's events lie side by side under one integer key: (number of the run << 32) + seq. So an
// append touches the end of one tree, and no second index has to be kept.
inline constexpr int64_t events_per_run = int64_t{1} << 32;

struct Ledger::Impl {
  Impl(Database opened, std::filesystem::path path, const Clock& time)
      : database(std::move(opened)), file(std::move(path)), clock(&time) {}

  Database database;
  std::filesystem::path file;
  const Clock* clock;
  std::optional<Self> other;  // who takes leases, where that is not this process
  Fd leases;         // beside the ledger: byte n is locked while we hold the lease of lane n; its
                     // bytes are the notes of newest.cpp and clock.cpp
  std::mutex mutex;  // a transaction belongs to one thread from begin to commit

  Result<int64_t> run_number(const RunId& id);  // ledger.run.unknown
  Result<RunRow> read_run(Query& query) const;
  Status use_up(const Once& once, const RunId& user);  // ledger.used
  Status finish(Transaction& transaction, const RunId& id, const std::vector<Once>& once,
                const Documents& documents, const Events& events);
  Result<ChainHead> head(int64_t number, const RunId& id);
  // Onto the end of the chain, inside the caller's transaction.
  Result<ChainHead> extend(int64_t number, const RunId& id, const Events& events);
  Result<ChainHead> append(const RunId& id, const Events& events, const std::optional<Fence>& fence,
                           const Documents& documents);
  Status put_document(int64_t number, const RunId& id, const std::string& name,
                      const std::string& bytes);
  Result<Slot> newest(const std::string& lane, const std::string& key);
  Result<std::optional<Lease>> read_lease(const std::string& lane);
  Result<Self> self() const;
  Result<Holder> judge(const Lease& lease);
  Status check_token(const std::string& lane, int64_t token);

  // What was last acknowledged, noted beside the ledger: one that lost its WAL, or was put back
  // from an older copy, looks whole from inside.
  void note_newest(int64_t number, const ChainHead& newest) const;
  Status check_newest();  // ledger.behind
  Result<int64_t> clock_set_ms() const;
};

Status create_schema(Database& database, const std::filesystem::path& file);  // of a new file
// Refuses a file that is not ours, was cut to nothing or is newer than we are.
Status prepare_schema(Database& database, const std::filesystem::path& file);

}  // namespace hyops::ledger
