// Answers with more than any document may have.
#include <string>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  const std::string huge = "{\"x\":\"" + std::string(17u << 20, 'x') + "\"}";
  call->emit(call, {huge.data(), huge.size()});
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
