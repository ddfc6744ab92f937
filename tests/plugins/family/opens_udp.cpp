// Sends datagrams past hyops.http/1, which its manifest does not declare.
#include "member.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <initializer_list>

namespace {

void verb(hyops_instance*, hyops_call* call, hyops_bytes) {
  for (const int family : {AF_INET, AF_INET6})
    if (::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0)
      return call->emit(call, member::text("{}"));
  call->fail(call, member::text("denied/family.no_socket"), member::text("there is no socket"));
}

}  // namespace

MEMBER = member::module(member::find<verb>);
