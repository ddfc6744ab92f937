// Redaction of a whole document: JSON stays JSON, and what its escapes hide is found as well (K2).
#pragma once

#include <string>
#include <string_view>

#include "record/redact.hpp"

namespace hyops::record {

// JSON, or lines of it, is redacted value by value; then the whole as text. What has no secret in
// it comes back byte for byte.
std::string redact_document(std::string_view bytes, const Redactor& redactor);

}  // namespace hyops::record
