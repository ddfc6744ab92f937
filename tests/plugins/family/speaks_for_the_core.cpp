// Fails with a code by which the core decides what to do.
#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  call->fail(call, member::text("internal/plugin.died"), member::text("pretending"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
