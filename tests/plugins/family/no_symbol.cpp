// Exports something, but not hyops_module.
#include "member.hpp"

extern "C" HYOPS_EXPORT const void* const something_else[] = {
    reinterpret_cast<const void*>(member::create)};
