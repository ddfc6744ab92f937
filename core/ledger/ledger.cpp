// Opening a ledger that can be trusted, and the runs in it.
#include "ledger/ledger.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.hpp"
#include "ledger/store.hpp"

namespace hyops::ledger {
namespace {

namespace fs = std::filesystem;

Failure no_such_run(const RunId& id) {
  return fail("ledger.run.unknown",
              "there is no run \"" + printable(id.value, 80) + "\" in this ledger");
}

constexpr int patience_ms = 10'000;  // longer than any write transaction of ours

// The file is ours alone, or nothing in it can be believed (L7).
Status check_owner(const fs::path& file) {
  struct stat found {};
  if (::lstat(file.c_str(), &found) != 0)
    return fail_errno("ledger.open", "cannot look at the ledger " + file.string(), errno);
  if (!S_ISREG(found.st_mode))
    return fail("ledger.not_yours", file.string() + " is not a regular file");
  if (found.st_uid != ::geteuid())
    return fail("ledger.not_yours", file.string() + " belongs to user " +
                                        std::to_string(found.st_uid) + "; you are " +
                                        std::to_string(::geteuid()));
  if ((found.st_mode & 077) != 0)
    return fail("ledger.not_yours", file.string() + " can be read or written by others",
                "Find out why, then: chmod 600 " + file.string());
  return {};
}

// Made whole beside its place and then moved there, so that a ledger without tables is always one
// that was cut off, and never believed: it would forget which approvals were used (D3).
Status create_ledger(const fs::path& file) {
  if (auto made = make_folders(file.parent_path()); !made) return pass(made);
  if (::access(file.parent_path().c_str(), W_OK) != 0 && errno == EROFS)
    return fail_errno("ledger.read_only", "cannot create " + file.string(), errno);
  auto folder = TempDir::create(file.parent_path(), ".ledger");
  if (!folder) return pass(folder, "while creating " + file.string());
  const fs::path whole = folder->path() / "ledger.db";
  {
    const Fd fd(::open(whole.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return fail_errno("ledger.open", "cannot create " + whole.string(), errno);
    auto database = Database::open(whole, patience_ms);
    if (!database) return pass(database);
    if (auto created = create_schema(*database, whole); !created) return created;
    database->believe();
  }
  const Fd parent(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent)
    return fail_errno("ledger.open", "cannot open the folder of " + file.string(), errno);
  // Where another process was quicker, its ledger is the one.
  if (::renameat2(AT_FDCWD, whole.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) != 0 &&
      errno != EEXIST)
    return fail_errno("ledger.open", "cannot create " + file.string(), errno);
  if (::fsync(parent.get()) != 0)
    return fail_errno("ledger.open", "cannot keep " + file.string(), errno);
  return {};
}

}  // namespace

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

Result<Ledger> Ledger::open(const fs::path& file, const Clock& clock, std::optional<Self> self) {
  struct stat found {};
  if (::lstat(file.c_str(), &found) != 0)
    if (auto made = create_ledger(file); !made) return pass(made);
  if (auto ours = check_owner(file); !ours) return pass(ours);
  if (::access(file.c_str(), W_OK) != 0)
    return fail_errno("ledger.read_only", "the ledger " + file.string() + " cannot be written",
                      errno);
  auto database = Database::open(file, patience_ms);
  if (!database) return pass(database);
  if (auto prepared = prepare_schema(*database, file); !prepared) return pass(prepared);
  auto impl = std::make_unique<Impl>(std::move(*database), file, clock);
  impl->other = std::move(self);
  impl->leases = Fd(
      ::open((file.string() + ".leases").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!impl->leases)
    return fail_errno("ledger.open", "cannot open " + file.string() + ".leases", errno);
  if (auto current = impl->check_newest(); !current) return pass(current);
  (void)impl->clock_set_ms();  // from now on it is known; whoever needs it hears why it is not
  impl->database.believe();
  return Ledger(std::move(impl));
}

Result<int64_t> Ledger::Impl::run_number(const RunId& id) {
  auto asked = database.query("SELECT number FROM runs WHERE id = ?", id.value);
  if (!asked) return pass(asked);
  auto there = asked->row();
  if (!there) return pass(there);
  if (!*there) return no_such_run(id);
  return asked->integer(0);
}

Result<RunRow> Ledger::Impl::read_run(Query& query) const {
  RunRow run;
  run.id = RunId(query.text(0));
  run.lane = query.text(1);
  run.blueprint = query.text(2);
  run.status = query.text(3);
  run.plan = PlanDigest(query.text(4));
  run.created_ms = query.integer(5);
  run.updated_ms = query.integer(6);
  run.requester = query.text(7);
  run.runner = query.text(8);
  return run;
}

Status Ledger::Impl::use_up(const Once& once, const RunId& user) {
  {
    auto asked =
        database.query("SELECT user FROM used WHERE kind = ? AND nonce = ?", once.kind, once.nonce);
    if (!asked) return pass(asked);
    auto there = asked->row();
    if (!there) return pass(there);
    if (*there)
      return fail("ledger.used",
                  "this " + once.kind + " was already used for run " + asked->text(0));
  }
  return database.execute("INSERT INTO used VALUES (?,?,?,?)", once.kind, once.nonce, user.value,
                          clock->wall_ms());
}

Status Ledger::create_run(const RunRow& run, const Json& plan, const Json& inputs,
                          const std::vector<Once>& once, const Documents& documents,
                          const Events& events) {
  if (!is_name(run.id.value))
    return fail("ledger.event.malformed", "\"" + run.id.value + "\" cannot be the id of a run");
  auto plan_text = canonical(plan);
  if (!plan_text) return pass(plan_text, "while storing the plan");
  auto inputs_text = canonical(inputs);
  if (!inputs_text) return pass(inputs_text, "while storing the inputs");
  const std::lock_guard lock(impl_->mutex);
  auto transaction = Transaction::begin(impl_->database);
  if (!transaction) return pass(transaction);
  if (impl_->run_number(run.id))
    return fail("ledger.run.exists", "the run " + run.id.value + " is already in the ledger");
  const int64_t now = impl_->clock->wall_ms();
  auto stored = impl_->database.execute(
      "INSERT INTO runs (id, lane, blueprint, status, plan_digest, created_ms, updated_ms, "
      "requester, runner, "
      "plan, inputs) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
      run.id.value, run.lane, run.blueprint, run.status, run.plan.value,
      run.created_ms ? run.created_ms : now, run.updated_ms ? run.updated_ms : now, run.requester,
      run.runner, *plan_text, *inputs_text);
  if (!stored) return stored;
  return impl_->finish(*transaction, run.id, once, documents, events);
}

Status Ledger::add_to_run(const RunId& id, const std::vector<Once>& once,
                          const Documents& documents, const Events& events) {
  const std::lock_guard lock(impl_->mutex);
  auto transaction = Transaction::begin(impl_->database);
  if (!transaction) return pass(transaction);
  if (!impl_->run_number(id)) return no_such_run(id);
  return impl_->finish(*transaction, id, once, documents, events);
}

// What comes with a run: used up, kept and written in the transaction that it commits.
Status Ledger::Impl::finish(Transaction& transaction, const RunId& id,
                            const std::vector<Once>& once, const Documents& documents,
                            const Events& events) {
  for (const auto& one : once)
    if (auto used = use_up(one, id); !used) return used;
  auto number = run_number(id);
  if (!number) return pass(number);
  for (const auto& [name, bytes] : documents)
    if (auto put = put_document(*number, id, name, bytes); !put) return put;
  auto end = extend(*number, id, events);
  if (!end) return pass(end);
  if (auto committed = transaction.commit(); !committed) return committed;
  if (!events.empty()) note_newest(*number, *end);
  return {};
}

Result<std::optional<RunRow>> Ledger::find_run(const RunId& id) {
  const std::lock_guard lock(impl_->mutex);
  auto asked = impl_->database.query(
      "SELECT id, lane, blueprint, status, plan_digest, created_ms, updated_ms, requester, runner "
      "FROM runs "
      "WHERE id = ?",
      id.value);
  if (!asked) return pass(asked);
  auto there = asked->row();
  if (!there) return pass(there);
  if (!*there) return std::nullopt;
  auto run = impl_->read_run(*asked);
  if (!run) return pass(run);
  return std::optional<RunRow>(std::move(*run));
}

Result<RunRow> Ledger::run(const RunId& id) {
  auto found = find_run(id);
  if (!found) return pass(found);
  if (!*found) return no_such_run(id);
  return std::move(**found);
}

Result<std::vector<RunRow>> Ledger::runs(const std::string& lane, int most) {
  const std::lock_guard lock(impl_->mutex);
  auto asked = impl_->database.query(
      "SELECT id, lane, blueprint, status, plan_digest, created_ms, updated_ms, requester, runner "
      "FROM runs "
      "WHERE ?1 = '' OR lane = ?1 ORDER BY created_ms DESC, number DESC LIMIT ?2",
      lane, int64_t{most});
  if (!asked) return pass(asked);
  std::vector<RunRow> found;
  for (;;) {
    auto more = asked->row();
    if (!more) return pass(more);
    if (!*more) return found;
    auto run = impl_->read_run(*asked);
    if (!run) return pass(run);
    found.push_back(std::move(*run));
  }
}

Result<Json> Ledger::plan_of(const RunId& id) {
  const std::lock_guard lock(impl_->mutex);
  auto asked = impl_->database.query("SELECT plan FROM runs WHERE id = ?", id.value);
  if (!asked) return pass(asked);
  auto there = asked->row();
  if (!there) return pass(there);
  if (!*there) return no_such_run(id);
  return parse_json(asked->view(0), "the plan of " + id.value, size_t{1} << 30);
}

Result<Json> Ledger::inputs_of(const RunId& id) {
  const std::lock_guard lock(impl_->mutex);
  auto asked = impl_->database.query("SELECT inputs FROM runs WHERE id = ?", id.value);
  if (!asked) return pass(asked);
  auto there = asked->row();
  if (!there) return pass(there);
  if (!*there) return no_such_run(id);
  return parse_json(asked->view(0), "the inputs of " + id.value, size_t{1} << 30);
}

Status Ledger::set_status(const RunId& id, const std::string& status) {
  const std::lock_guard lock(impl_->mutex);
  auto transaction = Transaction::begin(impl_->database);
  if (!transaction) return pass(transaction);
  auto number = impl_->run_number(id);
  if (!number) return pass(number);
  // The end of the chain is noted with the status, so that a later loss of the newest events shows.
  auto head = impl_->head(*number, id);
  if (!head) return pass(head);
  auto stored = impl_->database.execute(
      "UPDATE runs SET status = ?, updated_ms = ?, anchor_seq = ?, anchor_hash = ? WHERE number = "
      "?",
      status, impl_->clock->wall_ms(), head->seq, head->hash, *number);
  if (!stored) return stored;
  return transaction->commit();
}

Status Ledger::put_document(const RunId& id, const std::string& name, const std::string& bytes) {
  const std::lock_guard lock(impl_->mutex);
  auto transaction = Transaction::begin(impl_->database);
  if (!transaction) return pass(transaction);
  auto number = impl_->run_number(id);
  if (!number) return pass(number);
  if (auto put = impl_->put_document(*number, id, name, bytes); !put) return put;
  return transaction->commit();
}

Status Ledger::Impl::put_document(int64_t number, const RunId& id, const std::string& name,
                                  const std::string& bytes) {
  if (!is_name(name) && !is_path_name(name))
    return fail("file.name", "\"" + name + "\" cannot be the name of a document");
  {
    auto asked =
        database.query("SELECT bytes FROM documents WHERE run = ? AND name = ?", number, name);
    if (!asked) return pass(asked);
    auto there = asked->row();
    if (!there) return pass(there);
    if (*there && asked->view(0) == bytes) return {};  // a resumed run hands in the same once more
    if (*there)
      return fail("ledger.document.exists", "the run " + id.value + " already has another " + name);
  }
  return database.execute("INSERT INTO documents VALUES (?,?,?)", number, name, bytes);
}

Result<Documents> Ledger::documents(const RunId& id) {
  const std::lock_guard lock(impl_->mutex);
  auto number = impl_->run_number(id);
  if (!number) return pass(number);
  auto asked = impl_->database.query(
      "SELECT name, bytes FROM documents WHERE run = ? ORDER BY name", *number);
  if (!asked) return pass(asked);
  Documents found;
  for (;;) {
    auto more = asked->row();
    if (!more) return pass(more);
    if (!*more) return found;
    found.emplace_back(asked->text(0), asked->text(1));
  }
}

}  // namespace hyops::ledger
