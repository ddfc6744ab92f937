// Begins with another magic number.
#include "member.hpp"

MEMBER = member::with([](auto& made) { made.magic = 0x12345678u; });
