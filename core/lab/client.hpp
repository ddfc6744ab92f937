// The client that writes through the name all the time, and the database as it sees it.
#pragma once

#include <string>
#include <vector>

#include "lab/client_log.hpp"
#include "lab/lab.hpp"

namespace hyops::lab {

Result<std::vector<Acknowledged>> client_log_now(const Lab& lab);

// Waits until the client has `rows` acknowledged after `since`; lab.client after a minute.
Status wait_for_client(const Lab& lab, int64_t since, size_t rows);

// One query through the name that the client uses, as its user; without the last newline.
Result<std::string> ask_database(const Lab& lab, const std::string& query);

// A failover that has none of the client's rows to restore would prove little: waits until the
// archive has the segment that the rows so far were written to. lab.client after a minute.
Status wait_for_archive(const Lab& lab);

}  // namespace hyops::lab
