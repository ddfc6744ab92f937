// Where the steps of a run execute side by side, and how they wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace hyops::engine {

class Executor {
 public:
  virtual ~Executor() = default;  // once all that was started has ended
  virtual void start(std::function<void()> work) = 0;
  // Gives `held` back until notify() is called or `most_ms` have passed, and may return early.
  virtual void wait(std::unique_lock<std::mutex>& held, int64_t most_ms) = 0;
  virtual void notify() = 0;
};

// A thread for each piece of work that has no idle one waiting.
std::unique_ptr<Executor> make_threads();

}  // namespace hyops::engine
