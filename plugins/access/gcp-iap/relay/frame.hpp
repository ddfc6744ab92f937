// The messages inside the WebSocket of IAP's TCP relay: a tag of two bytes and what the tag says,
// all numbers big endian. Written after the published "SSH Relay v4" page of Chromium's Secure
// Shell and what Google's own clients (Cloud SDK, IAP Desktop) send and accept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace hyops::iap {

constexpr const char* subprotocol = "relay.tunnel.cloudproxy.app";
constexpr size_t max_array = 16 * 1024;        // bytes of one DATA or SID
constexpr size_t max_message = 6 + max_array;  // tag, length, bytes

// The first message after /v4/connect: what /v4/reconnect will ask for. Printable ASCII.
struct Connected {
  std::string_view sid;
};
// The first message after /v4/reconnect: how many bytes of ours the relay has had, ever.
struct Reconnected {
  uint64_t ack = 0;
};
struct Data {
  std::string_view bytes;
};
// How many bytes the sender of this has had since the session began.
struct Ack {
  uint64_t position = 0;
};
// A tag of a later version of the protocol: "clients MUST ignore all unknown tags".
struct Unknown {
  uint16_t tag = 0;
};

// Views point into the message it was read from.
using Frame = std::variant<Connected, Reconnected, Data, Ack, Unknown>;

// One binary message. Bytes behind what the tag announces are ignored, as Google's clients do.
// sdk::Failed internal/access.iap.protocol where it is shorter than it says, or holds a session id
// that is empty or not printable.
Frame decode(std::string_view message);

std::string encode(const Ack& ack);

constexpr size_t data_header_size = 6;
std::string encode(const Data& data);

// The relay's side, for who plays it.
std::string encode(const Connected& connected);
std::string encode(const Reconnected& reconnected);

}  // namespace hyops::iap
