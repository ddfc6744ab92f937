// One session with the relay, over as many connections as it takes: which bytes the relay has for
// certain, which are on their way and may have to be sent again, and what we acknowledge. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frame.hpp"

namespace hyops::iap {

class Session {
 public:
  // At most `window` bytes of ours are kept until the relay acknowledges them; more are not taken.
  explicit Session(size_t window) : ring_(window) {}

  // Our bytes. Free space to read into, one piece; empty while the window is full.
  struct Space {
    char* data;
    size_t size;
  };
  Space space();
  void took(size_t bytes);  // so many were read into space()

  // What to send next, at most `max` bytes; empty: nothing, or not now. Counts as sent.
  std::string_view send(size_t max);

  // A message of the relay. Bytes of the stream are returned, in order, each once; they point into
  // the message. sdk::Failed internal/access.iap.protocol where the relay contradicts itself: it
  // acknowledges what was never sent or takes back what it acknowledged, it speaks before it said
  // that the session stands, or says so twice.
  std::string_view receive(std::string_view message);

  // The acknowledgement that is due: more than two full messages arrived since the last (as
  // Google's clients do it); `idle`: anything did.
  enum class When : bool { due, idle };
  std::optional<Ack> acknowledge(When when);

  // A connection is about to begin: from now on only Connected (first time) or Reconnected counts.
  void begin_connection() { open_ = false; }

  bool open() const { return open_; }               // this connection may carry bytes
  bool resumable() const { return !sid_.empty(); }  // there is a session to come back to
  const std::string& sid() const { return sid_; }
  uint64_t received() const { return received_; }  // the `ack` of /v4/reconnect
  uint64_t unacknowledged() const { return taken_ - acked_; }
  bool unsent() const { return sent_ < taken_; }

 private:
  void confirm(uint64_t position);

  std::vector<char> ring_;
  // Positions in our stream since the session began: acked_ <= sent_ <= taken_ <= acked_ + window.
  // reached_ is the highest sent_ ever: the relay may have got that far on an earlier connection.
  uint64_t acked_ = 0, sent_ = 0, taken_ = 0, reached_ = 0;
  uint64_t received_ = 0, ack_sent_ = 0;
  std::string sid_;
  bool open_ = false;
};

}  // namespace hyops::iap
