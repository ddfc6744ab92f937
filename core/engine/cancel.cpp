#include "engine/cancel.hpp"

#include <algorithm>

#include "base/file.hpp"

namespace hyops::engine {
namespace {

std::atomic<int> signals_seen{0};
static_assert(std::atomic<int>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

}  // namespace

Cancel Cancellation::state() const {
  int asked = std::min(2, signals_seen.load());
  std::error_code ignored;
  if (std::filesystem::exists(file_, ignored)) {
    const auto text = read_file(file_, 16);
    asked = std::max(asked,
                     static_cast<int>(text && *text == "now" ? Cancel::now : Cancel::after_step));
  }
  for (int before = most_; asked > before;)
    if (most_.compare_exchange_weak(before, asked)) {
      noticed_(static_cast<Cancel>(asked));
      break;
    }
  return static_cast<Cancel>(asked);
}

void Cancellation::on_signal() { signals_seen.fetch_add(1); }

Status Cancellation::request(const std::filesystem::path& run_folder, Cancel how) {
  return write_file(run_folder / "cancel", how == Cancel::now ? "now" : "after-step");
}

void Cancellation::clear() {
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

}  // namespace hyops::engine
