// Reading trusts no length: the far end is a network.
#include "frame.hpp"

#include <algorithm>

#include "hyops/plugin.hpp"

namespace hyops::iap {
namespace {

enum class Tag : uint16_t {
  connect_success_sid = 1,
  reconnect_success_ack = 2,
  data = 4,
  ack = 7,
};

template <class Number>
void put(std::string& out, Number number) {
  for (int shift = 8 * (sizeof(Number) - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(number >> shift & 0xff));
}

[[noreturn]] void malformed(const char* what) {
  throw sdk::Failed("internal/access.iap.protocol", std::string("the relay sent ") + what);
}

template <class Number>
Number take(std::string_view& rest, const char* what) {
  if (rest.size() < sizeof(Number)) malformed(what);
  Number number = 0;
  for (size_t i = 0; i < sizeof(Number); ++i)
    number = static_cast<Number>(number << 8 | static_cast<unsigned char>(rest[i]));
  rest.remove_prefix(sizeof(Number));
  return number;
}

std::string_view take_array(std::string_view rest, const char* what) {
  const auto size = take<uint32_t>(rest, what);
  if (size > max_array || size > rest.size()) malformed(what);
  return rest.substr(0, size);
}

std::string with_position(Tag tag, uint64_t position) {
  std::string out;
  put(out, static_cast<uint16_t>(tag));
  put(out, position);
  return out;
}

std::string with_array(Tag tag, std::string_view bytes) {
  std::string out;
  out.reserve(data_header_size + bytes.size());
  put(out, static_cast<uint16_t>(tag));
  put(out, static_cast<uint32_t>(bytes.size()));
  return out.append(bytes);
}

}  // namespace

Frame decode(std::string_view message) {
  std::string_view rest = message;
  const auto tag = take<uint16_t>(rest, "a message without a tag");
  switch (static_cast<Tag>(tag)) {
    case Tag::data:
      return Data{take_array(rest, "data shorter or longer than its length says")};
    case Tag::ack:
      return Ack{take<uint64_t>(rest, "an acknowledgement without a position")};
    case Tag::reconnect_success_ack:
      return Reconnected{take<uint64_t>(rest, "a resumed session without a position")};
    case Tag::connect_success_sid: {
      const auto sid = take_array(rest, "a session id shorter or longer than its length says");
      if (sid.empty() ||
          !std::all_of(sid.begin(), sid.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
        malformed("a session id that is not printable");
      return Connected{sid};
    }
  }
  return Unknown{tag};
}

std::string encode(const Ack& ack) { return with_position(Tag::ack, ack.position); }

std::string encode(const Data& data) { return with_array(Tag::data, data.bytes); }

std::string encode(const Connected& connected) {
  return with_array(Tag::connect_success_sid, connected.sid);
}

std::string encode(const Reconnected& reconnected) {
  return with_position(Tag::reconnect_success_ack, reconnected.ack);
}

}  // namespace hyops::iap
