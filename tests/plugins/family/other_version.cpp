// Is another version than its manifest says.
#include "member.hpp"

MEMBER = member::with([](auto& made) { made.version = "6.6.6"; });
