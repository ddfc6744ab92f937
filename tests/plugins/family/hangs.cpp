// Never comes back.
#include <unistd.h>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  (void)call;
  for (;;) ::pause();
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
