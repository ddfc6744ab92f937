// Faults inside one host: its disk and its clock.
#pragma once

#include <string>

#include "process_identity.hpp"

namespace hyops::labd {

// From now on what is written below `path` (a directory of the host) goes to a file system of
// 24 MiB: enough to begin, not enough for a database. What was there is covered, not lost.
Done fill_disk(const ProcessIdentity& host, const std::string& path);
// The directory as it was before. Processes that still have files of the full disk open keep them.
Done grow_disk(const ProcessIdentity& host, const std::string& path);

// The host's wall clock from now on is the machine's plus `seconds` ("-3600"). Processes that were
// started before the first step of a host keep the true time: step it by 0 early to have them all.
Done step_clock(const ProcessIdentity& host, const std::string& seconds);

}  // namespace hyops::labd
