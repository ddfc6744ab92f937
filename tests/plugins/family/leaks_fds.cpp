// Opens without end and closes nothing.
#include <unistd.h>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  for (int n = 0; n < 100000 && ::dup(3) >= 0; ++n) {
  }
  call->emit(call, member::text("{}"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
