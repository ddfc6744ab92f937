// Has no create at all.
#include "member.hpp"

MEMBER = member::with([](auto& made) { made.create = nullptr; });
