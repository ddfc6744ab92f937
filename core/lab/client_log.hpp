// The client's log: what was acknowledged to somebody outside, when. It is the judge of RPO and of
// the moment service returned.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace hyops::lab {

struct Acknowledged {
  int64_t number = 0;
  int64_t wall_ms = 0;
};

// Lines "acknowledged N EPOCH_MS [found]"; others and a cut last line are passed over.
std::vector<Acknowledged> read_client_log(std::string_view text);

// Numbers acknowledged before `until_ms` that `present` lacks.
std::vector<int64_t> lost_rows(const std::vector<Acknowledged>& log,
                               const std::set<int64_t>& present, int64_t until_ms);

// When the first write after `since_ms` was acknowledged; 0: none was.
int64_t first_after(const std::vector<Acknowledged>& log, int64_t since_ms);
// The last one before.
int64_t last_before(const std::vector<Acknowledged>& log, int64_t until_ms);

}  // namespace hyops::lab
