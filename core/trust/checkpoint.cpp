#include "trust/checkpoint.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "trust/document.hpp"

namespace hyops::trust {

Result<std::string> to_document(const Checkpoint& checkpoint) {
  auto text = canonical({{"checkpoint", checkpoint.version},
                         {"number", checkpoint.number},
                         {"run", checkpoint.run},
                         {"lane", checkpoint.lane},
                         {"token", checkpoint.token},
                         {"seq", checkpoint.seq},
                         {"head", checkpoint.head},
                         {"previous", checkpoint.previous},
                         {"made_ms", checkpoint.made_ms}});
  if (!text) return text;
  if (auto readable = parse_checkpoint(*text); !readable)
    return pass(readable, "while writing a checkpoint");
  return text;
}

Result<Checkpoint> parse_checkpoint(std::string_view document) {
  Document in(document, "the checkpoint");
  Checkpoint out;
  out.version = static_cast<int>(in.integer("checkpoint", 1, 1));
  out.number = in.integer("number", 1, max_exact_integer);
  out.run = in.name("run");
  out.lane = in.name("lane");
  out.token = in.integer("token", 0, max_exact_integer);
  out.seq = in.integer("seq", 1, max_exact_integer);
  out.head = in.text("head", 64);
  if (!is_digest("sha256:" + out.head)) in.complain("\"head\" is not the hash of an event");
  out.previous = in.digest("previous");
  out.made_ms = in.integer("made_ms", 0, max_time_ms);
  if (out.number == 1 && out.previous != digest_of(out.run))
    in.complain("it is the first of its run and names another before it");
  if (const auto problem = in.done())
    return fail("trust.checkpoint.malformed", "the checkpoint is malformed: " + *problem);
  return out;
}

std::string checkpoint_name(int64_t number) {
  std::string digits = std::to_string(number);
  return std::string(6 - std::min<size_t>(6, digits.size()), '0') + digits;
}

}  // namespace hyops::trust
