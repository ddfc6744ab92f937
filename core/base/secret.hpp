// Bytes that are never printed, never copied by accident, locked in memory and wiped at the end.
#pragma once

#include <cstddef>
#include <string_view>

namespace hyops {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // The only way to the bytes; a call site that says `reveal` can be found.
  std::string_view reveal() const { return {data_, size_}; }
  Secret copy() const { return Secret(reveal()); }
  size_t size() const { return size_; }

 private:
  char* data_ = nullptr;  // from sodium_malloc: guard pages, mlock
  size_t size_ = 0;
};

// Overwrites memory that held a secret on its way here, in a way no optimiser drops.
void wipe(char* data, size_t size);

}  // namespace hyops
