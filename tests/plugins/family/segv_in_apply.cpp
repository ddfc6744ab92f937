// Follows a null pointer.
#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  (void)call;
  *static_cast<volatile int*>(nullptr) = 1;
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
