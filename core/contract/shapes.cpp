#include "contract/shapes.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::contract {
namespace {

using enum Spelling;

constexpr std::array<ShapeMember, 7> host_members = {{{"name", short_name, true},
                                                      {"zone", short_name, true},
                                                      {"address", address, true},
                                                      {"user", user, true},
                                                      {"port", port, true},
                                                      {"host_key", host_key, true},
                                                      {"placement", free_text, false}}};
constexpr std::array<ShapeMember, 7> endpoint_members = {{{"name", short_name, true},
                                                          {"address", address, true},
                                                          {"port", port, true},
                                                          {"user", user, true},
                                                          {"host_key", host_key, true},
                                                          {"expires_ms", instant, false},
                                                          {"outage_ms", instant, false}}};

// 4, 16 or 0 bytes. inet_pton stops at a NUL, so one inside would hide what follows.
size_t address_bytes(const std::string& text, unsigned char* bytes) {
  if (text.size() > 64 || text.find('\0') != std::string::npos) return 0;
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return 4;
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return 16;
  return 0;
}

std::string misspelled_cidr(const std::string& text) {
  const std::string expected = "a network like 10.77.2.0/24 or fd00::/64";
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return expected;
  unsigned char bytes[16] = {};
  const size_t size = address_bytes(text.substr(0, slash), bytes);
  size_t length = 0;
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data() + slash + 1, end, length);
  if (size == 0 || problem != std::errc() || rest != end || length > size * 8) return expected;
  unsigned char network[16] = {};
  for (size_t bit = 0; bit < length; ++bit)
    network[bit / 8] =
        static_cast<unsigned char>(network[bit / 8] | (bytes[bit / 8] & (0x80u >> (bit % 8))));
  if (std::memcmp(network, bytes, size) == 0) return {};
  char shown[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(size == 4 ? AF_INET : AF_INET6, network, shown, sizeof shown);
  return "the network itself, " + std::string(shown) + "/" + std::to_string(length);
}

bool is_dns_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  for (const auto& label : split(text, '.')) {
    const auto good = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    };
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    if (!std::all_of(label.begin(), label.end(), good)) return false;
  }
  return true;
}

bool is_user(const std::string& text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 32 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), good);
}

// "ssh-ed25519 AAAA...": the algorithm, one space, base64 that names the same algorithm.
bool is_host_key(const std::string& text) {
  const size_t space = text.find(' ');
  if (space == std::string::npos || text.size() > 4096) return false;
  const std::string algorithm = text.substr(0, space);
  if (algorithm != "ssh-ed25519" && algorithm != "ssh-rsa" &&
      !algorithm.starts_with("ecdsa-sha2-nistp"))
    return false;
  const auto bytes = from_base64(text.substr(space + 1));
  if (!bytes || bytes->size() < 4 + algorithm.size() + 32) return false;
  return bytes->substr(0, 3) == std::string(3, '\0') &&
         static_cast<size_t>(static_cast<unsigned char>((*bytes)[3])) == algorithm.size() &&
         bytes->compare(4, algorithm.size(), algorithm) == 0;
}

std::string in_range(const Json& value, int64_t min, int64_t max, const char* expected) {
  const bool good =
      value.is_number_integer() && value.get<int64_t>() >= min && value.get<int64_t>() <= max;
  return good ? std::string() : expected;
}

}  // namespace

std::span<const ShapeMember> shape(Kind kind) {
  if (kind == Kind::host) return host_members;
  if (kind == Kind::endpoint) return endpoint_members;
  return {};
}

std::string misspelled(Spelling spelling, const Json& value) {
  if (spelling == port) return in_range(value, 1, 65535, "a port from 1 to 65535");
  if (spelling == instant)
    return in_range(value, 0, int64_t{1} << 52, "milliseconds since 1970, 0 for no end");
  if (!value.is_string()) return "a string";
  const auto& text = value.get_ref<const std::string&>();
  switch (spelling) {
    case short_name:
      return is_name(text) ? "" : "a name of small letters, digits and dashes";
    case address:
      return misspelled(Kind::address, text);
    case user:
      return is_user(text) ? "" : "a user name";
    case host_key:
      return is_host_key(text) ? "" : "an OpenSSH public key line, \"ssh-ed25519 AAAA...\"";
    default:
      return text.size() <= 4096 ? "" : "at most 4096 characters";
  }
}

std::string misspelled(Kind kind, const std::string& text) {
  unsigned char bytes[16];
  switch (kind) {
    case Kind::address:
      return address_bytes(text, bytes) > 0 ? "" : "an IPv4 or IPv6 address";
    case Kind::cidr:
      return misspelled_cidr(text);
    case Kind::dns_name:
      return is_dns_name(text) ? "" : "a DNS name like db.example.org";
    case Kind::secret:
      return is_name(text) || is_path_name(text) ? "" : "the name of a secret";
    case Kind::digest: {
      const bool good = text.starts_with("sha256:") && text.size() == 71 &&
                        text.find_first_not_of("0123456789abcdef", 7) == std::string::npos;
      return good ? "" : "sha256: and 64 hexadecimal digits";
    }
    default:
      return {};
  }
}

bool lies_in(const std::string& address, const std::string& network) {
  const auto length = [](const std::string& text, size_t size) {
    const size_t slash = text.find('/');
    size_t out = size * 8;
    if (slash != std::string::npos)
      std::from_chars(text.data() + slash + 1, text.data() + text.size(), out);
    return out;
  };
  unsigned char inner[16] = {}, outer[16] = {};
  const size_t size = address_bytes(address.substr(0, address.find('/')), inner);
  if (size == 0 || size != address_bytes(network.substr(0, network.find('/')), outer)) return false;
  const size_t bits = std::min(length(network, size), size * 8);
  if (length(address, size) < bits) return false;
  for (size_t bit = 0; bit < bits; ++bit)
    if (((inner[bit / 8] ^ outer[bit / 8]) & (0x80u >> (bit % 8))) != 0) return false;
  return true;
}

bool is_public_key(const std::string& text) {
  const auto bytes = text.size() == 56 ? from_base64(text) : Result<std::string>(std::string());
  return bytes && bytes->size() == 42 && bytes->starts_with("Ed");
}

bool is_seal_key(const std::string& text) {
  const auto bytes = text.size() == 44 ? from_base64(text) : Result<std::string>(std::string());
  return bytes && bytes->size() == 32;
}

}  // namespace hyops::contract
