// SQLite's C API with owners: a database that closes, a statement that resets, a transaction that
// aborts unless committed. The only header of hyops besides ledger's own sources that knows
// sqlite3.h.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace hyops::ledger {

class Database;

// A prepared statement on loan from its database: bound, stepped, and given back clean at the end.
class Query {
 public:
  Query(sqlite3_stmt* statement, Database* owner) : statement_(statement), owner_(owner) {}
  Query(Query&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)), owner_(other.owner_) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  // Parameters from the left; text is copied.
  void bind(int at, int64_t value) { sqlite3_bind_int64(statement_, at, value); }
  void bind(int at, std::string_view text);

  Result<bool> row();  // true: there is a row to read; false: done
  Status done();       // for statements without rows

  int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string text(int column) const { return std::string(view(column)); }
  std::string_view view(int column) const;  // until the next row()

 private:
  sqlite3_stmt* statement_;
  Database* owner_;
};

class Database {
 public:
  // The file must exist: who creates it decides its mode. Waits up to `busy_ms` for another
  // process.
  static Result<Database> open(const std::filesystem::path& file, int busy_ms);
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) = delete;
  ~Database();

  // Until this is called, closing leaves file and WAL as they are: a WAL that does not belong to
  // the file must not be written into it before somebody could see that.
  void believe() { keep_apart(false); }

  Status run(const char* sql);  // one or more statements without parameters and rows

  // Prepared once and kept for the life of the database: for statements of which there are few.
  template <class... Values>
  Result<Query> query(const char* sql, const Values&... values) {
    auto prepared = prepare(sql);
    if (!prepared) return prepared;
    int at = 0;
    (prepared->bind(++at, values), ...);
    return prepared;
  }
  template <class... Values>
  Status execute(const char* sql, const Values&... values) {
    auto prepared = query(sql, values...);
    if (!prepared) return pass(prepared);
    return prepared->done();
  }
  Result<int64_t> number(const char* sql);  // the first column of the first row

  // The log beside the file, which belongs to SQLite; null where there is none yet.
  sqlite3_file* log() const;
  int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  // What SQLite's return code means to an operator: locked, full, broken, read-only.
  Failure failure(int code) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Database(sqlite3* handle, std::string file) : handle_(handle), file_(std::move(file)) {}
  Result<Query> prepare(const char* sql);
  void keep_apart(bool apart) {
    sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int{apart}, nullptr);
  }

  std::unique_ptr<sqlite3, Close> handle_;
  std::map<std::string, sqlite3_stmt*, std::less<>> prepared_;  // by its text
  std::string file_;
};

// A write transaction: taken at once (IMMEDIATE), so that two writers queue instead of failing
// late.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  // Makes SQLite's log as long as it gets, so that the commits of a long writing find their room
  // there: one that makes a file longer costs the disk twice. Where there is no room, it stays.
  void lengthen_log();
  Status commit();  // returns when the bytes are on disk

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace hyops::ledger
