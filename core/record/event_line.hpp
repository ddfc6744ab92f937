// A line of events.jsonl, taken apart from its end: enough to check a chain without a JSON parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hyops::record {

// All views point into the line. The line is `<head>,"hash":"<64 hex>"}` where `<head>}` is what
// was hashed; an event from which export had to take a secret ends with
// `,"hash":"...","redacted":"..."}`, where the second digest is that of `<head>}` as it stands here
// and the first is the ledger's, for the chain.
struct EventLine {
  std::string_view head, body, previous, run, type, hash, redacted;
  int64_t seq = 0, wall_ms = 0;
  bool intact() const;  // the head has the digest that the line claims for it
};

// Nothing where the line is not exactly of this form. `line` is without its newline.
std::optional<EventLine> parse_event_line(std::string_view line);

// The value of a top-level text member of `body`, undecoded (names need no escapes); empty: not
// there.
std::string_view text_member(std::string_view body, std::string_view name);

}  // namespace hyops::record
