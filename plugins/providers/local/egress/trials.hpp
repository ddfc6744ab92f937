// Who is to try whom with one TCP handshake, and what is to come of it.
#pragma once

#include <arpa/inet.h>

#include <string>

#include "../api_client.hpp"

namespace hyops::local {

// Host byte order; 0 for what is no IPv4 address.
inline uint32_t ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1 ? ntohl(address.s_addr) : 0;
}

inline int prefix_of(const std::string& cidr) {
  const size_t slash = cidr.find('/');
  return slash == std::string::npos ? 32 : std::atoi(cidr.c_str() + slash + 1);
}

inline std::string address_in(const std::string& cidr) { return cidr.substr(0, cidr.find('/')); }
inline bool is_one_address(const std::string& cidr) { return prefix_of(cidr) == 32; }

inline bool contains(const std::string& cidr, const std::string& address) {
  const int prefix = prefix_of(cidr);
  const uint32_t mask = prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix);
  return ipv4(address) != 0 && (ipv4(address) & mask) == (ipv4(address_in(cidr)) & mask);
}

inline bool allows(const json& rules, const std::string& address, int port) {
  return std::any_of(rules.begin(), rules.end(), [&](const json& rule) {
    return text(rule, "protocol") == "tcp" && rule.value("port", 0) == port &&
           contains(text(rule, "cidr"), address);
  });
}

// "198.51.100.10:80"
inline json canary(const std::string& written) {
  const size_t colon = written.rfind(':');
  const std::string address = written.substr(0, colon),
                    port = colon == std::string::npos ? "" : written.substr(colon + 1);
  if (ipv4(address) == 0 || port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos)
    throw Failed("invalid/lab.egress.canary",
                 "a canary is written address:port, not " + written.substr(0, 60));
  return {{"to", address}, {"port", std::stoi(port)}};
}

class Trials {
 public:
  // `expected`: "answered", or "nothing" where no answer may come. The same pair counts once.
  void add(const std::string& from, const json& place, const char* expected) {
    json trial = place;
    trial["from"] = from;
    trial["expected"] = expected;
    if (std::find(all_.begin(), all_.end(), trial) == all_.end()) all_.push_back(std::move(trial));
  }
  json asked() const {
    json out = json::array();
    for (const auto& trial : all_)
      out.push_back({{"from", trial["from"]}, {"to", trial["to"]}, {"port", trial["port"]}});
    return out;
  }
  size_t size() const { return all_.size(); }
  const json& operator[](size_t at) const { return all_[at]; }

 private:
  json all_ = json::array();
};

}  // namespace hyops::local
