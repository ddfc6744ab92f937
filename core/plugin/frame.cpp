// Frames in and out of a socket, bounded, with the other side presumed hostile.
#include "plugin/frame.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/secret.hpp"

namespace hyops::plugin {
namespace {

constexpr size_t header_size = 8;

void put_u32(char* at, size_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>((value >> (8 * i)) & 0xff);
}

size_t get_u32(const char* at) {
  size_t value = 0;
  for (int i = 0; i < 4; ++i)
    value |= static_cast<size_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  return value;
}

Status send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("plugin.frame.closed", "the other side takes no frames", errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

}  // namespace

Status send_frame(int fd, const Frame& frame) {
  const std::string head = frame.head.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (head.size() + frame.bytes.size() > max_frame)
    return fail("plugin.frame.too_large",
                "a frame of " + std::to_string(head.size() + frame.bytes.size()) +
                    " bytes; at most " + std::to_string(max_frame) + " are sent");
  std::string start(header_size, '\0');
  put_u32(start.data(), head.size());
  put_u32(start.data() + 4, frame.bytes.size());
  start += head;
  if (auto sent = send_all(fd, start); !sent) return sent;
  return send_all(fd, frame.bytes);  // straight from its owner: no copy of a secret to wipe
}

FrameReader::~FrameReader() { wipe(buffer_.data(), buffer_.size()); }

Result<std::optional<Frame>> FrameReader::next() {
  if (buffer_.size() < header_size) return std::optional<Frame>{};
  const size_t head = get_u32(buffer_.data()), bytes = get_u32(buffer_.data() + 4);
  if (head + bytes > max_frame)
    return fail("plugin.frame.too_large",
                "a frame announces " + std::to_string(head + bytes) + " bytes");
  const size_t whole = header_size + head + bytes;
  if (buffer_.size() < whole) return std::optional<Frame>{};
  Frame frame;
  auto parsed =
      parse_json(std::string_view(buffer_).substr(header_size, head), "a frame", max_frame);
  if (!parsed || !parsed->is_object())
    return fail("plugin.frame.malformed", "a frame does not begin with a JSON object");
  frame.head = std::move(*parsed);
  frame.bytes.assign(buffer_, header_size + head, bytes);
  const size_t rest = buffer_.size() - whole;
  std::memmove(buffer_.data(), buffer_.data() + whole, rest);
  wipe(buffer_.data() + rest, whole);
  buffer_.resize(rest);
  return frame;
}

Result<bool> FrameReader::fill(int fd, int timeout_ms) {
  pollfd waiting{fd, POLLIN, 0};
  const int ready = ::poll(&waiting, 1, timeout_ms);
  if (ready == 0 || (ready < 0 && errno == EINTR)) return false;
  std::array<char, 65536> piece;
  const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (got < 0) return fail_errno("plugin.frame.closed", "the other side is gone", errno);
  if (got == 0) return fail("plugin.frame.closed", "the other side is gone");
  const auto count = static_cast<size_t>(got);
  if (buffer_.capacity() < buffer_.size() + count) {  // growing would leave a copy behind unwiped
    std::string grown;
    grown.reserve(std::max(2 * buffer_.capacity(), buffer_.size() + count));
    grown = buffer_;
    wipe(buffer_.data(), buffer_.size());
    buffer_.swap(grown);
  }
  buffer_.append(piece.data(), count);
  wipe(piece.data(), count);
  return true;
}

Result<std::optional<Frame>> receive_frame(int fd, FrameReader& reader, int timeout_ms) {
  for (;;) {
    auto frame = reader.next();
    if (!frame || *frame) return frame;
    auto came = reader.fill(fd, timeout_ms);
    if (!came) return pass(came);
    // One wait at a time: a peer that drips bytes must not keep its caller from looking at the
    // clock.
    if (timeout_ms >= 0) return reader.next();
  }
}

}  // namespace hyops::plugin
