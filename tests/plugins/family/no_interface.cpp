// Implements nothing of what its manifest says.
#include "member.hpp"

MEMBER = member::module([](hyops_instance*, const char*) -> const void* { return nullptr; });
