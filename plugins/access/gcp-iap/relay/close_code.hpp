// Why the relay closed a connection, and whether the session can go on over another one.
#pragma once

#include <cstdint>
#include <string>

namespace hyops::iap {

enum class Next {
  resume,  // connect again and go on
  renew,   // the same, with a fresh token
  end,     // the stream is over
  fail,    // the session is over and bytes may be lost, or it never began
};

struct Verdict {
  Next next;
  const char* code;      // of `fail`, and of the others if patience ends: "class/access.iap.x"
  const char* sentence;  // "the host does not listen on this port, ..."
};

// code: of the close frame (RFC 6455; 4000 and above are IAP's own), 1006 where there was none.
Verdict judge_close(uint16_t code);

// The answer to the request for a WebSocket where it was not "101 Switching Protocols".
Verdict judge_refusal(unsigned http_status);

}  // namespace hyops::iap
