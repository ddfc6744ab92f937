// Makes a process of its own.
#include <unistd.h>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  if (::fork() == 0) ::_exit(0);
  call->emit(call, member::text("{}"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
