// Fails, but gives no code.
#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  call->fail(call, member::text(""), member::text("something went wrong"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
