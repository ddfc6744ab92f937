#include "base/secret.hpp"

#include <sodium.h>

#include <cstring>
#include <new>
#include <utility>

namespace hyops {

Secret::Secret(std::string_view bytes) : size_(bytes.size()) {
  if (sodium_init() < 0) throw std::bad_alloc();
  data_ = static_cast<char*>(sodium_malloc(size_ + 1));
  if (!data_) throw std::bad_alloc();
  if (size_ > 0) std::memcpy(data_, bytes.data(), size_);
  data_[size_] = 0;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    if (data_) sodium_free(data_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() {
  if (data_) sodium_free(data_);
}

}  // namespace hyops
