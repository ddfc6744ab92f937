#include "engine/journal.hpp"

#include <cstdlib>

namespace hyops::engine {
namespace {

constexpr int64_t least_step_ms = 2000;  // what a clock daemon slews is less

}  // namespace

Result<Journal> Journal::open(ledger::Ledger& ledger, RunId run, Observer& observer) {
  auto redactor = record::Redactor::create({});
  if (!redactor) return pass(redactor);
  return Journal(ledger, std::move(run), observer, std::move(*redactor));
}

Status Journal::write(const std::string& type, const Json& body) {
  return write_all({{type, body}});
}

Status Journal::write_all(const std::vector<std::pair<std::string, Json>>& events) {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, Json>> clean;
  clean.reserve(events.size() + 1);
  const int64_t clock_ms = system_clock().wall_ms() - system_clock().mono_ms();
  if (const int64_t by = clock_ms - clock_ms_; std::abs(by) >= least_step_ms) {
    clean.emplace_back("clock.stepped", Json{{"by_ms", by}});
    clock_ms_ = clock_ms;
  }
  for (const auto& [type, body] : events) clean.emplace_back(type, redactor_.redact(body));
  if (auto written = ledger_->append_all(run_, clean); !written) return written;
  const int64_t now = system_clock().wall_ms();
  for (const auto& [type, body] : clean) observer_->event(type, body, now);
  return {};
}

void Journal::progress(const std::string& step, int permille, const std::string& note) {
  const std::lock_guard lock(mutex_);
  observer_->progress(step, permille, redactor_.redact(std::string_view(note)));
}

Status Journal::add_secret(const std::string& name, const Secret& value) {
  const std::lock_guard lock(mutex_);
  std::vector<record::Redactor::Named> all;
  for (const auto& known : secrets_) {
    if (known.name == name && known.value.reveal() == value.reveal()) return {};
    all.push_back({known.name, known.value.copy()});
  }
  all.push_back({name, value.copy()});
  auto redactor = record::Redactor::create(all);
  if (!redactor) return pass(redactor, "while preparing redaction");
  redactor_ = std::move(*redactor);
  secrets_ = std::move(all);
  return {};
}

std::vector<record::Redactor::Named> Journal::secrets() const {
  const std::lock_guard lock(mutex_);
  std::vector<record::Redactor::Named> out;
  for (const auto& secret : secrets_) out.push_back({secret.name, secret.value.copy()});
  return out;
}

std::string Journal::redact(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  return redactor_.redact(text);
}

}  // namespace hyops::engine
