// When a credential ends by its own words (L18).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hyops::trust {

// The end, in ms since 1970, of the first certificate in a PEM text (RFC 5280, notAfter) or of a
// signed JSON Web Token (RFC 7519, `exp`). Nothing for what is neither, cannot be read, or has no
// end: this is no judgement of the credential, whose signatures are not looked at.
std::optional<int64_t> end_of(std::string_view value);

}  // namespace hyops::trust
