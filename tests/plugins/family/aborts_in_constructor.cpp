// Ends the process while it is loaded, before anybody could ask it anything.
#include <cstdlib>

#include "member.hpp"

namespace {

[[gnu::constructor]] void early() { std::abort(); }

}  // namespace

MEMBER = member::module(member::find<member::good>);
