// A ledger that was cut, scratched, exchanged or taken away is named for what it is, whatever its
// bytes; nothing crashes, and nothing is believed that cannot be proven.
//
// HYOPS_CRASH_POINTS=all tries every byte; otherwise all of the first page's head, the edges of
// every page and WAL frame, and a sample of the rest.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "base/file.hpp"
#include "crash/ledger/disk.hpp"
#include "ledger/ledger.hpp"

using namespace hyops;
namespace fs = std::filesystem;

namespace {

bool every_byte() {
  const char* wanted = std::getenv("HYOPS_CRASH_POINTS");
  return wanted && std::string_view(wanted) == "all";
}

struct BadLedger : testing::Test {
  TempDir folder = TempDir::create(fs::temp_directory_path(), "hyops-bad").value();
  fs::path file = folder.path() / "ledger.db";
  RunId run{"r1"};

  ledger::Ledger with_run(const fs::path& at) {
    auto ledger = ledger::Ledger::open(at).value();
    EXPECT_TRUE(ledger.create_run({run, "drill", "dr/x", "planned", {}, 0, 0, "ada", "cloud"},
                                  {{"steps", {"a", "b"}}}, Json::object(), {{"decision", "n"}}));
    for (int i = 0; i < 40; ++i)
      EXPECT_TRUE(ledger.append(run, "fact", {{"n", i}, {"text", std::string(300, 'x')}}));
    EXPECT_TRUE(ledger.set_status(run, "running"));
    const auto lease = ledger.take_lease("drill", run).value();
    EXPECT_TRUE(ledger.put_slot({"drill", "m#a", 0, 1, {{"x", 1}}, "r1", "a", 0}, 0, lease.token));
    return ledger;
  }

  // "ok", or the code that it is refused with: when opened, when looked through, or when the run
  // would go on.
  std::string state_of(const fs::path& at) {
    auto ledger = ledger::Ledger::open(at);
    if (!ledger) return ledger.error().code;
    if (auto sound = ledger->check(); !sound) return sound.error().code;
    auto more = ledger->append(run, "fact", {{"n", 99}});
    return more ? "ok" : more.error().code;
  }
};

// Where to try: everything, or what is likely to matter.
std::vector<size_t> places(size_t size, size_t piece, size_t first) {
  std::set<size_t> at;
  const bool all = every_byte();
  for (size_t i = 0; i < size; i += all ? 1 : 1499) at.insert(i);
  for (size_t i = 0; i < std::min<size_t>(size, 100); ++i) at.insert(i);
  for (size_t i = first; i < size; i += piece)
    for (size_t edge : {i - 1, i, i + 1})
      if (edge < size) at.insert(edge);
  return {at.begin(), at.end()};
}

void tell(const char* what, const std::map<std::string, int>& states) {
  std::cout << what << ":";
  for (const auto& [state, times] : states) std::cout << "  " << state << " " << times;
  std::cout << '\n';
}

const std::set<std::string> named = {
    "ledger.broken",      "ledger.behind",      "ledger.schema.newer", "ledger.open",
    "ledger.append_only", "ledger.run.unknown", "ledger.schema.older", "ledger.read_only"};

}  // namespace

TEST_F(BadLedger, is_refused_wherever_it_was_cut) {
  { with_run(file); }
  const std::string whole = read_file(file).value();
  fs::resize_file(file, 0);
  std::map<std::string, int> states;
  for (const size_t cut : places(whole.size(), 4096, 4096)) {
    tests::Disk disk(1);
    disk.put(file, whole.substr(0, cut));
    const std::string state = state_of(file);
    ++states[state];
    EXPECT_TRUE(state == "ledger.broken" || state == "ledger.behind")
        << state << ", cut at " << cut;
    EXPECT_EQ(disk.read(file), whole.substr(0, cut)) << "changed, although it was cut at " << cut;
  }
  tell("cut", states);
}

TEST_F(BadLedger, is_refused_or_untouched_in_its_chain_whichever_byte_was_flipped) {
  { with_run(file); }
  const std::string whole = read_file(file).value();
  fs::resize_file(file, 0);
  std::map<std::string, int> states;
  for (const size_t at : places(whole.size(), 4096, 4096))
    for (const char mask : {'\x01', '\x80'}) {
      tests::Disk disk(1);
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ mask);
      disk.put(file, flipped);
      fs::remove(file.string() + ".leases");  // the chain alone has to show it
      const std::string state = state_of(file);
      ++states[state];
      EXPECT_TRUE(state == "ok" || named.count(state)) << state << ", flipped at " << at;
    }
  tell("flipped", states);
}

TEST_F(BadLedger, notices_a_wal_that_was_cut_scratched_removed_or_exchanged) {
  std::string base, wal, foreign;
  {
    auto ledger = with_run(file);
    base = read_file(file).value();
    wal = read_file(file.string() + "-wal").value();
    wal.resize(wal.find_last_not_of('\0') + 1);  // behind it is the room that was made for more
    auto other = with_run(folder.path() / "other.db");
    foreign = read_file(folder.path() / "other.db-wal").value();
  }
  const std::string note = read_file(file.string() + ".leases").value();
  fs::resize_file(file, 0);
  ASSERT_FALSE(wal.empty());
  std::map<std::string, int> states;
  const auto with_wal = [&](const std::optional<std::string>& bytes) {
    EXPECT_TRUE(write_file(file.string() + ".leases", note));
    tests::Disk disk(1);
    disk.put(file, base);
    disk.put(file.string() + "-wal", bytes);
    const std::string state = state_of(file);
    if (state != "ok") {
      EXPECT_EQ(disk.read(file), base) << "changed, although refused with " << state;
    }
    ++states[state];
    return state;
  };
  EXPECT_EQ(with_wal(wal), "ok");
  EXPECT_EQ(with_wal(std::nullopt), "ledger.behind");
  EXPECT_EQ(with_wal(foreign), "ledger.behind");
  // What came after the last acknowledged event may be cut off: nobody can tell it from a crash.
  for (const size_t cut : places(wal.size(), 4096 + 24, 32)) {
    const std::string state = with_wal(wal.substr(0, cut));
    EXPECT_TRUE(state == "ledger.behind" || (state == "ok" && cut > wal.size() * 3 / 4))
        << state << ", cut at " << cut;
  }
  for (const size_t at : places(wal.size(), 4096 + 24, 32)) {
    std::string flipped = wal;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    const std::string state = with_wal(flipped);
    EXPECT_TRUE(state == "ledger.behind" || state == "ok" || named.count(state))
        << state << ", flipped at " << at;
  }
  tell("wal", states);
}

TEST_F(BadLedger, says_whose_it_is_and_how_old) {
  { with_run(file); }
  const auto shell = [&](const std::string& sql) {
    sqlite3* handle = nullptr;
    sqlite3_open(file.c_str(), &handle);
    sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(handle);
  };
  EXPECT_EQ(state_of(file), "ok");
  fs::remove(file.string() + "-shm");
  EXPECT_TRUE(write_file(file.string() + "-shm", std::string(32768, '\x5a')));
  EXPECT_EQ(state_of(file), "ok") << "the index of the WAL is made anew";
  shell("PRAGMA user_version = 2");
  EXPECT_EQ(state_of(file), "ledger.schema.newer");
  shell("PRAGMA user_version = 0");
  EXPECT_EQ(state_of(file), "ledger.schema.older");
  shell("PRAGMA user_version = 1");
  EXPECT_EQ(state_of(file), "ok");
  if (::geteuid() != 0) GTEST_SKIP() << "the rest needs root";
  ASSERT_EQ(::chown(file.c_str(), 1234, 1234), 0);
  EXPECT_EQ(state_of(file), "ledger.not_yours");
  ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
  // On a file system without writing, in a mount namespace that nobody else sees.
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string at = folder.path().string();
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(at.c_str(), at.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
        ::mount(nullptr, at.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      ::_exit(77);
    ::_exit(state_of(file) == "ledger.read_only" ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
  EXPECT_EQ(state_of(file), "ok");
}
