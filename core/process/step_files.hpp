// The files of a step folder as the core and the step host both know them.
#pragma once

#include <filesystem>

#include "base/json.hpp"
#include "process/step_host.hpp"

namespace hyops::process::step_files {

inline constexpr const char* lock_name = "lock";
inline constexpr const char* host_name = "host.json";
inline constexpr const char* log_name = "log.txt";
inline constexpr const char* status_name = "status.json";
inline constexpr const char* control_name = "control";
inline constexpr const char* secrets_name = "secrets";

// Numbers of the descriptors that a step host is started with.
inline constexpr int request_fd = 3;  // a socket: the request comes in, the answer goes out
inline constexpr int lock_fd = 4;     // the locked file; held by the host until its end
// From here on the programs of metadata_filter.hpp, where the core could load them.
inline constexpr int programs_fd = 5;

// What host.json holds.
struct Host {
  Identity identity;
  Metadata metadata = Metadata::open;
  std::string metadata_open;  // why, where it is
};
Json to_json(const Host& host);
Result<Host> host_from(const Json& json);

Json to_json(const Identity& identity);
Result<Identity> identity_from(const Json& json);
Json to_json(const ToolStatus& status);
Result<ToolStatus> status_from(const Json& json);

}  // namespace hyops::process::step_files
