// How fast a link between two zones is: real queues in the router, since these kernels have no
// netem.
#pragma once

#include "error.hpp"
#include "zones.hpp"

namespace hyops::labd::shaping {

// Each direction of the link carries at most `kbit` per second from now on, running connections
// included; what exceeds it waits and is then dropped, as at a slow line. Said again it replaces.
Done slow(const Zone& a, const Zone& b, int kbit);
// Takes the limit away; does nothing when there is none.
Done full(const Zone& a, const Zone& b);

}  // namespace hyops::labd::shaping
