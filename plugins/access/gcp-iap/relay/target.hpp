// Which instance of which project, and the requests that name it.
#pragma once

#include <cstdint>
#include <string>

namespace hyops::iap {

struct Target {
  std::string project, zone, instance;  // as Compute Engine names them
  std::string interface = "nic0";
  uint16_t port = 22;
};

// Where the relay is: "wss://tunnel.cloudproxy.app/v4", or what stands in its place. Never
// unencrypted: the token is in the request.
struct Relay {
  std::string host, port, path;  // path without a slash at its end: "/v4"
};
constexpr const char* google_relay = "wss://tunnel.cloudproxy.app/v4";

// sdk::Failed invalid/access.iap.endpoint, invalid/access.iap.target
Relay parse_relay(const std::string& url);
void check(const Target& target);

// The path and query of the first connection, and of every later one.
std::string connect_request(const Relay& relay, const Target& target);
std::string reconnect_request(const Relay& relay, const Target& target, const std::string& sid,
                              uint64_t ack);

}  // namespace hyops::iap
