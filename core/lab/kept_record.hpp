// A run's record as it leaves the lab: completed by what the client measured, fetched, verified.
#pragma once

#include <filesystem>
#include <string>

#include "lab/site.hpp"
#include "record/record.hpp"

namespace hyops::lab {

struct KeptRecord {
  record::Verification verification;
  Json summary;
};

// Takes the record from the dispatcher, as it would leave a runner, into a new folder, replacing
// what is there, and verifies it against the runner's key. engine.transfer.*
Result<KeptRecord> fetch_record(const Lab& lab, const Runner& runner, const std::string& run,
                                const std::filesystem::path& into);

struct Measurement {
  int64_t served_ms = 0;  // first write acknowledged again; 0: never
  size_t rows_lost = 0, rows_acknowledged = 0;
  int64_t lost_ms = 0;
};
// Has the runner put it into the run's record, and the dispatcher collect that record.
Status complete_record(const Lab& lab, const Runner& runner, const std::string& run,
                       const Measurement& measured);

}  // namespace hyops::lab
