// Any messages from a relay: no crash, and whatever it says, no byte of ours is dropped before it
// acknowledged it and none is taken for acknowledged that was never sent.
#include <cstdlib>

#include "hyops/plugin.hpp"
#include "session.hpp"

namespace {

using namespace hyops::iap;

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// The input is a line of messages, a byte of length before each. 255 stands for a lost connection,
// 254 for bytes of ours that are sent.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  Session session(257);
  uint64_t given = 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    for (size_t at = 0; at < input.size();) {
      const auto length = static_cast<unsigned char>(input[at++]);
      if (length == 255) {
        session.begin_connection();
        must(session.send(100).empty());
      } else if (length == 254) {
        const auto space = session.space();
        const size_t taken = std::min<size_t>(space.size, 100);
        std::fill_n(space.data, taken, 'x');
        session.took(taken);
        given += taken;
        session.send(50);
      } else {
        const auto message = input.substr(at, length);
        at += message.size();
        const uint64_t before = session.received();
        const auto bytes = session.receive(message);
        must(bytes.size() <= message.size() && session.received() == before + bytes.size());
        if (const auto ack = session.acknowledge(Session::When::idle))
          must(ack->position == session.received());
      }
      must(session.unacknowledged() <= 257 && session.unacknowledged() <= given);
      must(session.open() || session.send(1).empty());
    }
  } catch (const hyops::sdk::Failed& failed) {
    must(failed.code == "internal/access.iap.protocol");
  }
  return 0;
}
