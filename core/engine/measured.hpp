// What only clients and monitoring can tell about a recovery: when service was back, what was lost.
#pragma once

#include <optional>
#include <string>

#include "engine/setup.hpp"
#include "ledger/ledger.hpp"

namespace hyops::engine {

// What somebody measured outside the run; at least one of the first two must be there.
struct Measured {
  std::optional<int64_t> served_ms;  // wall clock of the first write a client had acknowledged
  std::optional<int64_t> rows_lost;  // acknowledged before the fault and not there any more
  std::optional<int64_t> rows_acknowledged;  // of how many
  std::optional<int64_t> lost_ms;            // age of the oldest lost row at the fault
  std::string by, source;                    // who says so, and what it was read from
};

// Appends it to the events of a run that ended here and writes its record anew, so that RTO and RPO
// are judged in the signed record. A later statement counts; the earlier one stays to be read.
// engine.measured.{incomplete,going_on}
Status note_measured(const Setup& setup, ledger::Ledger& ledger, const RunId& run,
                     const Measured& measured);

}  // namespace hyops::engine
