// One TCP stream through IAP's relay, between two descriptors and an instance's port, over as many
// connections as it takes.
#pragma once

#include <chrono>
#include <string>

#include "target.hpp"
#include "token.hpp"

namespace hyops::iap {

struct Dial {
  Relay relay;
  Target target;
  TokenSource token;
  std::string ca_file;  // PEM; empty: the system's. Certificates are verified in any case
  std::chrono::milliseconds connect_timeout{20'000};  // of one connection, until it carries bytes
  std::chrono::milliseconds patience{120'000};        // from a loss until it is given up
  size_t window = 4 << 20;  // bytes kept until the relay acknowledges them
};

// Carries bytes until one side ends the stream, then returns. What in_fd gave before its end has
// been acknowledged then, or the relay had 5 s for it. The relay knows no half-close: the end of
// in_fd is the end of the stream, also for what the host would still have said; only where in_fd
// gave nothing at all the host has 3 s for its first word.
// sdk::Failed: unavailable/access.iap.{connection,backend,lookup,session_lost,metadata},
// denied/access.iap.{denied,certificate}, expired/access.iap.token, partial/access.iap.write,
// internal/access.iap.protocol, invalid/access.iap.{request,token.malformed,target,ca_file}.
void carry(const Dial& dial, int in_fd, int out_fd);

}  // namespace hyops::iap
