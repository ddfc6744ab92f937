// How everything in labd fails: as a value that is also the body of an HTTP error and a line for a
// terminal.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace hyops::labd {

struct Failure {
  int status = 500;     // HTTP status that fits; the command line ignores it
  std::string code;     // stable, dotted: "host.exists"
  std::string message;  // one sentence for a tired human
  std::string next;     // what to do or type now; never empty on a refusal
};

template <class T>
using Result = tl::expected<T, Failure>;
using Done = Result<void>;

inline tl::unexpected<Failure> fail(
    int status, std::string code, std::string message,
    std::string next = "read the daemon's log: serve.log in the lab's directory") {
  return tl::make_unexpected(Failure{status, std::move(code), std::move(message), std::move(next)});
}

// The failure of a system call, from errno. `what` names the call and its object.
inline tl::unexpected<Failure> fail_errno(std::string_view what) {
  return fail(500, "system.call", std::string(what) + ": " + std::strerror(errno));
}

}  // namespace hyops::labd
