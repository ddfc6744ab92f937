// One writer per lane, and the proof of death that a take-over needs (L3, L17).
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.hpp"
#include "ledger/store.hpp"

namespace hyops::ledger {
namespace {

namespace fs = std::filesystem;

// Field 22 of /proc/PID/stat in clock ticks since boot; nothing where there is no such living
// process.
std::optional<int64_t> start_of(int64_t pid) {
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!stat) return std::nullopt;
  // The name in parentheses may hold anything, so the fields are counted behind its end.
  const size_t behind = stat->rfind(')');
  if (behind == std::string::npos || behind + 2 >= stat->size()) return std::nullopt;
  const auto fields = split(std::string_view(*stat).substr(behind + 2), ' ');
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return std::nullopt;
  return std::stoll(fields[19]);
}

// Read here and not through hyops_process: the decision service may open a ledger, and links
// nothing that could start a process (D2).
Result<Self> this_process() {
  Self me;
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0)
    return fail_errno("ledger.open", "this machine does not tell its name", errno);
  me.host = host;
  auto boot = read_file("/proc/sys/kernel/random/boot_id", 128);
  if (!boot) return pass(boot);
  me.boot_id = boot->substr(0, boot->find('\n'));
  std::error_code ignored;
  me.pid_space = fs::read_symlink("/proc/self/ns/pid", ignored).string();
  me.pid = ::getpid();
  const auto start = start_of(me.pid);
  if (!start)
    return fail("ledger.open", "/proc does not show this process; a lease could not be proven");
  me.pid_start = *start;
  return me;
}

// The kernel drops this lock with the last descriptor of its owner, in whatever namespace it lived.
bool lock_byte(int fd, int64_t number, short kind) {
  struct flock range {};
  range.l_type = kind;
  range.l_whence = SEEK_SET;
  range.l_start = number;
  range.l_len = 1;
  return ::fcntl(fd, F_OFD_SETLK, &range) == 0;
}

// Asks without taking. Our own descriptor's lock does not stand in its way: then nobody else has
// it.
bool is_free(int fd, int64_t number) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = number;
  range.l_len = 1;
  return ::fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type == F_UNLCK;
}

// `unlocked`: nobody holds the lane's byte. That alone would do on one machine; the rest keeps a
// ledger that was copied from elsewhere, and a process that lost its descriptor but lives, from
// being taken for dead.
Holder judged(const Lease& lease, const Self& me, bool unlocked) {
  if (lease.host != me.host) return unlocked ? Holder::unclear : Holder::alive;
  if (lease.boot_id != me.boot_id) return Holder::dead;
  if (!unlocked) return Holder::alive;
  if (lease.pid_space != me.pid_space) return Holder::dead;
  return start_of(lease.pid) != lease.pid_start ? Holder::dead : Holder::alive;
}

}  // namespace

Result<std::optional<Lease>> Ledger::Impl::read_lease(const std::string& lane) {
  auto asked = database.query(
      "SELECT holder, token, host, boot_id, pid, pid_start, pid_space, taken_ms FROM leases WHERE "
      "lane = ?",
      lane);
  if (!asked) return pass(asked);
  auto there = asked->row();
  if (!there) return pass(there);
  if (!*there || asked->view(0).empty()) return std::nullopt;
  return Lease{lane,           asked->text(0),    asked->integer(1), asked->text(2),
               asked->text(3), asked->integer(4), asked->integer(5), asked->integer(7),
               asked->text(6)};
}

Result<Lease> Ledger::take_lease(const std::string& lane, const RunId& holder, int64_t at_least) {
  auto me = impl_->self();
  if (!me) return pass(me);
  const std::lock_guard lock(impl_->mutex);
  Database& database = impl_->database;
  auto transaction = Transaction::begin(database);
  if (!transaction) return pass(transaction);
  auto row = database.execute(
      "INSERT INTO leases (lane, token, holder, host, boot_id, pid, pid_start, pid_space, "
      "taken_ms) "
      "VALUES (?, 0, '', '', '', 0, 0, '', 0) ON CONFLICT DO NOTHING",
      lane);
  if (!row) return pass(row);
  int64_t number = 0;
  {
    auto asked = database.query("SELECT number FROM leases WHERE lane = ?", lane);
    if (!asked) return pass(asked);
    auto there = asked->row();
    if (!there) return pass(there);
    number = asked->integer(0);
  }
  auto held = impl_->read_lease(lane);
  if (!held) return pass(held);
  const bool ours = *held && (*held)->holder == holder.value && (*held)->pid == me->pid &&
                    (*held)->pid_start == me->pid_start && (*held)->boot_id == me->boot_id &&
                    (*held)->pid_space == me->pid_space;
  const bool locked = lock_byte(impl_->leases.get(), number, F_WRLCK);
  if (ours && locked) return **held;  // asked for twice by the run that has it
  if (!locked || (*held && judged(**held, *me, locked) != Holder::dead)) {
    if (locked) lock_byte(impl_->leases.get(), number, F_UNLCK);
    if (!*held) return fail("ledger.lease.held", "another process is just taking lane " + lane);
    return fail("ledger.lease.held",
                "lane " + lane + " is held by run " + (*held)->holder + " since " +
                    to_rfc3339((*held)->taken_ms) + ", by process " + std::to_string((*held)->pid) +
                    " on " + (*held)->host,
                "hyops run show " + (*held)->holder);
  }
  Lease lease{lane,
              holder.value,
              0,
              me->host,
              me->boot_id,
              me->pid,
              me->pid_start,
              impl_->clock->wall_ms(),
              me->pid_space};
  auto stored = database.execute(
      "UPDATE leases SET token = max(token + 1, ?), holder = ?, host = ?, boot_id = ?, pid = ?, "
      "pid_start = ?, "
      "pid_space = ?, taken_ms = ? WHERE number = ?",
      at_least, lease.holder, lease.host, lease.boot_id, lease.pid, lease.pid_start,
      lease.pid_space, lease.taken_ms, number);
  if (stored) {
    auto written = impl_->read_lease(lane);
    if (written && *written) lease.token = (*written)->token;
    transaction->lengthen_log();  // who takes a lane is going to write
    stored = transaction->commit();
  }
  if (!stored) {
    lock_byte(impl_->leases.get(), number, F_UNLCK);
    return pass(stored, "while taking lane " + lane);
  }
  return lease;
}

Status Ledger::release_lease(const std::string& lane, const RunId& holder, int64_t token) {
  const std::lock_guard lock(impl_->mutex);
  auto transaction = Transaction::begin(impl_->database);
  if (!transaction) return pass(transaction);
  auto stored = impl_->database.execute(
      "UPDATE leases SET holder = '' WHERE lane = ? AND holder = ? AND token = ?", lane,
      holder.value, token);
  if (!stored) return stored;
  if (impl_->database.changes() == 0)
    return fail("ledger.fenced", "run " + holder.value + " no longer holds lane " + lane);
  int64_t number = 0;
  {
    auto asked = impl_->database.query("SELECT number FROM leases WHERE lane = ?", lane);
    if (!asked) return pass(asked);
    auto there = asked->row();
    if (!there) return pass(there);
    number = asked->integer(0);
  }
  if (auto committed = transaction->commit(); !committed) return committed;
  lock_byte(impl_->leases.get(), number, F_UNLCK);
  return {};
}

Result<std::optional<Lease>> Ledger::lease(const std::string& lane) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->read_lease(lane);
}

Result<Self> Ledger::Impl::self() const {
  if (other) return *other;
  return this_process();
}

Result<Holder> Ledger::Impl::judge(const Lease& lease) {
  auto me = self();
  if (!me) return pass(me);
  auto asked = database.query("SELECT number FROM leases WHERE lane = ?", lease.lane);
  if (!asked) return pass(asked);
  auto there = asked->row();
  if (!there) return pass(there);
  return judged(lease, *me, *there && is_free(leases.get(), asked->integer(0)));
}

Result<Holder> Ledger::judge(const Lease& lease) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->judge(lease);
}

Status Ledger::give_up_lease(const Lease& lease, const std::string& by, const std::string& reason) {
  const std::lock_guard lock(impl_->mutex);
  auto transaction = Transaction::begin(impl_->database);
  if (!transaction) return pass(transaction);
  if (auto still = impl_->check_token(lease.lane, lease.token); !still) return still;
  auto holder = impl_->judge(lease);
  if (!holder) return pass(holder);
  if (*holder == Holder::alive)
    return fail("ledger.lease.alive",
                "process " + std::to_string(lease.pid) + " on " + lease.host + " holds lane " +
                    lease.lane + " and lives",
                "hyops run cancel " + lease.holder);
  const RunId run(lease.holder);
  auto number = impl_->run_number(run);
  if (!number) return pass(number);
  auto end = impl_->extend(*number, run,
                           {{"run.abandoned",
                             {{"by", by},
                              {"reason", reason},
                              {"host", lease.host},
                              {"boot_id", lease.boot_id},
                              {"pid", lease.pid}}}});
  if (!end) return pass(end);
  auto stored = impl_->database.execute("UPDATE leases SET holder = '' WHERE lane = ?", lease.lane);
  if (!stored) return stored;
  if (auto committed = transaction->commit(); !committed) return committed;
  impl_->note_newest(*number, *end);
  return {};
}

Status Ledger::Impl::check_token(const std::string& lane, int64_t token) {
  {
    auto asked = database.query(
        "SELECT 1 FROM leases WHERE lane = ? AND token = ? AND holder != ''", lane, token);
    if (!asked) return pass(asked);
    auto there = asked->row();
    if (!there) return pass(there);
    if (*there) return {};
  }
  auto held = read_lease(lane);
  if (!held) return pass(held);
  return fail(
      "ledger.fenced",
      "the fencing token " + std::to_string(token) + " of lane " + lane + " is no longer good: " +
          (*held ? "run " + (*held)->holder + " took the lane at " + to_rfc3339((*held)->taken_ms) +
                       " with token " + std::to_string((*held)->token)
                 : "nobody holds the lane"));
}

Status Ledger::check_token(const std::string& lane, int64_t token) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->check_token(lane, token);
}

}  // namespace hyops::ledger
