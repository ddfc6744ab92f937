// Returns without an answer.
#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) { (void)call; }

}  // namespace

MEMBER = member::module(member::find<misbehave>);
