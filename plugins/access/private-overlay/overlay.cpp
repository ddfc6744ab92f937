// Routes are judged as the kernel would judge them; a tunnel's far end by what the tunnel's kind
// knows of it.
#include "overlay.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>

#include "ipsec.hpp"

namespace hyops::access {
namespace {

using sdk::Failed;

std::optional<std::string> output_of(const sdk::Host& core, const json& argv) {
  try {
    const json done =
        json::parse(core.exec(json{{"argv", argv}, {"timeout_ms", 5000}}.dump()).json);
    if (done.value("code", -1) != 0 || done.value("signal", 0) != 0) return std::nullopt;
    return done.value("out", "");
  } catch (const Failed& failed) {
    if (failed.code.find("process.not_found") == std::string::npos) throw;
    return std::nullopt;
  }
}

json list_of(const sdk::Host& core, const json& argv) {
  const auto out = output_of(core, argv);
  if (!out) return json::array();
  json parsed = json::parse(*out, nullptr, false);
  return parsed.is_array() ? parsed : json::array();
}

using Bytes = std::array<unsigned char, 16>;

// 4, 16, or 0 for what is no address.
size_t parse_address(const std::string& text, Bytes& bytes) {
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return 4;
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return 16;
  return 0;
}

// How many bits of the address a destination fixes; -1: it does not cover it.
int covers(const std::string& destination, const std::string& address) {
  Bytes wanted{}, network{};
  const size_t size = parse_address(address, wanted);
  if (size == 0) return -1;
  if (destination == "default") return 0;
  const size_t slash = destination.find('/');
  if (parse_address(destination.substr(0, slash), network) != size) return -1;
  int bits = static_cast<int>(size) * 8;
  if (slash != std::string::npos) bits = std::min(bits, std::atoi(destination.c_str() + slash + 1));
  for (int bit = 0; bit < bits; ++bit) {
    const auto byte = static_cast<size_t>(bit / 8);
    if (((wanted[byte] ^ network[byte]) >> (7 - bit % 8)) & 1) return -1;
  }
  return bits;
}

bool refuses(const json& route) {
  const std::string type = text(route, "type");
  return type == "unreachable" || type == "blackhole" || type == "prohibit";
}

// Of the declared peer, as `wg show INTERFACE dump` has it: public key, preshared key, endpoint,
// allowed networks, last handshake, ... Nothing where there is no such peer.
using Peer = std::vector<std::string>;
std::optional<Peer> wireguard_peer(const std::string& dump, const Overlay& overlay) {
  std::istringstream lines(dump);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Peer fields;
    for (std::string word; std::getline(words, word, '\t');) fields.push_back(word);
    if (fields.size() >= 8 && fields[0] == overlay.peer) return fields;
  }
  return std::nullopt;
}

std::optional<std::string> wireguard_dump(const sdk::Host& core, const Overlay& overlay) {
  return output_of(core, {"wg", "show", overlay.interface, "dump"});
}

std::string wireguard_problem(const std::string& dump, const Overlay& overlay, const Target& target,
                              std::string& found) {
  const auto peer = wireguard_peer(dump, overlay);
  if (!peer) return "it has no peer " + overlay.peer;
  found = (*peer)[0] + " at " + (*peer)[2];
  std::istringstream networks((*peer)[3]);
  for (std::string network; std::getline(networks, network, ',');)
    if (covers(network, target.address) >= 0) return {};
  return "its peer is not allowed to carry " + target.address;
}

// Nothing where strongSwan has no association at all.
std::optional<std::string> ipsec_problem(const sdk::Host& core, const Overlay& overlay,
                                         const Target& target) {
  const auto told = output_of(core, {"swanctl", "--list-sas", "--pretty"});
  const auto associations = associations_of(told.value_or(""));
  if (associations.empty()) return std::nullopt;
  std::string why = "IPsec has no association with it";
  for (const auto& one : associations) {
    if (one.far_end != overlay.peer) continue;
    if (one.state != "ESTABLISHED" && one.state != "REKEYING") {
      why = "IPsec's association with it is " + one.state;
      continue;
    }
    why = "what IPsec has installed with it may not carry " + target.address;
    for (const auto& child : one.children)
      if (child.state == "INSTALLED" || child.state == "REKEYING")
        for (const auto& network : child.remote)
          if (covers(network, target.address) >= 0) return "";
  }
  return why;
}

std::string peer_problem(const sdk::Host& core, const Overlay& overlay, const Target& target,
                         const json& link, Facts& facts) {
  const json about = link.value("linkinfo", json::object());
  facts.kind = text(about, "info_kind");
  if (const auto dump = wireguard_dump(core, overlay)) {
    facts.kind = "wireguard";  // wireguard-go's interface is a tun to the kernel
    return wireguard_problem(*dump, overlay, target, facts.peer);
  }
  const json data = about.value("info_data", json::object());
  for (const char* key : {"remote", "remote6"})
    if (facts.peer.empty()) facts.peer = text(data, key);
  if (!facts.peer.empty()) return facts.peer == overlay.peer ? "" : "its far end is " + facts.peer;
  // strongSwan, with an interface of the kernel's IPsec or of its own in user space.
  if (auto problem = ipsec_problem(core, overlay, target)) {
    facts.kind = "ipsec";
    facts.peer = overlay.peer;
    return std::move(*problem);
  }
  return "nothing tells who is at its far end";
}

}  // namespace

json way_without(const json& routes, const std::string& interface, const std::string& address) {
  json best;
  int most = -1;
  int64_t metric = 0;
  for (const auto& route : routes) {
    const std::string type = text(route, "type");
    if (text(route, "dev") == interface && !refuses(route)) continue;
    if (type == "broadcast" || type == "multicast" || type == "anycast") continue;
    const int bits = covers(text(route, "dst"), address);
    if (bits < 0) continue;
    const int64_t own = route.value("metric", int64_t{0});
    if (bits < most || (bits == most && own >= metric)) continue;
    most = bits;
    metric = own;
    best = route;
  }
  return best;
}

Facts facts_of(const sdk::Host& core, const Overlay& overlay, const Target& target) {
  Facts facts;
  const auto no = [&](const char* code, const std::string& sentence) {
    facts.code = code;
    facts.message = target.name + " (" + target.address + "): " + sentence;
    return facts;
  };
  const json links = list_of(core, {"ip", "-j", "-d", "link", "show", "dev", overlay.interface});
  const json flags = links.empty() ? json::array() : links[0].value("flags", json::array());
  if (std::find(flags.begin(), flags.end(), json("UP")) == flags.end())
    return no("unavailable/access.overlay.interface",
              "the overlay's interface " + overlay.interface + " is not there or not up");
  if (const auto problem = peer_problem(core, overlay, target, links[0], facts); !problem.empty())
    return no("denied/access.overlay.peer", "the overlay " + overlay.interface +
                                                " is declared to end at " + overlay.peer +
                                                ", and " + problem);
  const json taken = list_of(core, {"ip", "-j", "route", "get", target.address});
  const std::string by = taken.empty() ? "" : text(taken[0], "dev"),
                    hop = taken.empty() ? "" : text(taken[0], "gateway");
  if (by != overlay.interface || hop != overlay.next_hop)
    return no("denied/access.overlay.route",
              "packets go " +
                  (by.empty() ? "nowhere" : "by " + by + (hop.empty() ? "" : " through " + hop)) +
                  ", and the declared way is " + overlay.interface +
                  (overlay.next_hop.empty() ? "" : " through " + overlay.next_hop));
  const json other = way_without(list_of(core, {"ip", "-j", "route", "show", "table", "all"}),
                                 overlay.interface, target.address);
  if (!other.is_null() && !refuses(other))
    return no("denied/access.overlay.other_path",
              "without the overlay's route packets would go by " + text(other, "dev") + " (route " +
                  text(other, "dst") + "), in the open");
  return facts;
}

std::optional<int64_t> handshake_age_s(const sdk::Host& core, const Overlay& overlay) {
  const auto dump = wireguard_dump(core, overlay);
  const auto peer = dump ? wireguard_peer(*dump, overlay) : std::nullopt;
  const int64_t last = peer ? std::atoll((*peer)[4].c_str()) : 0;
  if (last == 0) return std::nullopt;
  return std::max<int64_t>(0, core.wall_ms() / 1000 - last);
}

Counters counters_of(const sdk::Host& core, const Overlay& overlay) {
  const json links = list_of(core, {"ip", "-j", "-s", "link", "show", "dev", overlay.interface});
  if (links.empty()) return {};
  const json stats = links[0].value("stats64", json::object());
  return {stats.value("tx", json::object()).value("bytes", int64_t{0}),
          stats.value("rx", json::object()).value("bytes", int64_t{0})};
}

}  // namespace hyops::access
