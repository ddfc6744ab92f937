// Writes where it thinks people look.
#include <cstdio>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  for (int n = 0; n < 1000; ++n) std::puts("look at me");
  std::fflush(stdout);
  call->emit(call, member::text("{}"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
