// What a step tried and found, as it goes into the record.
#pragma once

#include <optional>
#include <vector>

#include "engine/drivers/driver.hpp"

namespace hyops::engine {

// Each {"probe","ok","expected","found"}, written in one commit. `failed` becomes
// engine.probe.failed with the first that does not hold, where it was empty.
Status write_probes(const std::vector<Json>& probes, const Call& call, Journal& journal,
                    std::optional<Error>& failed);

}  // namespace hyops::engine
