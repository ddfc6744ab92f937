// One connection to the endpoint, from its first byte to its last.
#pragma once

#include "dial.hpp"

namespace hyops::stream_host {

// Carries it until both ends are done with each other, or one is gone. A program that ends before
// the other end has sent a byte is started again, with what was sent so far, until the dial's
// patience is over. Gives one line that says what became of it.
std::string carry(Fd client, const Dial& dial);

}  // namespace hyops::stream_host
