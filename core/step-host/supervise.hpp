// Watching over a running tool until nothing of it is left: output, time, orders, leftovers.
#pragma once

#include <optional>
#include <string>

#include "log.hpp"
#include "process/step_host.hpp"
#include "tool.hpp"

namespace hyops::step_host {

class Supervisor {
 public:
  // `signals` is a signalfd for SIGCHLD, SIGTERM and SIGINT, `control` the FIFO, read without
  // blocking.
  Supervisor(const process::ToolRequest& request, Tool tool, Log& log, int signals, int control);
  // Returns when the tool and everything it started have ended and their output is in the log.
  process::ToolStatus run();

 private:
  enum class Stage : char { running, interrupted, terminated, killed };
  bool read_output();  // false: nothing more for now
  void drain();
  void read_signals();
  void read_control();
  void obey(std::string_view line);
  void stop(const std::string& reason);
  void escalate();
  void reap();
  int64_t next_event_ms() const;

  const process::ToolRequest& request_;
  Tool tool_;
  Log& log_;
  int signals_, control_;
  Stage stage_ = Stage::running;
  process::ToolStatus status_;
  std::optional<process::Exit> exit_;
  std::optional<int64_t> deadline_, escalation_;  // on the monotonic clock
  std::string order_;                             // the line that is being received
};

}  // namespace hyops::step_host
