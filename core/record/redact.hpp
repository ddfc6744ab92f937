// Secrets are replaced by value before any byte reaches a disk or a screen (K2).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/secret.hpp"

namespace hyops::record {

// A set of secrets and everything they look like: plain, base64 in three alignments and both
// alphabets, hex in both cases, bytes as lists of numbers, URL, JSON, shell and HTML escapes.
// Patterns (private-key blocks, bearer headers, passwords in URLs) are the second net. A secret
// shorter than 6 bytes is matched between word boundaries only.
class Redactor {
 public:
  struct Named {
    std::string name;  // shown as [redacted:name]
    Secret value;
  };
  // Empty secrets are ignored. record.redact.too_large: more than 1 MiB of secrets.
  static Result<Redactor> create(const std::vector<Named>& secrets);
  Redactor(Redactor&&) noexcept;
  Redactor& operator=(Redactor&&) noexcept;
  ~Redactor();

  bool knows(const std::string& name) const;        // a secret of that name is among them
  std::string redact(std::string_view text) const;  // a whole text
  std::string redact(const std::string& text) const { return redact(std::string_view(text)); }
  std::string redact(const char* text) const { return redact(std::string_view(text)); }
  Json redact(const Json& value) const;  // keys and values

  // A stream: secrets that cross chunk borders are found. Bytes that might begin a secret are held
  // back until the next call (about 1 KiB at most); finish() releases them. However the chunks are
  // cut, the outputs together are what redact() makes of the whole.
  class Stream {
   public:
    explicit Stream(const Redactor& redactor);
    Stream(Stream&&) noexcept;
    ~Stream();
    std::string feed(std::string_view chunk);
    std::string finish();

   private:
    friend class Redactor;
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

 private:
  struct Impl;
  explicit Redactor(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace hyops::record
