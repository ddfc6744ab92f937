// Checks one value against its field; the error names the spot inside it, what stood there and what
// should.
#include <algorithm>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "contract/pattern.hpp"
#include "contract/shapes.hpp"

namespace hyops::contract {
namespace {

// A secret's name is harmless, but what stands in its place may be the secret itself: never shown.
std::string shown(const Type& type, const Json& value) {
  if (type.kind == Kind::secret) return "something that is not a name (not shown)";
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 80);
}

Failure wrong(const char* code, const std::string& path, const std::string& found,
              const std::string& expected) {
  return fail(code, path + " is " + found + ", expected " + expected);
}

const char* code_of(Kind kind) {
  switch (kind) {
    case Kind::address:
      return "contract.value.address";
    case Kind::cidr:
      return "contract.value.cidr";
    case Kind::dns_name:
      return "contract.value.dns_name";
    case Kind::secret:
      return "contract.value.secret";
    default:
      return "contract.value.digest";
  }
}

std::string article(const Type& type) {
  switch (type.kind) {
    case Kind::integer:
      return "an integer";
    case Kind::boolean:
      return "true or false";
    case Kind::duration:
      return "a duration like \"15m\"";
    case Kind::secret:
      return "the name of a secret";
    case Kind::address:
      return "an address";
    case Kind::endpoint:
      return "an endpoint";
    default:
      return "a " + type.text();
  }
}

Status check_shape(const Type& type, const Json& value, const std::string& path) {
  if (!value.is_object())
    return wrong("contract.value.type", path, shown(type, value), article(type));
  std::vector<std::string> names;
  for (const auto& member : shape(type.kind)) {
    names.emplace_back(member.name);
    const auto found = value.find(std::string(member.name));
    if (found == value.end()) {
      if (!member.required) continue;
      return fail("contract.value.object",
                  path + " lacks the member \"" + names.back() + "\" of " + article(type));
    }
    if (const auto expected = misspelled(member.spelling, *found); !expected.empty())
      return wrong("contract.value.object", path + "." + names.back(), shown(Type{}, *found),
                   expected);
  }
  for (const auto& [key, ignored] : value.items())
    if (std::find(names.begin(), names.end(), key) == names.end())
      return fail("contract.value.object", path + " has the member \"" + printable(key, 60) +
                                               "\", which " + article(type) + " has not." +
                                               did_you_mean(key, names));
  return {};
}

// Recursion is as deep as the type is, at most five.
Status check(const Type& type, const Json& value, const std::string& path) {
  switch (type.kind) {
    case Kind::integer:
    case Kind::duration:
      if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
        return wrong("contract.value.range", path, shown(type, value), "a number below 2^63");
      if (!value.is_number_integer())
        return wrong("contract.value.type", path, shown(type, value), article(type));
      if (type.kind == Kind::duration && value.get<int64_t>() < 0)
        return wrong("contract.value.range", path, shown(type, value),
                     "a duration of 0 ms or more");
      return {};
    case Kind::boolean:
      if (!value.is_boolean())
        return wrong("contract.value.type", path, shown(type, value), article(type));
      return {};
    case Kind::host:
    case Kind::endpoint:
      return check_shape(type, value, path);
    case Kind::list:
      if (!value.is_array())
        return wrong("contract.value.type", path, shown(type, value), article(type));
      for (size_t i = 0; i < value.size(); ++i)
        if (auto good = check(*type.of, value[i], path + "[" + std::to_string(i) + "]"); !good)
          return good;
      return {};
    case Kind::map:
      if (!value.is_object())
        return wrong("contract.value.type", path, shown(type, value), article(type));
      for (const auto& [key, item] : value.items())
        if (auto good = check(*type.of, item, path + "." + printable(key, 60)); !good) return good;
      return {};
    default:
      break;
  }
  if (!value.is_string())
    return wrong("contract.value.type", path, shown(type, value), article(type));
  const auto expected = misspelled(type.kind, value.get_ref<const std::string&>());
  if (!expected.empty()) return wrong(code_of(type.kind), path, shown(type, value), expected);
  return {};
}

Status check_bounds(const Field& field, const Json& value) {
  if (!field.min && !field.max) return {};
  const bool counted = field.type.kind == Kind::integer || field.type.kind == Kind::duration;
  const int64_t size = counted ? value.get<int64_t>()
                       : value.is_string()
                           ? static_cast<int64_t>(value.get_ref<const std::string&>().size())
                           : static_cast<int64_t>(value.size());
  if ((!field.min || size >= *field.min) && (!field.max || size <= *field.max)) return {};
  const std::string unit = field.type.kind == Kind::duration ? " ms"
                           : counted                         ? ""
                           : field.type.kind == Kind::list || field.type.kind == Kind::map
                               ? " items"
                               : " characters";
  std::string expected = field.min ? std::to_string(*field.min) : std::string("at most");
  if (field.max)
    expected += (field.min ? " to " : " ") + std::to_string(*field.max);
  else
    expected = "at least " + expected;
  return wrong("contract.value.range", field.name,
               counted ? std::to_string(size) : std::to_string(size) + unit + " long",
               expected + unit);
}

// Where the declared type says duration, "15m" becomes ms; everything else stays for `check` to
// judge.
Status to_ms(const Type& type, Json& value, const std::string& path) {
  if (type.kind == Kind::duration) {
    const auto ms = value.is_string() ? parse_duration(value.get_ref<const std::string&>())
                                      : Result<int64_t>(fail("value.duration", ""));
    if (!ms)
      return wrong("contract.value.duration", path, shown(type, value),
                   "a duration like \"15m\" (ms, s, m, h or d)");
    value = *ms;
  } else if (type.kind == Kind::list && value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i)
      if (auto good = to_ms(*type.of, value[i], path + "[" + std::to_string(i) + "]"); !good)
        return good;
  } else if (type.kind == Kind::map && value.is_object()) {
    for (auto& [key, item] : value.items())
      if (auto good = to_ms(*type.of, item, path + "." + printable(key, 60)); !good) return good;
  }
  return {};
}

}  // namespace

Status check_value(const Field& field, const Json& value) {
  if (auto good = check(field.type, value, field.name); !good) return good;
  if (auto good = check_bounds(field, value); !good) return good;
  if (!field.one_of.empty() &&
      std::find(field.one_of.begin(), field.one_of.end(), value) == field.one_of.end()) {
    std::vector<std::string> known, words;
    for (const auto& item : field.one_of)
      known.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    return fail("contract.value.choice",
                field.name + " is " + shown(field.type, value) + ", expected one of " +
                    join(known) + "." +
                    (value.is_string() ? did_you_mean(value.get<std::string>(), known) : ""));
  }
  if (field.pattern.empty() || !value.is_string()) return {};
  auto matcher = field.matcher;
  if (!matcher) {
    auto compiled = Pattern::compile(field.pattern);
    if (!compiled) return pass(compiled);
    matcher = *compiled;
  }
  if (!matcher->matches(value.get<std::string>()))
    return wrong("contract.value.pattern", field.name, shown(field.type, value),
                 "text matching " + field.pattern);
  return {};
}

Result<Json> read_value(const Field& field, const Json& written) {
  Json value = written;
  if (auto good = to_ms(field.type, value, field.name); !good) return pass(good);
  if (auto good = check_value(field, value); !good) return pass(good);
  return value;
}

}  // namespace hyops::contract
