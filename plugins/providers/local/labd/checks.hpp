// What a request must look like before anything acts on it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "zones.hpp"

namespace hyops::labd {

using Json = nlohmann::json;

// Nesting deeper than 16 and anything but an object are refused; an empty body is an empty object.
Result<Json> parse_body(std::string_view body);

// Refuses keys that are not in `known`: a typo must not become a default.
Done only_keys(const Json& body, std::initializer_list<std::string_view> known);

Result<std::string> text_field(const Json& body, std::string_view key, size_t longest = 256);
Result<int64_t> number_field(const Json& body, std::string_view key, int64_t least, int64_t most);

// [a-z0-9-]{1,40}, starting with a letter or digit.
Result<std::string> check_name(const std::string& name);

Result<std::vector<std::string>> check_authorized_keys(const Json& body);
Result<std::map<std::string, std::string>> check_labels(const Json& body);
Result<Cidr> check_cidr(const std::string& text, std::string_view field);

// "lane=7"
struct LaneToken {
  std::string lane;
  uint64_t token = 0;
};
Result<LaneToken> parse_lane_token(std::string_view header);

tl::unexpected<Failure> invalid(std::string message);

}  // namespace hyops::labd
