// The members of `host` and `endpoint` and the spelling of every scalar: one table for the check
// and for the JSON Schema, so that the two cannot disagree. Private to core/contract.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "contract/types.hpp"

namespace hyops::contract {

enum class Spelling { short_name, address, user, port, host_key, free_text, instant };

struct ShapeMember {
  std::string_view name;
  Spelling spelling;
  bool required;
};

// Of Kind::host and Kind::endpoint; empty for all others. A host that hyops did not place has no
// `placement`; an endpoint without `expires_ms` is open until it is closed, and one without
// `outage_ms` leads there directly.
std::span<const ShapeMember> shape(Kind kind);

// Empty when `text` is spelled right, else what was expected.
std::string misspelled(Spelling spelling, const Json& value);
std::string misspelled(Kind kind,
                       const std::string& text);  // address, cidr, dns_name, secret, digest

// Does an address, or a whole network, lie in this network? Never for what is neither.
bool lies_in(const std::string& address, const std::string& network);

// The JSON Schema (pattern or format) for the same.
Json spelling_schema(Spelling spelling);
Json kind_schema(const Type& type);

bool is_public_key(const std::string& text);  // a minisign public key: "RW" + 54 more, base64
bool is_seal_key(const std::string& text);    // 32 bytes in base64

}  // namespace hyops::contract
