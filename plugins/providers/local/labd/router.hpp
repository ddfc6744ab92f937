// The router of the lab: a network namespace with one bridge per zone and the packet filter between
// them.
#pragma once

#include <sys/types.h>

#include <string>

#include "error.hpp"

namespace hyops::labd {

// "hyops-router" for the lab named hyops.
std::string router_name(const std::string& lab);

// Inode of the namespace behind a name of `ip netns`; 0: there is none.
ino_t netns_inode(const std::string& netns);

// Moves the calling thread into a namespace of `ip netns`.
Done enter_netns(const std::string& netns);

// Builds bridges, addresses and the default ruleset in the namespace the caller is in. What is
// there already stays as it is, so that a restarted daemon does not reopen what was cut.
Done build_router();

}  // namespace hyops::labd
