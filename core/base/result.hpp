// Errors are values: what went wrong, in words for a tired human, with the next command to type.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace hyops {

// How a failure is treated, everywhere: profiles map these to retries, plugins and tools report
// them.
enum class FailureClass {
  invalid,      // the request itself is wrong; repeating it cannot help
  denied,       // policy, trust or permission says no
  conflict,     // somebody else changed or holds it
  exhausted,    // a quota, a disk, a budget
  unavailable,  // the other side does not answer now
  expired,      // a credential, decision, approval or lease ran out
  cancelled,    // a person or the caller stopped it
  deadline,     // it took longer than allowed
  partial,      // some of it happened
  internal,     // everything else
};
std::string_view name(FailureClass kind);
std::optional<FailureClass> failure_class(std::string_view name);

// A position in a file a person wrote. Line and column count from 1; 0 = not known.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

struct Error {
  std::string code;  // stable, in the catalogue: "plugin.signature.unknown_key"
  FailureClass kind = FailureClass::internal;
  std::string message;               // one sentence, no code in it, no secret in it
  std::string next;                  // what to do now, naming a command where there is one
  std::vector<std::string> context;  // from the inside out: "while loading lane drill"
  std::optional<Place> place;

  // "file:3:7: message [code]" with the contexts behind; one line.
  std::string text() const;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;
using Failure = tl::unexpected<Error>;

// An error of the catalogue. Class and, where `next` is empty, the next step come from there.
// A code that the catalogue lacks is a defect that tests/unit/base finds in the sources.
Error make_error(std::string_view code, std::string message, std::string next = {});
Failure fail(std::string_view code, std::string message, std::string next = {});
Failure fail_at(Place place, std::string_view code, std::string message, std::string next = {});

// The same with the reason of the operating system: "cannot open x: No such file or directory".
Failure fail_errno(std::string_view code, std::string message, int error_number);

// Hands the error of one result to another type of result, saying what was being done.
template <class T>
Failure pass(Result<T>& failed, std::string while_doing = {}) {
  Error error = std::move(failed.error());
  if (!while_doing.empty()) error.context.push_back(std::move(while_doing));
  return Failure(std::move(error));
}

}  // namespace hyops
