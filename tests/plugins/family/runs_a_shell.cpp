// Starts a program behind the back of hyops.exec/1.
#include <cstdlib>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  (void)!std::system("true");
  call->emit(call, member::text("{}"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
