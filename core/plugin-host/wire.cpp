// Frames between a plugin and the core, from the plugin's side.
#include "plugin-host/wire.hpp"

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/clock.hpp"

namespace hyops::plugin_host {

plugin::Frame Wire::wait() {
  for (;;) {
    auto frame = plugin::receive_frame(socket_number, reader_, -1);
    if (!frame) ::_exit(0);
    if ((*frame)->type() != "cancel") return std::move(**frame);
    cancelled_ = true;
  }
}

void Wire::tell(const plugin::Frame& frame) {
  auto sent = plugin::send_frame(socket_number, frame);
  if (sent) return;
  if (sent.error().code != "plugin.frame.too_large") ::_exit(0);
  // The verb's answer is lost, and the core must not wait for it.
  (void)plugin::send_frame(socket_number,
                           {{{"t", "thrown"}, {"message", sent.error().message}}, {}});
}

plugin::Frame Wire::ask(const plugin::Frame& frame) {
  auto sent = plugin::send_frame(socket_number, frame);
  if (!sent && sent.error().code == "plugin.frame.too_large")
    return {{{"t", "error"},
             {"class", "invalid"},
             {"code", sent.error().code},
             {"message", sent.error().message}},
            {}};
  if (!sent) ::_exit(0);
  return wait();
}

bool Wire::cancelled() {
  while (!cancelled_) {
    auto frame = plugin::receive_frame(socket_number, reader_, 0);
    if (!frame) ::_exit(0);
    if (!*frame) break;
    if ((*frame)->type() == "cancel") cancelled_ = true;
  }
  return cancelled_ || left_ms() == 0;
}

bool Wire::pause(int64_t ms) {
  constexpr int64_t longest = 86'400'000;
  const int64_t until =
      system_clock().mono_ms() + std::min(std::clamp<int64_t>(ms, 0, longest), left_ms());
  while (!cancelled()) {
    const int64_t left = until - system_clock().mono_ms();
    if (left <= 0) return cancelled();
    auto frame = plugin::receive_frame(socket_number, reader_,
                                       static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (!frame) ::_exit(0);
    if (*frame && (*frame)->type() == "cancel") cancelled_ = true;
  }
  return true;
}

void Wire::begin_call(int64_t left_ms) {
  cancelled_ = false;
  deadline_ = left_ms < 0 ? -1 : system_clock().mono_ms() + left_ms;
}

int64_t Wire::left_ms() const {
  if (deadline_ < 0) return std::numeric_limits<int64_t>::max();
  return std::max<int64_t>(0, deadline_ - system_clock().mono_ms());
}

}  // namespace hyops::plugin_host
