// What must be undone at the end, whatever the end is: a signal, a crash, or the work's own return.
#pragma once

#include <functional>

namespace hyops::lab {

// Runs `work` in a child process and returns its exit code. Told to stop (SIGINT, SIGTERM, SIGHUP),
// or when the child dies of a signal, everything that the child started is killed, then `clean_up`
// runs here and 128 + the signal is returned. Only SIGKILL to this process gets past it.
// The process must have one thread.
int guarded(const std::function<int()>& work, const std::function<void()>& clean_up);

}  // namespace hyops::lab
