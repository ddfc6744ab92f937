// IAP's close codes as Google's own clients know them (IAP Desktop names all of them; the Cloud SDK
// resumes after 4004). What only says that a connection ended, is resumed; what says that the host,
// the permission or the session is not there, is not.
#include "close_code.hpp"

#include <algorithm>
#include <iterator>

namespace hyops::iap {
namespace {

struct Known {
  uint16_t code;
  Verdict verdict;
};

constexpr const char* lost = "unavailable/access.iap.session_lost";
constexpr const char* protocol = "internal/access.iap.protocol";
constexpr const char* dropped = "unavailable/access.iap.connection";

constexpr Known known[] = {
    {1000, {Next::end, dropped, "the relay closed the stream"}},
    {1001, {Next::resume, dropped, "the relay goes away"}},
    {1005, {Next::resume, dropped, "the relay closed the connection without saying why"}},
    {1006, {Next::resume, dropped, "the connection to the relay was lost"}},
    {1011, {Next::resume, dropped, "the relay met an error of its own"}},
    {1012, {Next::resume, dropped, "the relay restarts"}},
    {1013, {Next::resume, dropped, "the relay is overloaded"}},
    {4000, {Next::resume, dropped, "the relay met an error it has no word for"}},
    {4001, {Next::fail, lost, "the relay knows the session no longer"}},
    // It has not noticed yet that the connection before is gone.
    {4002, {Next::resume, lost, "the relay holds the session for another connection"}},
    {4003,
     {Next::fail, "unavailable/access.iap.backend",
      "the relay cannot reach the host on this port: nothing listens, or a firewall does not let "
      "35.235.240.0/20 in"}},
    {4004, {Next::renew, "expired/access.iap.token", "the relay wants a fresh token"}},
    {4005, {Next::fail, protocol, "the relay says that an acknowledgement was wrong"}},
    {4006, {Next::fail, protocol, "the relay says that an acknowledgement was no number"}},
    {4007, {Next::fail, protocol, "the relay did not expect this kind of message"}},
    {4008, {Next::fail, protocol, "the relay did not expect this tag"}},
    {4009,
     {Next::fail, "partial/access.iap.write", "the host took no more bytes: some may be lost"}},
    {4010, {Next::end, dropped, "the host closed the connection"}},
    {4013, {Next::fail, protocol, "the relay says that data was malformed"}},
    {4033,
     {Next::fail, "denied/access.iap.denied",
      "the token's owner may not tunnel to this host (roles/iap.tunnelResourceAccessor)"}},
    {4047,
     {Next::fail, "unavailable/access.iap.lookup",
      "the relay finds no such running instance in this project and zone"}},
    {4051, {Next::fail, lost, "the relay finds the instance of the session no longer"}},
    {4074, {Next::fail, lost, "the relay no longer has the bytes to go on from"}},
};

}  // namespace

Verdict judge_close(uint16_t code) {
  const auto* found = std::find_if(std::begin(known), std::end(known),
                                   [&](const Known& each) { return each.code == code; });
  if (found != std::end(known)) return found->verdict;
  return {Next::fail, protocol, "the relay closed the session with a code nobody knows"};
}

Verdict judge_refusal(unsigned http_status) {
  if (http_status == 401)
    return {Next::renew, "expired/access.iap.token", "the relay does not accept the token"};
  if (http_status == 403)
    return {Next::fail, "denied/access.iap.denied",
            "the token's owner may not tunnel to this host (roles/iap.tunnelResourceAccessor)"};
  if (http_status == 429 || http_status >= 500)
    return {Next::resume, "unavailable/access.iap.connection", "the relay is overloaded or down"};
  return {Next::fail, "invalid/access.iap.request", "the relay does not take such a request"};
}

}  // namespace hyops::iap
