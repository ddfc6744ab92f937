// One helper process of a check, spoken to frame by frame: also in ways the core never would.
#pragma once

#include <optional>
#include <string>

#include "plugin/answer.hpp"
#include "plugin/check/world.hpp"
#include "process/spawn.hpp"

namespace hyops::plugin::check {

// How a call is to go. Events of a call are the requests it makes of http, exec, sink and unseal,
// each when it has been done, and its answer; event 0 is the call itself.
struct Manner {
  std::string key = "check-1";
  int64_t left_ms = -1;          // the deadline; -1: none
  int cancel_at = -1;            // told to stop at that event
  int kill_at = -1;              // killed at that event
  int64_t patience_ms = 60'000;  // then it counts as hanging and is killed
};

struct Heard {
  Result<Json> judged = Json();  // as the core would judge it; plugin.* if it broke the contract
  std::string document;          // the bytes it emitted
  int events = 0;
  bool killed = false;   // by kill_at
  int64_t stop_ms = -1;  // from being told to stop, or from the deadline, until it returned
};

// True for what no plugin may do: dying, hanging, breaking the protocol, answers that are none.
bool is_broken(const Result<Json>& judged);

struct Census {
  int64_t fds = 0, threads = 0, heap = 0;
};

class Session {
 public:
  // Starts a helper; nothing of the plugin is loaded yet.
  static Result<Session> open(const Subject& subject, World& world);

  // Loads and creates. Without `services` every service is null. plugin.* as Instance::start.
  Status create(std::optional<std::string> config = {}, bool services = true);
  int64_t create_ms() const { return create_ms_; }  // how long that took

  Heard call(const std::string& interface, const std::string& verb, const std::string& inputs,
             const Manner& manner = {});
  Heard call(const std::string& interface, const std::string& verb, const Json& inputs,
             const Manner& manner = {});

  Result<Census> census();
  Result<bool> knows(const std::string& interface);
  Status cycle(int times);  // destroys, then creates and destroys so often
  Status destroy();

  std::string output();  // what came on its standard output and error; ends the helper

 private:
  Session(const Subject& subject, World& world, Fd socket, Fd output, process::Child child);
  Status send(const Frame& frame);
  Result<Frame> wait_for(const char* type);  // serving what the plugin asks meanwhile
  Error ended(const std::string& where);
  void note(const Frame& frame, const std::string& where);

  const Subject* subject_;
  World* world_;
  Fd socket_, output_;
  process::Child child_;
  FrameReader reader_;
  int64_t create_ms_ = 0;
};

}  // namespace hyops::plugin::check
