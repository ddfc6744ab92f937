// Claims to be shorter than any hyops_module ever was.
#include "member.hpp"

MEMBER = member::with([](auto& made) { made.struct_size = 16; });
