// Writes past the tables, straight at the socket of the core.
#include <unistd.h>

#include "member.hpp"

namespace {

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  (void)call;
  (void)!::write(3, "\xff\xff\xff\x7fnoise", 9);
}

}  // namespace

MEMBER = member::module(member::find<misbehave>);
