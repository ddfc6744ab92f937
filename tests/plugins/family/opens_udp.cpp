// Sends datagrams past hyops.http/1, which its manifest does not declare.
#include "member.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace {

void verb(hyops_instance*, hyops_call* call, hyops_bytes) {
  if (::socket(AF_INET, SOCK_DGRAM, 0) >= 0 || ::socket(AF_INET6, SOCK_DGRAM, 0) >= 0)
    return call->emit(call, member::text("{}"));
  call->fail(call, member::text("denied/family.no_socket"), member::text("there is no socket"));
}

}  // namespace

MEMBER = member::module(member::find<verb>);
