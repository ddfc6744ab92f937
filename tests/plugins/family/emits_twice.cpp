// Answers twice.
#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  call->emit(call, member::text("{\"n\":1}"));
  call->emit(call, member::text("{\"n\":2}"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
