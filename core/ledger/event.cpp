// How an event is spelled and hashed: the same bytes in the ledger, in events.jsonl and for a
// verifier.
#include <algorithm>

#include "base/digest.hpp"
#include "ledger/ledger.hpp"

namespace hyops::ledger {
namespace {

bool needs_no_escape(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

// What a ledger appends is plain (append and create_run see to it); what stands in a folder that
// somebody hands to a verifier may be anything.
void add_text(std::string& to, std::string_view text) {
  if (needs_no_escape(text))
    to.append(1, '"').append(text).append(1, '"');
  else
    to += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Json event_document(const RunId& run, const Event& event) {
  return Json{{"run", run.value},   {"seq", event.seq},   {"wall_ms", event.wall_ms},
              {"type", event.type}, {"body", event.body}, {"previous", event.previous}};
}

std::string event_text(const RunId& run, int64_t seq, int64_t wall_ms, std::string_view type,
                       std::string_view body, std::string_view previous) {
  // Keys sorted by hand: this is the canonical JSON of event_document without building it.
  std::string text;
  text.reserve(body.size() + type.size() + 220);
  text.append("{\"body\":").append(body);
  add_text(text.append(",\"previous\":"), previous);
  add_text(text.append(",\"run\":"), run.value);
  text.append(",\"seq\":").append(std::to_string(seq));
  add_text(text.append(",\"type\":"), type);
  text.append(",\"wall_ms\":").append(std::to_string(wall_ms)).push_back('}');
  return text;
}

std::string event_hash(const RunId& run, const Event& event) {
  const std::string body = event.body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return sha256_hex(event_text(run, event.seq, event.wall_ms, event.type, body, event.previous));
}

std::string event_line(std::string_view text, std::string_view hash) {
  std::string line(text.substr(0, text.size() - 1));
  line.append(",\"hash\":\"").append(hash).append("\"}");
  return line;
}

std::string chain_start(const RunId& run) { return sha256_hex(run.value); }

}  // namespace hyops::ledger
