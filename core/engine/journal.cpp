#include "engine/journal.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"
#include "engine/reserve.hpp"
#include "engine/setup.hpp"

namespace hyops::engine {
namespace {

constexpr size_t longest_note = 200;  // bytes of a note on progress

}  // namespace

Result<Journal> Journal::open(ledger::Ledger& ledger, RunId run, Observer& observer,
                              const Clock& clock) {
  auto redactor = record::Redactor::create({});
  if (!redactor) return pass(redactor);
  return Journal(ledger, std::move(run), observer, clock, std::move(*redactor));
}

Status Journal::write(const std::string& type, const Json& body) {
  return write_all({{type, body}});
}

Status Journal::write_all(const std::vector<std::pair<std::string, Json>>& events) {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, Json>> clean;
  clean.reserve(events.size() + 1);
  const int64_t clock_ms = clock_->wall_ms() - clock_->mono_ms();
  if (const int64_t by = clock_ms - clock_ms_; std::abs(by) >= least_clock_step_ms) {
    clean.emplace_back("clock.stepped", Json{{"by_ms", by}});
    clock_ms_ = clock_ms;
  }
  for (const auto& [type, body] : events) clean.emplace_back(type, redactor_.redact(body));
  auto written = ledger_->append_all(run_, clean, fence_);
  if (!written && written.error().kind == FailureClass::exhausted && !home_.empty()) {
    give_up_room(home_);
    written = ledger_->append_all(run_, clean, fence_);
  }
  if (!written) return written;
  const int64_t now = clock_->wall_ms();
  for (const auto& [type, body] : clean) observer_->event(type, body, now);
  // One that could not be signed now is still due after the next event, and asked for, and not let
  // go, when the record is written.
  if (checkpoints_.due_after(clean) && fence_) {
    Setup here;
    here.home = home_;
    (void)checkpoints_.sign(here.signing_key(), fence_, now);
  }
  return {};
}

Status Journal::sign_checkpoint(const std::filesystem::path& key) {
  const std::lock_guard lock(mutex_);
  return checkpoints_.sign(key, {}, clock_->wall_ms());  // the lease may be given back by now
}

void Journal::hold(ledger::Fence fence, std::filesystem::path home) {
  const std::lock_guard lock(mutex_);
  fence_ = std::move(fence);
  home_ = std::move(home);
}

Status Journal::still_held() {
  const std::lock_guard lock(mutex_);
  return fence_ ? ledger_->check_token(fence_->lane, fence_->token) : Status{};
}

void Journal::progress(const std::string& step, int permille, const std::string& note) {
  const std::lock_guard lock(mutex_);
  // Cut after redaction: half a secret would not be found.
  observer_->progress(step, permille, printable(redactor_.redact(note), longest_note));
}

Status Journal::add_secrets(const std::vector<record::Redactor::Named>& added) {
  const std::lock_guard lock(mutex_);
  const size_t before = secrets_.size();
  for (const auto& next : added)
    if (std::none_of(secrets_.begin(), secrets_.end(), [&](const auto& known) {
          return known.name == next.name && known.value.reveal() == next.value.reveal();
        }))
      secrets_.push_back({next.name, next.value.copy()});
  if (secrets_.size() == before) return {};
  auto redactor = record::Redactor::create(secrets_);
  if (!redactor) {
    secrets_.resize(before);
    return pass(redactor, "while preparing redaction");
  }
  redactor_ = std::move(*redactor);
  return {};
}

std::vector<record::Redactor::Named> Journal::secrets() const {
  const std::lock_guard lock(mutex_);
  std::vector<record::Redactor::Named> out;
  for (const auto& secret : secrets_) out.push_back({secret.name, secret.value.copy()});
  return out;
}

Json Journal::redact(const Json& value) const {
  const std::lock_guard lock(mutex_);
  return redactor_.redact(value);
}

}  // namespace hyops::engine
