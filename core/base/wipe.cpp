// In a file of its own, and of the C library: helper processes that wipe frames start without
// libsodium.
#include <cstring>

#include "base/secret.hpp"

namespace hyops {

void wipe(char* data, size_t size) { ::explicit_bzero(data, size); }

}  // namespace hyops
