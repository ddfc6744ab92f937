// The client's log: what was acknowledged to somebody outside, when. It is the judge of RPO and of
// the moment service returned.
//
// The order of the lines is the order of events; the client's clock only says where in it a moment
// of ours lies. Where that clock went back, the later place is taken: the judgement may then be too
// hard on us, never too kind.
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

// Numbers acknowledged before `until_ms` that `present` lacks, each once. A number that the log
// lacks was never promised to anybody and is not missed.
std::vector<int64_t> lost_rows(const std::vector<Acknowledged>& log,
                               const std::set<int64_t>& present, int64_t until_ms);

// How long before `until_ms` the oldest of `lost` was acknowledged first; 0: nothing is lost.
int64_t lost_window_ms(const std::vector<Acknowledged>& log, const std::vector<int64_t>& lost,
                       int64_t until_ms);

// The gap in service around `since_ms`: the first write acknowledged after it and the last one
// before that. 0: there is none.
struct Outage {
  int64_t served_ms = 0;
  int64_t last_ms = 0;
  // How long the client was without service; 0 where either end is missing or the clock went back.
  int64_t duration_ms() const {
    return served_ms && last_ms && served_ms > last_ms ? served_ms - last_ms : 0;
  }
};
Outage outage(const std::vector<Acknowledged>& log, int64_t since_ms);

}  // namespace hyops::lab
