// The run's pen: every event passes through redaction, is durable when the call returns, and is
// shown.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engine/checkpoints.hpp"
#include "ledger/ledger.hpp"
#include "record/redact.hpp"

namespace hyops::engine {

// Who looks on while a run goes: the CLI's live view, a dispatcher's stream. Called from the
// threads of steps, one call at a time; must be quick.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void event(const std::string& type, const Json& body, int64_t wall_ms) = 0;
  virtual void progress(const std::string& step, int permille, const std::string& note) = 0;
};

// Where nobody looks on.
class Unwatched final : public Observer {
 public:
  void event(const std::string&, const Json&, int64_t) override {}
  void progress(const std::string&, int, const std::string&) override {}
};

// Thread-safe. All secrets the run resolved are known here before anything is written after them.
class Journal {
 public:
  // `clock` outlives it.
  static Result<Journal> open(ledger::Ledger& ledger, RunId run, Observer& observer,
                              const Clock& clock);
  Journal(Journal&& other) noexcept
      : ledger_(other.ledger_),
        run_(std::move(other.run_)),
        observer_(other.observer_),
        redactor_(std::move(other.redactor_)),
        secrets_(std::move(other.secrets_)),
        fence_(std::move(other.fence_)),
        home_(std::move(other.home_)),
        clock_(other.clock_),
        checkpoints_(std::move(other.checkpoints_)),
        clock_ms_(other.clock_ms_) {}

  Status write(const std::string& type, const Json& body);
  Status write_all(const std::vector<std::pair<std::string, Json>>& events);  // one commit
  // From now on nothing is written unless this lease is still the lane's: a core that slept while
  // another took over neither starts anything nor writes into what is the other's now (L3).
  // Where the disk is full, what the reserve under `home` keeps is given up for it. Checkpoints of
  // the chain are signed from now on, with the runner's key below `home`.
  void hold(ledger::Fence fence, std::filesystem::path home);
  // Wall minus monotonic clock as an earlier core of this boot left it: a jump since then is told.
  void went_on_from(int64_t clock_ms) { clock_ms_ = clock_ms; }
  // The chain up to here is under a signed checkpoint when this returns.
  Status sign_checkpoint(const std::filesystem::path& key);
  Status still_held();  // ledger.fenced; asked once more just before a side effect
  void progress(const std::string& step, int permille, const std::string& note);

  // From now on the values are redacted everywhere; a name is what is shown in its place. All that
  // came together are best added together: what finds them is made anew each time.
  Status add_secrets(const std::vector<record::Redactor::Named>& added);
  // Copies of all of them, for the step host and the record.
  std::vector<record::Redactor::Named> secrets() const;
  Json redact(const Json& value) const;

  ledger::Ledger& ledger() const { return *ledger_; }
  const RunId& run() const { return run_; }
  // The ledger is one connection: whoever uses it directly during a run holds this.
  std::mutex& ledger_mutex() { return mutex_; }

 private:
  Journal(ledger::Ledger& ledger, RunId run, Observer& observer, const Clock& clock,
          record::Redactor redactor)
      : ledger_(&ledger),
        run_(std::move(run)),
        observer_(&observer),
        redactor_(std::move(redactor)),
        clock_(&clock),
        checkpoints_(ledger, run_),
        clock_ms_(clock.wall_ms() - clock.mono_ms()) {}
  ledger::Ledger* ledger_;
  RunId run_;
  Observer* observer_;
  record::Redactor redactor_;
  std::vector<record::Redactor::Named> secrets_;
  std::optional<ledger::Fence> fence_;
  std::filesystem::path home_;
  const Clock* clock_;
  Checkpoints checkpoints_;
  // Wall minus monotonic clock. Where it jumps, dates in the record before and after it cannot be
  // compared: the record says so with an event "clock.stepped".
  int64_t clock_ms_;
  mutable std::mutex mutex_;
};

}  // namespace hyops::engine
