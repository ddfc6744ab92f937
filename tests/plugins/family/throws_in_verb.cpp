// Lets an exception out of a verb.
#include <stdexcept>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  (void)call;
  throw std::runtime_error("thrown through C");
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
