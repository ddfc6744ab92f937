// The four failure domains of the lab and the IPv4 arithmetic that their addresses need.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "error.hpp"

namespace hyops::labd {

struct Cidr {
  uint32_t network = 0;  // host byte order
  int prefix = 32;
  [[nodiscard]] bool contains(uint32_t address) const;
  [[nodiscard]] std::string text() const;
};

std::optional<uint32_t> parse_ipv4(std::string_view text);
// Host bits must be zero, a bare address is a /32: what is written is what is enforced.
std::optional<Cidr> parse_cidr(std::string_view text);
std::string ipv4_text(uint32_t address);
// The Ethernet address of whoever holds an IPv4 address. Derived, so that neither a host placed
// anew nor a bridge that gets another port leaves its neighbours with a stale entry (a bridge would
// take the lowest address of its ports, and connections to the gateway would stall until it is
// asked for again).
std::string ethernet_of(std::string_view ipv4);

struct Zone {
  std::string_view name;
  std::string_view network;
  std::string_view gateway;
  std::string_view bridge;
  bool has_api;  // the outside offers none
};

inline constexpr std::array<Zone, 4> zones{{
    {"onprem", "10.77.1.0/24", "10.77.1.1", "br-onprem", true},
    {"edge", "10.77.2.0/24", "10.77.2.1", "br-edge", true},
    {"cloud", "10.77.3.0/24", "10.77.3.1", "br-cloud", true},
    {"internet", "198.51.100.0/24", "198.51.100.1", "br-internet", false},
}};

inline constexpr uint16_t api_port = 7077;
// A cloud's control API is public, and so is this one; it wants a token like the others.
inline constexpr std::string_view public_api = "10.77.3.1";
inline constexpr std::string_view private_networks = "10.77.0.0/16";
inline constexpr std::string_view resolver = "10.77.2.53";

Result<const Zone*> find_zone(std::string_view name);
Cidr network_of(const Zone& zone);

}  // namespace hyops::labd
