// Any bytes as a line of events.jsonl: never a crash, and never two readings of one line.
#include <cstdlib>

#include "ledger/ledger.hpp"
#include "record/event_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace hyops;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto event = record::parse_event_line(line);
  if (!event) return 0;
  // What was read, written as hyops writes it, is the line again.
  const auto text = ledger::event_text(RunId(std::string(event->run)), event->seq, event->wall_ms,
                                       event->type, event->body, event->previous);
  const bool escaped =
      text.size() != event->head.size() + 1;  // control characters, which no writer of ours leaves
  if (!escaped && std::string_view(text).substr(0, text.size() - 1) != event->head) std::abort();
  (void)event->intact();
  const auto step = record::text_member(event->body, "step");
  if (!step.empty() && (step.data() < event->body.data() ||
                        step.data() + step.size() > event->body.data() + event->body.size()))
    std::abort();
  return 0;
}
