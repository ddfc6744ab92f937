// Two durable commits as cheap as SQLite makes them: what an engine that promises durability cannot
// go below.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <string>

#include "measure.hpp"

namespace hyops::bench {

// One table, one row for each commit, WAL and synchronous=FULL as the ledger has them, prepared
// once.
class RawCommits {
 public:
  explicit RawCommits(const std::filesystem::path& file) {
    good(sqlite3_open_v2(file.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                         nullptr));
    for (const char* sql : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                            "CREATE TABLE events(id INTEGER PRIMARY KEY, body TEXT NOT NULL)"})
      good(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr));
    good(
        sqlite3_prepare_v2(database_, "INSERT INTO events(body) VALUES(?)", -1, &insert_, nullptr));
  }
  RawCommits(const RawCommits&) = delete;
  RawCommits& operator=(const RawCommits&) = delete;
  ~RawCommits() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }

  void commit(const std::string& body) {  // a lone statement is its own transaction
    sqlite3_bind_text(insert_, 1, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
    good(sqlite3_step(insert_));
    good(sqlite3_reset(insert_));
  }

 private:
  void good(int code) {
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
      give_up(sqlite3_errmsg(database_));
  }
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

}  // namespace hyops::bench
