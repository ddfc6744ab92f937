// How a request reaches the step host: one frame over a socket, so that no secret is ever in an
// argument vector, an environment or a file (K1, K2).
//
//   "HYSTEP1\n"  u64 size of the JSON  JSON  bytes of each secret, in the order and sizes of the
//   JSON
//
// Integers have the machine's byte order: both ends are one installation.
#pragma once

#include "process/step_host.hpp"

namespace hyops::process {

Status send_request(int socket, const ToolRequest& request);

// Fails (process.step.request) where the other side goes away before the last byte.
Result<ToolRequest> receive_request(int socket);

// The host's answer: its identity once the tool runs, or why it does not.
Status send_answer(int socket, const Result<Identity>& answer);
Result<Identity> receive_answer(int socket);

}  // namespace hyops::process
