// What a verb answered, and whether that is an answer: exactly one document or exactly one failure.
#pragma once

#include <optional>
#include <string>

#include "plugin/frame.hpp"

namespace hyops::plugin {

class Answer {
 public:
  // Keeps an emit or fail frame; false for a frame that is neither.
  bool take(const Frame& frame);

  // After the verb returned: plugin.answer.{none,twice,both,malformed,code}, or what it failed
  // with.
  Result<Json> judge(const std::string& id, const std::string& verb) const;

  // What it failed with, if it failed once and well-formed.
  std::optional<Error> failure() const;

 private:
  int emits_ = 0, fails_ = 0;
  std::string document_, code_, message_;
};

// A helper that refused to start says why with one of a few codes; anything else is plugin.load.
Failure start_failure(const Frame& refused, const Answer& answer);

}  // namespace hyops::plugin
