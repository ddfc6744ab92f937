#include "base/ids.hpp"

#include <sodium.h>

#include <cstdlib>
#include <vector>

#include "base/digest.hpp"

namespace hyops {

namespace {

// The first use of libsodium's generator is not thread-safe; sodium_init is.
void ready_generator() {
  if (sodium_init() < 0) std::abort();
}

}  // namespace

std::string random_token(size_t bytes) {
  ready_generator();
  std::vector<unsigned char> raw(bytes);
  randombytes_buf(raw.data(), raw.size());
  return to_hex(raw);
}

RunId new_run_id(int64_t wall_ms) {
  ready_generator();
  // 50 bits of milliseconds in Crockford's base 32, then 30 random bits: short enough to type.
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string time(10, '0');
  for (size_t i = time.size(); i-- > 0; wall_ms >>= 5) time[i] = digits[wall_ms & 31];
  std::string tail;
  for (int i = 0; i < 6; ++i) tail += digits[randombytes_uniform(32)];
  return RunId("r" + time + tail);
}

}  // namespace hyops
