// The control group of a host: what runs on the host stands in it, and takes it for the top of all
// groups. A runner can so keep its tools from a cloud's metadata service there as on any machine.
#pragma once

#include <sys/types.h>

#include <string>

namespace hyops::labd {

// For the process that becomes PID 1, before it enters its other namespaces. False: this machine
// has no groups of version 2, or none that we may make, and the host goes without.
bool enter_group(const std::string& lab, const std::string& host);

// For a process of the machine that goes onto the host of this PID 1, before it does.
void join_group_of(pid_t first_of_host);

// When nothing runs on the host any more. What was made on it goes, too. An answer that is not
// empty says what is left.
std::string remove_group(const std::string& lab, const std::string& host);
std::string remove_groups(const std::string& lab);  // of all its hosts, and ends what is in them

}  // namespace hyops::labd
