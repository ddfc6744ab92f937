// How far somebody set the clock of this machine, as the ledger has seen it since the machine
// started.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "ledger/store.hpp"

namespace hyops::ledger {
namespace {

constexpr off_t place = 64;  // in the file of leases, behind the note of the newest event

// Wall minus monotonic clock, as it was first seen in that boot of the machine.
struct Seen {
  std::array<char, 40> boot_id{};
  int64_t ahead_ms = 0;

  // Thousands of years are no clock's: the file is damaged.
  bool is_sound() const {
    return ahead_ms > -100'000'000'000'000 && ahead_ms < 100'000'000'000'000;
  }
};

}  // namespace

Result<int64_t> Ledger::Impl::clock_set_ms() const {
  auto me = self();
  if (!me) return pass(me);
  Seen now{{}, clock->wall_ms() - clock->mono_ms()}, first;
  std::memcpy(now.boot_id.data(), me->boot_id.data(),
              std::min(me->boot_id.size(), now.boot_id.size()));
  const bool known =
      ::pread(leases.get(), &first, sizeof first, place) == static_cast<ssize_t>(sizeof first);
  if (known && first.is_sound() && first.boot_id == now.boot_id && !clock->is_kept()) {
    const int64_t by = now.ahead_ms - first.ahead_ms;
    return std::abs(by) < least_clock_step_ms ? 0 : by;
  }
  // Where this fails, the next one sees it first.
  if (::pwrite(leases.get(), &now, sizeof now, place) < 0) return 0;
  return 0;
}

Result<int64_t> Ledger::clock_set_ms() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->clock_set_ms();
}

}  // namespace hyops::ledger
