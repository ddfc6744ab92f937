// Says it is somebody else.
#include "member.hpp"

MEMBER = member::with([](auto& made) { made.id = "test.somebody_else"; });
