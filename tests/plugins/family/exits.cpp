// Leaves as if all were well.
#include <unistd.h>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  (void)call;
  ::_exit(0);
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
