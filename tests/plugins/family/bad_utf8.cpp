// Answers in something that is not UTF-8.
#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  call->emit(call, member::text("{\"name\":\"\xff\xfe\"}"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
