// IAP's relay as its protocol is published, standing before ports of 127.0.0.1, that misbehaves on
// request: connections cut in the middle of a message, acknowledgements that come late, close
// codes. It watches its client, too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace hyops::tests {

class RelayDouble {
 public:
  // Once this many bytes of streams have passed, of both directions and all sessions together.
  struct Fault {
    uint64_t at = 0;
    uint16_t code = 0;    // 0: the connection is reset, with whatever is on its way
    bool forget = false;  // and the session with it
  };
  struct Behaviour {
    // The one instance there is. Its ports are those of 127.0.0.1; a port nobody listens on is
    // 4003.
    std::string project = "acme-work", zone = "europe-west1-b", instance = "db-1";
    std::vector<std::string> tokens = {"token-1"};  // others: HTTP 401
    std::string stranger = "token-of-a-stranger";   // a good token without the permission: 4033
    size_t ack_every = 32 * 1024;                   // bytes; what is left, after 20 ms without any
    size_t keep = 1 << 20;                          // bytes to the client kept for a resumption
    std::vector<Fault> faults;                      // in the order of `at`
    int refuse_after = 1 << 30;                     // so many WebSockets; HTTP 503 to all others
    std::string certificate_for = "IP:127.0.0.1,DNS:localhost";
  };

  // Listens on a port of its own; its certificate vouches for itself.
  RelayDouble(Behaviour behaviour, const std::filesystem::path& folder);
  ~RelayDouble();

  std::string url(const std::string& host = "127.0.0.1") const;  // wss://127.0.0.1:PORT/v4
  std::filesystem::path ca_file() const;

  // From now on the connection is reset `times` times, each after so many bytes more.
  void break_after(uint64_t bytes, int times);

  struct Seen {
    int connects = 0, reconnects = 0, cuts = 0, refused = 0;
    uint64_t from_client = 0, to_client = 0;  // bytes of streams,
    uint64_t lost = 0;                        // and those that a cut took, in either direction
    std::vector<std::string> violations;      // of the protocol, by the client
  };
  Seen seen() const;

 private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace hyops::tests
