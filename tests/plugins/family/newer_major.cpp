// Of the next generation of the contract.
#include "member.hpp"

MEMBER = member::with([](auto& made) { ++made.abi_major; });
