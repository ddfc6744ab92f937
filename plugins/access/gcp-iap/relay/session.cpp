// Every byte arrives once, whatever was lost on the way: ours are kept until the relay has them,
// the relay's are counted and asked for from there.
#include "session.hpp"

#include <algorithm>

#include "hyops/plugin.hpp"

namespace hyops::iap {
namespace {

[[noreturn]] void contradiction(const std::string& what) {
  throw sdk::Failed("internal/access.iap.protocol", "the relay " + what);
}

}  // namespace

Session::Space Session::space() {
  const size_t at = taken_ % ring_.size();
  const size_t free = ring_.size() - static_cast<size_t>(taken_ - acked_);
  return {ring_.data() + at, std::min(free, ring_.size() - at)};
}

void Session::took(size_t bytes) { taken_ += bytes; }

std::string_view Session::send(size_t max) {
  if (!open_ || sent_ == taken_) return {};
  const size_t at = sent_ % ring_.size();
  const size_t size = std::min({max, static_cast<size_t>(taken_ - sent_), ring_.size() - at});
  sent_ += size;
  reached_ = std::max(reached_, sent_);
  return {ring_.data() + at, size};
}

void Session::confirm(uint64_t position) {
  if (position < acked_)
    contradiction("takes back what it acknowledged: " + std::to_string(position) + " after " +
                  std::to_string(acked_));
  if (position > reached_)
    contradiction("acknowledges what was never sent: " + std::to_string(position) + " of " +
                  std::to_string(reached_));
  acked_ = position;
  sent_ = std::max(sent_, acked_);
}

std::string_view Session::receive(std::string_view message) {
  const Frame frame = decode(message);
  if (const auto* data = std::get_if<Data>(&frame)) {
    if (!open_) contradiction("sent data before it said that the session stands");
    received_ += data->bytes.size();
    return data->bytes;
  }
  if (const auto* ack = std::get_if<Ack>(&frame)) {
    if (!open_) contradiction("acknowledged before it said that the session stands");
    confirm(ack->position);
  } else if (const auto* connected = std::get_if<Connected>(&frame)) {
    if (open_ || resumable()) contradiction("began a session inside another");
    sid_ = connected->sid;
    open_ = true;
  } else if (const auto* reconnected = std::get_if<Reconnected>(&frame)) {
    if (open_ || !resumable()) contradiction("resumed a session that nobody asked for");
    confirm(reconnected->ack);
    sent_ = acked_;         // the rest is sent again
    ack_sent_ = received_;  // it was told by the `ack` of /v4/reconnect
    open_ = true;
  }
  return {};
}

std::optional<Ack> Session::acknowledge(When when) {
  const uint64_t owed = received_ - ack_sent_;
  if (!open_ || owed == 0 || (when == When::due && owed <= 2 * max_array)) return std::nullopt;
  ack_sent_ = received_;
  return Ack{received_};
}

}  // namespace hyops::iap
