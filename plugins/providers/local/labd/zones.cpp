// The four failure domains of the lab and IPv4 arithmetic.
#include "zones.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstdio>

namespace hyops::labd {

bool Cidr::contains(uint32_t address) const {
  const uint32_t mask = prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix);
  return (address & mask) == network;
}

std::string Cidr::text() const { return ipv4_text(network) + "/" + std::to_string(prefix); }

std::optional<uint32_t> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (text.size() > 15 || inet_pton(AF_INET, std::string(text).c_str(), &address) != 1)
    return std::nullopt;
  return ntohl(address.s_addr);
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_ipv4(text.substr(0, slash));
  if (!address) return std::nullopt;
  Cidr cidr{*address, 32};
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), cidr.prefix);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  }
  if (cidr.prefix < 0 || cidr.prefix > 32 || !cidr.contains(*address)) return std::nullopt;
  return cidr;
}

std::string ipv4_text(uint32_t address) {
  const in_addr raw{htonl(address)};
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &raw, text, sizeof text);
  return text;
}

std::string ethernet_of(std::string_view ipv4) {
  const uint32_t address = parse_ipv4(ipv4).value_or(0);
  char text[18];
  std::snprintf(text, sizeof text, "02:68:%02x:%02x:%02x:%02x", address >> 24, address >> 16 & 255,
                address >> 8 & 255, address & 255);
  return text;
}

Result<const Zone*> find_zone(std::string_view name) {
  for (const auto& zone : zones) {
    if (zone.name == name) return &zone;
  }
  return fail(404, "zone.unknown", "there is no zone \"" + std::string(name) + "\"",
              "use one of onprem, edge, cloud, internet");
}

Cidr network_of(const Zone& zone) { return *parse_cidr(zone.network); }

}  // namespace hyops::labd
