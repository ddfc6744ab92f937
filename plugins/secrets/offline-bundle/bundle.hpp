// Opening the offline bundle: its form, its end, and one value at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hyops::bundle {

// Bytes that are wiped at their end and never copied.
class Wiped {
 public:
  explicit Wiped(size_t size) : bytes_(size, '\0') {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped();
  std::string& text() { return bytes_; }
  const std::string& text() const { return bytes_; }

 private:
  std::string bytes_;
};

struct Bundle {
  std::string name;
  int64_t version = 0, created_ms = 0, expires_ms = 0;
  std::map<std::string, std::string> recipients;  // public key -> sealed data key
  std::vector<std::string> names;
  std::string nonce, body;  // decoded
  std::string additional;   // what the body also vouches for
};

// Reads the file and checks its form. Throws sdk::Failed: secret.bundle.{missing,malformed}.
Bundle read_bundle(const std::string& file);

// Opens the body with the data key and hands each wanted value to `take`. secret.bundle.malformed
// where the body does not open, secret.unknown for a name that is not in it, before any is handed
// over.
void open_values(
    const Bundle& bundle, const std::string& data_key, const std::vector<std::string>& wanted,
    const std::function<void(const std::string& name, const std::string& value)>& take);

}  // namespace hyops::bundle
