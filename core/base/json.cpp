#include "base/json.hpp"

#include <set>

namespace hyops {
namespace {

constexpr int max_depth = 64;

// Walks without recursion, so that depth of a document made by ourselves cannot hurt either.
const Json* find_uncanonical(const Json& root) {
  std::vector<const Json*> open{&root};
  while (!open.empty()) {
    const Json* value = open.back();
    open.pop_back();
    if (value->is_number_float() || value->is_binary() || value->is_discarded()) return value;
    if (value->is_structured())
      for (const auto& child : *value) open.push_back(&child);
  }
  return nullptr;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, size_t max_bytes) {
  if (text.size() > max_bytes)
    return fail("file.too_large", std::string(what) + " has " + std::to_string(text.size()) +
                                      " bytes; at most " + std::to_string(max_bytes) + " are read");
  std::vector<std::set<std::string>> keys;
  std::string problem;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > max_depth && problem.empty()) problem = "nests deeper than 64 levels";
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty() && problem.empty() &&
        !keys.back().insert(parsed.get_ref<const std::string&>()).second)
      problem = "has the key \"" + parsed.get<std::string>() + "\" twice";
    return problem.empty();
  };
  // nlohmann's parser keeps its own stack; nesting costs memory, never the call stack.
  try {
    Json value = Json::parse(text.begin(), text.end(), watch);
    if (!problem.empty()) return fail("json.syntax", std::string(what) + " " + problem);
    return value;
  } catch (const Json::exception& error) {
    return fail("json.syntax", std::string(what) + " is not JSON: " + error.what());
  }
}

Result<std::string> canonical(const Json& value) {
  if (find_uncanonical(value))
    return fail("json.not_canonical", "the document holds a number that is not an integer");
  try {
    return value.dump(-1, ' ', false, Json::error_handler_t::strict);
  } catch (const Json::exception&) {
    return fail("json.not_canonical", "the document holds text that is not UTF-8");
  }
}

std::string get_string(const Json& object, const char* key, std::string fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

int64_t get_int(const Json& object, const char* key, int64_t fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : fallback;
}

bool get_bool(const Json& object, const char* key, bool fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

}  // namespace hyops
