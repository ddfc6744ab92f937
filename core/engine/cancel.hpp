// How a run is stopped: after the steps that run now, or now. Asked for by a signal or, from any
// other process, by a file in the run's folder; it survives a crash of the core.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>

#include "base/result.hpp"

namespace hyops::engine {

enum class Cancel { no, after_step, now };

class Cancellation {
 public:
  // `noticed` is called, from whatever thread looks first, when more is asked for than before.
  Cancellation(const std::filesystem::path& run_folder, std::function<void(Cancel)> noticed)
      : file_(run_folder / "cancel"), noticed_(std::move(noticed)) {}
  Cancel state() const;     // the stronger of signal and file
  static void on_signal();  // async-signal-safe: first after_step, then now
  static Status request(const std::filesystem::path& run_folder, Cancel how);
  void clear();  // a resumed run starts without an old request

 private:
  std::filesystem::path file_;
  std::function<void(Cancel)> noticed_;
  mutable std::atomic<int> most_{0};  // of what was asked for so far
};

}  // namespace hyops::engine
