// JSON as hyops writes it: one spelling per value, so that a digest means the same everywhere.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace hyops {

using Json = nlohmann::json;  // objects keep their keys sorted by bytes

// Parses hostile text: at most `max_bytes`, nesting at most 64, no duplicate keys, valid UTF-8.
// `what` names the document in the error.
Result<Json> parse_json(std::string_view text, std::string_view what, size_t max_bytes = 64u << 20);

// Canonical form: UTF-8, sorted keys, no insignificant space, integers only. Fails on floats and on
// strings that are not UTF-8 (json.not_canonical).
Result<std::string> canonical(const Json& value);

// A member of what may be an object, null where it is not there.
const Json& member(const Json& object, const char* name);

// Reads a member of an object, or the fallback where it is absent or of another type.
std::string get_string(const Json& object, const char* key, std::string fallback = {});
int64_t get_int(const Json& object, const char* key, int64_t fallback = 0);
bool get_bool(const Json& object, const char* key, bool fallback = false);

}  // namespace hyops
