// The helper's end of the socket: asking the core, telling it, and hearing that it is time to stop.
#pragma once

#include <cstdint>
#include <string>

#include "plugin/frame.hpp"

namespace hyops::plugin_host {

inline constexpr int socket_number = 3;  // where the core puts the socket,
inline constexpr int object_number = 4;  // and the sealed copy of the shared object

// The helper exists for the core alone: when the core is gone it ends at once, inside any function
// here.
class Wire {
 public:
  plugin::Frame wait();  // the next frame that is not a cancel
  void tell(const plugin::Frame& frame);
  plugin::Frame ask(const plugin::Frame& frame);  // until ok or error
  bool cancelled();                               // looks without waiting
  bool pause(int64_t ms);                         // true: it was cancelled meanwhile
  void begin_call(int64_t left_ms);               // forgets the last call's cancel; -1: no deadline
  int64_t left_ms() const;                        // INT64_MAX: no deadline

 private:
  plugin::FrameReader reader_;
  bool cancelled_ = false;
  int64_t deadline_ = -1;  // on mono_ms(); -1: none, as in create
};

}  // namespace hyops::plugin_host
