// The few calls of SQLite that the ledger is made of, and what their failures mean.
#include "ledger/sqlite.hpp"

#include <algorithm>

namespace hyops::ledger {
namespace {

// SQLite begins its log anew behind a thousand pages of 4 KiB and their headers.
constexpr int64_t log_size = int64_t{4} << 20;

}  // namespace

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::bind(int at, std::string_view text) {
  // A null pointer would bind NULL; an empty text is a text.
  const char* bytes = text.data() ? text.data() : "";
  sqlite3_bind_text64(statement_, at, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

Result<bool> Query::row() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return owner_->failure(code);
}

Status Query::done() {
  for (;;) {
    auto more = row();
    if (!more) return pass(more);
    if (!*more) return {};
  }
}

std::string_view Query::view(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return {bytes ? static_cast<const char*>(bytes) : "", bytes ? static_cast<size_t>(size) : 0};
}

Result<Database> Database::open(const std::filesystem::path& file, int busy_ms) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW,
      nullptr);
  Database database(handle, file.string());  // owned also where opening failed: SQLite says so
  if (code != SQLITE_OK) return database.failure(code);
  database.keep_apart(true);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_ms);
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
}

Result<Query> Database::prepare(const char* sql) {
  const auto known = prepared_.find(std::string_view(sql));
  if (known != prepared_.end()) return Query(known->second, this);
  sqlite3_stmt* made = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  if (code != SQLITE_OK) return failure(code);
  prepared_.emplace(sql, made);
  return Query(made, this);
}

Status Database::run(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

Result<int64_t> Database::number(const char* sql) {
  auto asked = query(sql);
  if (!asked) return pass(asked);
  auto there = asked->row();
  if (!there) return pass(there);
  return *there ? asked->integer(0) : 0;
}

sqlite3_file* Database::log() const {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  return code == SQLITE_OK && file && file->pMethods ? file : nullptr;
}

Failure Database::failure(int code) const {
  const std::string why = "the ledger " + file_ + ": " +
                          (handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail("ledger.locked", why);
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return fail("ledger.disk_full", why);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // our statements are constant: the tables they name are not there
      return fail("ledger.broken", why);
    case SQLITE_READONLY:
      return fail("ledger.read_only", why);
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return fail("ledger.not_yours", why);
    case SQLITE_CANTOPEN:
      return fail("ledger.open", why);
    case SQLITE_CONSTRAINT:
      return fail("ledger.append_only", why);
    default:
      return fail("internal.defect", why + " (SQLite code " + std::to_string(code) + ")");
  }
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return pass(begun);
  return Transaction(database);
}

Transaction::~Transaction() {
  // Nothing can be done where even this fails; SQLite then rolls back when the file is next opened.
  if (database_) (void)database_->run("ROLLBACK");
}

// Nobody else writes the log meanwhile, and zeros behind what was written are no part of it.
void Transaction::lengthen_log() {
  const std::string zeros(size_t{1} << 16, '\0');  // SQLite writes no more than 128 KiB at once
  sqlite3_file* const log = database_->log();
  sqlite3_int64 size = 0;
  if (!log || log->pMethods->xFileSize(log, &size) != SQLITE_OK) return;
  for (int64_t at = size; at < log_size;) {
    const auto piece = std::min<int64_t>(log_size - at, std::ssize(zeros));
    if (log->pMethods->xWrite(log, zeros.data(), static_cast<int>(piece), at) != SQLITE_OK) {
      log->pMethods->xTruncate(log, size);
      return;
    }
    at += piece;
  }
}

Status Transaction::commit() {
  auto committed = database_->execute("COMMIT");
  if (committed) database_ = nullptr;
  return committed;
}

}  // namespace hyops::ledger
