#include "base/json.hpp"

#include <vector>

namespace hyops {
namespace {

constexpr size_t max_depth = 64;

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

// Builds the document as it is read, so that a repeated key or too deep a level ends the reading
// there. nlohmann's own callback parser looks through a whole array after each object in it, and so
// would take minutes for a plan of 100,000 steps. Keeps its own stack: nesting costs memory, never
// the call stack.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Json root;
  std::string problem;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    auto [at, is_new] = open_.back()->get_ref<Json::object_t&>().try_emplace(name);
    member_ = &at->second;
    return is_new || stop("has the key \"" + name + "\" twice");
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    return stop(std::string("is not JSON: ") + error.what());
  }

 private:
  bool stop(std::string why) {
    problem = std::move(why);
    return false;
  }
  Json& place(Json value) {
    if (open_.empty()) return root = std::move(value);
    if (open_.back()->is_object()) return *member_ = std::move(value);
    open_.back()->push_back(std::move(value));
    return open_.back()->back();
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json container) {
    if (open_.size() == max_depth) return stop("nests deeper than 64 levels");
    open_.push_back(&place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<Json*> open_;  // nothing is added beside them while they are open, so they stay put
  Json* member_ = nullptr;   // where the value of the last key goes
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, size_t max_bytes) {
  if (text.size() > max_bytes)
    return fail("file.too_large", std::string(what) + " has " + std::to_string(text.size()) +
                                      " bytes; at most " + std::to_string(max_bytes) + " are read");
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder))
    return fail("json.syntax", std::string(what) + " " + builder.problem);
  return std::move(builder.root);
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

const Json& member(const Json& object, const char* name) {
  static const Json nothing;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : nothing;
}

std::string get_string(const Json& object, const char* key, std::string fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::move(fallback);
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
