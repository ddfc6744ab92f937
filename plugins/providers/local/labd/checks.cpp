// What a request must look like before anything acts on it.
#include "checks.hpp"

#include <algorithm>
#include <charconv>

namespace hyops::labd {
namespace {

constexpr int deepest = 16;

bool is_base64(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
             std::string_view::npos;
}

// "type base64 [comment]" and no options: an option could run a command or open a tunnel.
bool is_public_key(std::string_view line) {
  if (line.size() > 8192 ||
      std::any_of(line.begin(), line.end(), [](unsigned char c) { return c < 32; }))
    return false;
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return false;
  const auto type = line.substr(0, space);
  const auto rest = line.substr(space + 1);
  const bool known = type == "ssh-ed25519" || type == "ssh-rsa" ||
                     type.starts_with("ecdsa-sha2-nistp") || type == "sk-ssh-ed25519@openssh.com";
  return known && is_base64(rest.substr(0, rest.find(' ')));
}

}  // namespace

tl::unexpected<Failure> invalid(std::string message) {
  return fail(400, "request.invalid", std::move(message),
              "correct the request; README.md of labd lists every field");
}

Result<Json> parse_body(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return Json::object();
  // Judged before parsing: the parser recurses, and its depth is for the sender to choose.
  int depth = 0;
  bool in_string = false, escaped = false;
  for (const char c : body) {
    if (in_string) {
      if (escaped)
        escaped = false;
      else if (c == '\\')
        escaped = true;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepest) return invalid("the body is nested deeper than 16 levels");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  auto parsed = Json::parse(body, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object()) return invalid("the body is not a JSON object");
  return parsed;
}

Done only_keys(const Json& body, std::initializer_list<std::string_view> known) {
  for (const auto& item : body.items()) {
    if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
      return invalid("unknown field \"" + item.key().substr(0, 64) + "\"");
    }
  }
  return {};
}

Result<std::string> text_field(const Json& body, std::string_view key, size_t longest) {
  const auto found = body.find(std::string(key));
  if (found == body.end() || !found->is_string())
    return invalid("field \"" + std::string(key) + "\" must be a string");
  auto text = found->get<std::string>();
  if (text.empty() || text.size() > longest) {
    return invalid("field \"" + std::string(key) + "\" must have 1 to " + std::to_string(longest) +
                   " bytes");
  }
  return text;
}

Result<int64_t> number_field(const Json& body, std::string_view key, int64_t least, int64_t most) {
  const auto found = body.find(std::string(key));
  const bool fits =
      found != body.end() && found->is_number_integer() &&
      !(found->is_number_unsigned() && found->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX));
  if (!fits || found->get<int64_t>() < least || found->get<int64_t>() > most) {
    return invalid("field \"" + std::string(key) + "\" must be a whole number from " +
                   std::to_string(least) + " to " + std::to_string(most));
  }
  return found->get<int64_t>();
}

Result<std::string> check_name(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= 40 && name[0] != '-' &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!good) return invalid("a name has 1 to 40 of a-z, 0-9 and -, and does not start with -");
  return name;
}

Result<std::vector<std::string>> check_authorized_keys(const Json& body) {
  std::vector<std::string> keys;
  if (!body.contains("authorized_keys")) return keys;
  const auto& listed = body["authorized_keys"];
  if (!listed.is_array() || listed.size() > 32)
    return invalid("\"authorized_keys\" is a list of at most 32 public keys");
  for (const auto& key : listed) {
    if (!key.is_string() || !is_public_key(key.get_ref<const std::string&>())) {
      return invalid(
          "\"authorized_keys\" holds public key lines without options: ssh-ed25519 AAAA...");
    }
    keys.push_back(key);
  }
  return keys;
}

Result<std::map<std::string, std::string>> check_labels(const Json& body) {
  std::map<std::string, std::string> labels;
  if (!body.contains("labels")) return labels;
  const auto& listed = body["labels"];
  if (!listed.is_object() || listed.size() > 64)
    return invalid("\"labels\" is an object of at most 64 strings");
  for (const auto& item : listed.items()) {
    if (item.key().empty() || item.key().size() > 64 || !item.value().is_string() ||
        item.value().get_ref<const std::string&>().size() > 256) {
      return invalid("a label is a string of at most 256 bytes under a name of 1 to 64");
    }
    labels[item.key()] = item.value();
  }
  return labels;
}

Result<Cidr> check_cidr(const std::string& text, std::string_view field) {
  const auto cidr = parse_cidr(text);
  if (!cidr)
    return invalid("\"" + std::string(field) + "\": \"" + text.substr(0, 64) +
                   "\" is not an IPv4 network a.b.c.d/n with zero host bits");
  return *cidr;
}

Result<LaneToken> parse_lane_token(std::string_view header) {
  const auto equals = header.find('=');
  LaneToken parsed;
  if (equals != std::string_view::npos && equals >= 1 && equals <= 64) {
    parsed.lane = header.substr(0, equals);
    const auto digits = header.substr(equals + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), parsed.token);
    if (error == std::errc{} && end == digits.data() + digits.size()) return parsed;
  }
  return invalid("X-Fencing-Token is written LANE=NUMBER");
}

}  // namespace hyops::labd
