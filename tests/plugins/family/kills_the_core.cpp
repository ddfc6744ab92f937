// Wants the core dead.
#include <signal.h>
#include <unistd.h>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  ::kill(::getppid(), SIGKILL);
  ::kill(-1, SIGKILL);
  call->emit(call, member::text("{}"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
