// The OAuth2 access token that opens the relay: never an argument, never kept on a disk.
#pragma once

#include <string>
#include <utility>  // boost/asio/awaitable.hpp forgets it

#include <boost/asio/awaitable.hpp>

namespace hyops::iap {

// Asked before each connection: a file, or the metadata service of the machine we stand on. One of
// them. The service hands out the same token as long as it is good.
struct TokenSource {
  std::string file;      // on a tmpfs of ours; a line's end at its end is not of the token
  std::string metadata;  // "http://metadata.google.internal/computeMetadata/v1/instance/..."
};
constexpr const char* google_metadata =
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";

// sdk::Failed unavailable/access.iap.metadata (no answer within 5 s, or not Google's),
// invalid/access.iap.token.malformed (none, or nothing that could stand in a request).
boost::asio::awaitable<std::string> fetch_token(const TokenSource& source);

}  // namespace hyops::iap
