// The program that carries one connection, and its two ends.
#pragma once

#include "base/json.hpp"
#include "process/spawn.hpp"

namespace hyops::stream_host {

// What dial.json says: {"argv","file","sha256","port","patience_ms"}.
struct Dial {
  std::vector<std::string> argv;
  Fd sealed;  // the program, where it is a file that was signed
  std::filesystem::path folder;
  int port = 0;  // 0: a free one
  int64_t patience_ms = 0;
};
Result<Dial> read_dial(const std::filesystem::path& step_folder);

// A running program. Its destructor kills all that belongs to it.
struct Carrier {
  Carrier(process::Child started, Fd to_program, Fd from_program)
      : child(std::move(started)), in(std::move(to_program)), out(std::move(from_program)) {}
  Carrier(Carrier&&) = default;
  ~Carrier();
  process::Child child;
  Fd in, out;  // both without waiting
};
Result<Carrier> start(const Dial& dial);

}  // namespace hyops::stream_host
