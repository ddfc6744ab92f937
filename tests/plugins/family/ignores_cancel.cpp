// Works on and on, whatever it is told.
#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  for (uint32_t n = 0;; ++n) call->progress(call, n % 1000, member::text("busy"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
