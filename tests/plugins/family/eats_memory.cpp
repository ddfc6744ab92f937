// Takes all memory there is.
#include <cstdlib>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  while (void* piece = std::malloc(16u << 20)) *static_cast<volatile char*>(piece) = 1;
  call->emit(call, member::text("{}"));
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
