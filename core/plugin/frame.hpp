// The wire between core and helper: length-prefixed frames of one JSON document and some bytes.
//
//   u32 little-endian length of the document, u32 length of the bytes, the document, the bytes
//
// core -> helper   {"t":"confine","read","direct"}   {"t":"create"} + configuration
// {"t":"call","interface","verb","left_ms","about"}
// + inputs
//                  {"t":"cancel"}   {"t":"ok",...} + bytes   {"t":"error","class","code","message"}
//                  {"t":"end"}
// helper -> core   {"t":"confined","holds"}   {"t":"ready"}   {"t":"refused","code","message"}
// {"t":"emit"} + document
//                  {"t":"fail","code","message"}   {"t":"progress","permille","note"}
//                  {"t":"return"}
//                  {"t":"thrown","message"}   {"t":"log","level","text"}
//                  {"t":"service","id","n","verb",...} + n bytes of JSON, then bytes: answered with
//                  ok or error
#pragma once

#include <string>

#include "base/json.hpp"

namespace hyops::plugin {

inline constexpr size_t max_frame = 16u << 20;  // document and bytes together

struct Frame {
  Json head;
  std::string bytes;

  std::string type() const { return get_string(head, "t"); }
};

// Writes a whole frame to a socket. plugin.frame.too_large, plugin.frame.closed.
Status send_frame(int fd, const Frame& frame);

// What arrived of frames that are not whole yet; bytes are wiped as they leave, for they may be
// secret.
class FrameReader {
 public:
  FrameReader() = default;
  FrameReader(FrameReader&&) noexcept = default;
  FrameReader& operator=(FrameReader&&) noexcept = default;
  ~FrameReader();

  // The next frame if one is whole. plugin.frame.{too_large,malformed}.
  Result<std::optional<Frame>> next();

  // Reads what is there, waiting at most timeout_ms for it (-1: for ever). False: nothing came in
  // time. plugin.frame.closed when the other side is gone.
  Result<bool> fill(int fd, int timeout_ms);

 private:
  std::string buffer_;
};

// The next frame, waiting once for bytes; nothing when it is not whole by then. -1: waits until it
// is.
Result<std::optional<Frame>> receive_frame(int fd, FrameReader& reader, int timeout_ms);

}  // namespace hyops::plugin
