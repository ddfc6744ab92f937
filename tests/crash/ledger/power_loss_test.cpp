// Whatever a disk does with what was not synced when its power fails, the ledger opens again, its
// chains verify, and every fact that was acknowledged is there.
//
// HYOPS_CRASH_POINTS=all tries 20000 seeds, otherwise a few hundred; HYOPS_SEED=N tries that one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "crash/ledger/disk.hpp"
#include "ledger/ledger.hpp"

using namespace hyops;
namespace fs = std::filesystem;

namespace {

class Ticking : public Clock {
 public:
  int64_t wall_ms() const override { return ++now_; }
  int64_t mono_ms() const override { return ++now_; }

 private:
  mutable int64_t now_ = 1'700'000'000'000;
};

// Every fact has a number; that its text is what was appended, its hash in the chain says.
std::string grown(const std::string& before, std::string_view fact) {
  const size_t at = fact.find("\"n\":") + 4;
  return before + std::string(fact.substr(at, fact.find(',', at) - at));
}

// What callers were told is kept, and the one change that was under way when the power failed.
struct Told {
  std::map<std::string, std::string> events;  // run -> the numbers of its facts
  std::map<std::string, std::string> status;
  std::map<std::string, std::pair<int64_t, std::string>> slots;
  std::map<std::string, std::string> documents;  // "run name" -> digest
  std::set<std::string> nonces;
  int64_t token = 0;
  std::string holder;
};

class Day {
 public:
  Day(uint64_t seed, const fs::path& folder, const std::string& whole)
      : random_(seed), disk_(seed), file_(folder / "ledger.db"), heavy_(seed % 32 == 0) {
    disk_.put(file_, whole);
    fs::remove(file_.string() + ".leases");  // the seed before had another ledger
  }

  void live() {
    for (int power_cuts = 0; power_cuts < 3 && !testing::Test::HasFailure(); ++power_cuts) {
      disk_.die_after(1 + static_cast<int>(random_() % (heavy_ ? 2500 : 160)));
      work();
      disk_.lose_power();
      look();
    }
  }
  int cuts = 0, facts = 0;

 private:
  size_t below(size_t n) { return random_() % n; }
  Json body() {
    const size_t size = below(16) == 0 ? 9000 : below(400);
    return {{"n", ++numbers_}, {"text", std::string(size, static_cast<char>('a' + below(26)))}};
  }
  std::string any_run() {
    return std::next(told_.events.begin(), static_cast<long>(below(told_.events.size())))->first;
  }

  // Until the disk dies, or a day's work is done and the ledger is closed in peace.
  void work() {
    for (int sessions = 0; sessions < 3 && !disk_.dead(); ++sessions) {
      auto opened = ledger::Ledger::open(file_, clock_);
      if (!opened) {
        EXPECT_TRUE(disk_.dead()) << opened.error().text();
        return;
      }
      for (int i = 0; i < 25 && !disk_.dead(); ++i) {
        perhaps_ = told_;
        if (!one(*opened, told_.events.empty() ? 0 : below(heavy_ ? 5 : 16))) {
          EXPECT_TRUE(disk_.dead()) << "refused although the disk was fine: " << why_;
          return;
        }
        told_ = perhaps_;
        ++facts;
      }
    }
  }

  bool good(const Status& status) {
    if (!status) why_ = status.error().text();
    return status.has_value();
  }
  template <class T>
  bool good(const Result<T>& result) {
    if (!result) why_ = result.error().text();
    return result.has_value();
  }

  // One change: noted in perhaps_ before it is asked for.
  bool one(ledger::Ledger& ledger, size_t what) {
    if (what == 0) {
      const std::string run = "r" + std::to_string(++numbers_), nonce = "n" + run;
      perhaps_.events[run];
      perhaps_.status[run] = "planned";
      perhaps_.nonces.insert(nonce);
      return good(ledger.create_run({RunId(run), "lane", "b", "planned", {}, 0, 0, "", ""}, body(),
                                    {}, {{"decision", nonce}}));
    }
    const RunId run(any_run());
    if (what == 1) {
      const std::string name = "d" + std::to_string(++numbers_),
                        bytes = std::string(heavy_ ? below(400'000) : below(4000),
                                            static_cast<char>('a' + below(26)));
      perhaps_.documents[run.value + " " + name] = sha256_hex(bytes);
      return good(ledger.put_document(run, name, bytes));
    }
    if (what == 2) {
      perhaps_.status[run.value] = "s" + std::to_string(++numbers_);
      return good(ledger.set_status(run, perhaps_.status[run.value]));
    }
    if (what <= 4) return lease(ledger, run, what == 3);
    if (what <= 9) {
      std::vector<std::pair<std::string, Json>> together;
      auto& kept = perhaps_.events[run.value];
      for (size_t i = 0; i < 1 + below(4); ++i) {
        together.emplace_back("fact", body());
        kept = grown(kept, together.back().second.dump());
      }
      return good(ledger.append_all(run, together));
    }
    const Json fact = body();
    perhaps_.events[run.value] = grown(perhaps_.events[run.value], fact.dump());
    return good(ledger.append(run, "fact", fact));
  }

  bool lease(ledger::Ledger& ledger, const RunId& run, bool publish) {
    if (perhaps_.holder.empty()) {
      perhaps_.holder = run.value;
      perhaps_.token = told_.token + 1;
      return good(ledger.take_lease("lane", run));
    }
    if (publish) {
      const std::string key = "m#" + std::to_string(below(3));
      auto& [version, value] = perhaps_.slots[key];
      const int64_t expected = version++;
      const Json published = body();
      value = grown("", published.dump());
      return good(ledger.put_slot({"lane", key, 0, 1, published, run.value, "s", 0}, expected,
                                  told_.token));
    }
    perhaps_.holder.clear();
    return good(ledger.release_lease("lane", RunId(told_.holder), told_.token));
  }

  // The power is back. What was told is there; what was under way is there whole or not at all.
  void look() {
    ++cuts;
    auto opened = ledger::Ledger::open(file_, clock_);
    ASSERT_TRUE(opened) << opened.error().text();
    auto sound = opened->check();
    ASSERT_TRUE(sound) << sound.error().text();
    const Told found = read(*opened);
    if (!same(found, told_)) {
      EXPECT_TRUE(same(found, perhaps_)) << "neither what was told nor what was under way";
      told_ = perhaps_;
    }
    if (told_.nonces.empty()) return;
    const auto& nonce =
        *std::next(told_.nonces.begin(), static_cast<long>(below(told_.nonces.size())));
    const auto again = opened->create_run({RunId("again"), "", "", "", {}, 0, 0, "", ""}, {}, {},
                                          {{"decision", nonce}});
    EXPECT_TRUE(!again && again.error().code == "ledger.used") << "a decision could be used twice";
  }

  Told read(ledger::Ledger& ledger) {
    Told found;
    const auto runs = ledger.runs({}, 10'000).value();
    for (const auto& run : runs) {
      auto& events = found.events[run.id.value];
      found.status[run.id.value] = run.status;
      EXPECT_TRUE(ledger.each_line(run.id, 0, [&](std::string_view line) {
        events = grown(events, line);
        return true;
      }));
      const auto documents = ledger.documents(run.id).value();
      for (const auto& [name, bytes] : documents)
        found.documents[run.id.value + " " + name] = sha256_hex(bytes);
    }
    const auto slots = ledger.slots("lane").value();
    for (const auto& slot : slots)
      found.slots[slot.key] = {slot.version, grown("", slot.value.dump())};
    if (auto held = ledger.lease("lane").value()) {
      found.holder = held->holder;
      found.token = held->token;
    }
    return found;
  }

  static bool same(const Told& a, const Told& b) {
    return a.events == b.events && a.status == b.status && a.slots == b.slots &&
           a.documents == b.documents && a.holder == b.holder &&
           (a.holder.empty() || a.token == b.token);
  }

  std::mt19937_64 random_;
  tests::Disk disk_;
  fs::path file_;
  bool heavy_;  // large enough for checkpoints in the middle of the work
  Ticking clock_;
  Told told_, perhaps_;
  int64_t numbers_ = 0;
  std::string why_;
};

// A new ledger, made on a real disk, as bytes; in its place an empty file with its name.
std::string whole_ledger(const fs::path& folder) {
  const fs::path file = folder / "ledger.db";
  EXPECT_TRUE(ledger::Ledger::open(file));
  const std::string bytes = read_file(file).value();
  fs::resize_file(file, 0);
  return bytes;
}

}  // namespace

TEST(PowerLoss, takes_nothing_that_was_acknowledged_whatever_the_disk_had_not_written_yet) {
  const char* wanted = std::getenv("HYOPS_CRASH_POINTS");
  const char* one = std::getenv("HYOPS_SEED");
  const uint64_t first = one ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t seeds = one ? 1 : wanted && std::string_view(wanted) == "all" ? 20'000 : 200;
  const auto folder = TempDir::create(fs::temp_directory_path(), "hyops-power").value();
  const std::string whole = whole_ledger(folder.path());
  int64_t cuts = 0, facts = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    Day day(seed, folder.path(), whole);
    day.live();
    cuts += day.cuts;
    facts += day.facts;
    if (HasFailure()) {
      std::cerr << "again: HYOPS_SEED=" << seed << '\n';
      break;
    }
  }
  std::cout << seeds << " seeds, " << cuts << " power losses, " << facts << " facts\n";
}

TEST(PowerLoss, leaves_a_new_ledger_whole_or_not_there) {
  const auto folder = TempDir::create(fs::temp_directory_path(), "hyops-power").value();
  int points = 0;
  for (int n = 1;; ++n) {
    const fs::path file = folder.path() / std::to_string(n) / "ledger.db";
    tests::Disk disk(static_cast<uint64_t>(n));
    disk.die_after(n);
    const bool made = ledger::Ledger::open(file).has_value();
    const bool named = fs::exists(file);
    disk.lose_power();
    if (named) {
      auto again = ledger::Ledger::open(file);
      EXPECT_TRUE(again && again->check()) << "named, but not whole, after operation " << n;
    }
    if (made) break;
    ++points;
  }
  EXPECT_GT(points, 5);
  std::cout << points << " points\n";
}
