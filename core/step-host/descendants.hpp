// Ending everything a tool started, whatever it forked, detached or renamed.
#pragma once

namespace hyops::step_host {

// Kills and reaps all children of this process until none is left; returns how many that were. The
// caller is a subreaper, so what a dying child leaves behind becomes a child of it and is next.
int kill_descendants();

}  // namespace hyops::step_host
