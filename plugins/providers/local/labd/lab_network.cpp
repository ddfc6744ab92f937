// What the API changes in the packet filter: open ports, egress and isolation.
#include <algorithm>

#include "lab.hpp"

namespace hyops::labd {
namespace {

constexpr size_t most_rules = 256;

// Only the zone outside the primary failure domain may fence another one; so may root on the
// machine.
Done may_isolate(const Caller& caller) {
  if (caller.admin() || caller.zone->name == "edge") return {};
  return fail(403, "isolation.not_here", "isolation is served by the API of zone edge only",
              "ask http://10.77.2.1:7077 with the token of zone edge");
}

Result<const Zone*> fenceable(const std::string& name) {
  auto zone = find_zone(name);
  if (zone && !(*zone)->has_api) {
    return fail(400, "isolation.zone_invalid",
                "zone " + name + " is the outside and cannot be fenced", "name a site");
  }
  return zone;
}

ruleset::Inbound inbound_of(const FirewallRule& rule) {
  return {rule.source, rule.address, rule.port};
}

Result<std::vector<ruleset::Allowed>> product(const Zone* zone, const Json& sources,
                                              const Json& allow) {
  if (!sources.is_array() || sources.empty() || !allow.is_array()) {
    return invalid("\"sources\" is a list of networks, \"allow\" a list of {cidr, port, protocol}");
  }
  if (sources.size() * allow.size() > most_rules)
    return invalid("an egress has at most 256 pairs of source and destination");
  std::vector<ruleset::Allowed> rules;
  for (const auto& source : sources) {
    if (!source.is_string()) return invalid("\"sources\" is a list of networks");
    auto from = check_cidr(source, "sources");
    if (!from) return tl::make_unexpected(from.error());
    const Cidr home = zone ? network_of(*zone) : *parse_cidr(private_networks);
    if (!home.contains(from->network) || from->prefix < home.prefix) {
      return invalid("source " + from->text() + " is not inside " + home.text());
    }
    for (const auto& item : allow) {
      if (!item.is_object()) return invalid("\"allow\" is a list of {cidr, port, protocol}");
      if (auto known = only_keys(item, {"cidr", "port", "protocol"}); !known)
        return tl::make_unexpected(known.error());
      auto text = text_field(item, "cidr", 18);
      if (!text) return tl::make_unexpected(text.error());
      auto to = check_cidr(*text, "cidr");
      if (!to) return tl::make_unexpected(to.error());
      ruleset::Allowed rule{from->text(), to->text(), "tcp", 0};
      if (item.contains("protocol")) {
        auto protocol = text_field(item, "protocol", 4);
        if (!protocol || (*protocol != "tcp" && *protocol != "udp" && *protocol != "icmp")) {
          return invalid("\"protocol\" is tcp, udp or icmp");
        }
        rule.protocol = *protocol;
      }
      if (rule.protocol != "icmp") {
        auto port = number_field(item, "port", 1, 65535);
        if (!port) return tl::make_unexpected(port.error());
        rule.port = static_cast<uint16_t>(*port);
      }
      rules.push_back(rule);
    }
  }
  return rules;
}

}  // namespace

Done Lab::forget_closed_ports() {
  auto open = ruleset::open_inbounds();
  if (!open) return tl::make_unexpected(open.error());
  std::erase_if(state_.firewall, [&](const auto& entry) {
    return !open->contains(ruleset::key_of(inbound_of(entry.second)));
  });
  return {};
}

Done Lab::restore_egress() {
  auto counted = ruleset::counters();
  if (!counted) return tl::make_unexpected(counted.error());
  for (const auto& [name, egress] : state_.egress) {
    if (counted->contains("egress-" + name + "-0")) continue;
    auto rules = product(nullptr, egress.sources, egress.allow);
    if (!rules) return tl::make_unexpected(rules.error());
    if (auto done = ruleset::set_egress(name, *rules); !done) return done;
  }
  return {};
}

Done Lab::close_ports_of(const std::string& address) {
  if (state_.firewall.empty()) return {};
  if (auto done = forget_closed_ports(); !done) return done;
  for (auto it = state_.firewall.begin(); it != state_.firewall.end();) {
    if (it->second.address != address) {
      ++it;
      continue;
    }
    if (auto done = ruleset::close_inbound(inbound_of(it->second)); !done) return done;
    it = state_.firewall.erase(it);
  }
  return {};
}

Result<Reply> Lab::open_port(const Caller& caller, const Json& body) {
  if (auto known = only_keys(body, {"name", "source", "address", "port", "ttl_s", "labels"});
      !known)
    return tl::make_unexpected(known.error());
  auto name = text_field(body, "name", 40).and_then(check_name);
  auto source = text_field(body, "source", 18).and_then([](const std::string& text) {
    return check_cidr(text, "source");
  });
  auto address = text_field(body, "address", 15);
  auto port = number_field(body, "port", 1, 65535);
  auto ttl = number_field(body, "ttl_s", 1, 3600);
  auto labels = check_labels(body);
  if (!name) return tl::make_unexpected(name.error());
  if (!source) return tl::make_unexpected(source.error());
  if (!address) return tl::make_unexpected(address.error());
  if (!port) return tl::make_unexpected(port.error());
  if (!ttl) return tl::make_unexpected(ttl.error());
  if (!labels) return tl::make_unexpected(labels.error());
  if (source->prefix == 0)
    return fail(403, "firewall.everybody", "a port is never opened to everybody",
                "name the network that needs it");
  const auto parsed = parse_ipv4(*address);
  const Zone* zone = nullptr;
  for (const auto& candidate : zones) {
    if (candidate.has_api && parsed && network_of(candidate).contains(*parsed) &&
        caller.sees(std::string(candidate.name))) {
      zone = &candidate;
    }
  }
  if (!zone)
    return fail(400, "address.invalid", "address " + *address + " is not one of this zone",
                "name the address of a host of the zone");

  const Lock lock(mutex_);
  if (auto done = forget_closed_ports(); !done) return tl::make_unexpected(done.error());
  FirewallRule rule{*name,    std::string(zone->name),      source->text(),
                    *address, static_cast<uint16_t>(*port), static_cast<int>(*ttl),
                    *labels};
  if (const auto found = state_.firewall.find(*name); found != state_.firewall.end()) {
    if (Json(found->second) == Json(rule)) return Reply{200, Json(found->second)};
    return fail(409, "firewall.exists", "a rule " + *name + " is open already",
                "close it first: DELETE /v1/firewall/" + *name);
  }
  if (state_.firewall.size() >= most_rules)
    return fail(409, "firewall.full", "256 rules are open", "close some");
  // Remembered first: a crash between the two leaves a name without a rule, never a rule without a
  // name.
  state_.firewall[*name] = rule;
  if (auto done = save(); !done) return tl::make_unexpected(done.error());
  if (auto done = ruleset::open_inbound(inbound_of(rule), rule.ttl_s); !done) {
    state_.firewall.erase(*name);
    if (auto saved = save(); !saved) return tl::make_unexpected(saved.error());
    return tl::make_unexpected(done.error());
  }
  return Reply{201, Json(rule)};
}

Result<Reply> Lab::list_ports(const Caller& caller) {
  const Lock lock(mutex_);
  auto open = ruleset::open_inbounds();
  if (!open) return tl::make_unexpected(open.error());
  Json rules = Json::array();
  for (const auto& [name, rule] : state_.firewall) {
    const auto left = open->find(ruleset::key_of(inbound_of(rule)));
    if (!caller.sees(rule.zone) || left == open->end()) continue;
    Json item(rule);
    item["remaining_s"] = left->second;
    rules.push_back(item);
  }
  return Reply{200, {{"firewall", rules}}};
}

Result<Reply> Lab::close_port(const Caller& caller, const std::string& name) {
  const Lock lock(mutex_);
  if (auto done = forget_closed_ports(); !done) return tl::make_unexpected(done.error());
  const auto found = state_.firewall.find(name);
  if (found != state_.firewall.end() && caller.sees(found->second.zone)) {
    auto closed = ruleset::close_inbound(inbound_of(found->second));
    auto open = ruleset::open_inbounds();
    // It may have expired in between; what counts is that it is closed.
    if (!open || (!closed && open->contains(ruleset::key_of(inbound_of(found->second)))))
      return tl::make_unexpected(closed ? open.error() : closed.error());
    state_.firewall.erase(found);
    if (auto done = save(); !done) return tl::make_unexpected(done.error());
  }
  return Reply{200, {{"absent", true}}};
}

Result<Json> Lab::egress_json(const Egress& egress) {
  auto counted = ruleset::counters();
  if (!counted) return tl::make_unexpected(counted.error());
  auto rules = product(nullptr, egress.sources, egress.allow);
  if (!rules) return tl::make_unexpected(rules.error());
  Json listed = Json::array();
  for (size_t i = 0; i < rules->size(); ++i) {
    const auto& rule = (*rules)[i];
    const auto counter = (*counted)["egress-" + egress.name + "-" + std::to_string(i)];
    listed.push_back({{"source", rule.source},
                      {"cidr", rule.destination},
                      {"protocol", rule.protocol},
                      {"port", rule.port},
                      {"packets", counter.packets},
                      {"bytes", counter.bytes}});
  }
  auto talked = connections_of(egress);
  if (!talked) return tl::make_unexpected(talked.error());
  Json connections = Json::array();
  for (const auto& one : *talked)
    connections.push_back({{"source", one.source},
                           {"destination", one.destination},
                           {"protocol", one.protocol},
                           {"port", one.port},
                           {"packets", one.counted.packets},
                           {"bytes", one.counted.bytes}});
  return Json{{"name", egress.name},   {"zone", egress.zone},       {"sources", egress.sources},
              {"allow", egress.allow}, {"account", egress.account}, {"nat_address", "198.51.100.1"},
              {"rules", listed},       {"connections", connections}};
}

Result<std::vector<ruleset::Connection>> Lab::connections_of(const Egress& egress) {
  auto talked = ruleset::connections();
  if (!talked) return talked;
  std::erase_if(*talked, [&](const ruleset::Connection& one) {
    const auto address = parse_ipv4(one.source);
    return std::none_of(egress.sources.begin(), egress.sources.end(), [&](const Json& source) {
      const auto network = parse_cidr(source.get<std::string>());
      return network && address && network->contains(*address);
    });
  });
  return talked;
}

Result<Reply> Lab::put_egress(const Caller& caller, const std::string& name, const Json& body) {
  if (auto checked = check_name(name); !checked) return tl::make_unexpected(checked.error());
  if (auto known = only_keys(body, {"sources", "allow", "account"}); !known)
    return tl::make_unexpected(known.error());
  auto rules = product(caller.zone, body.value("sources", Json()), body.value("allow", Json()));
  if (!rules) return tl::make_unexpected(rules.error());
  const Lock lock(mutex_);
  const std::string zone(caller.admin() ? "" : caller.zone->name);
  const auto found = state_.egress.find(name);
  if (found != state_.egress.end() && !caller.sees(found->second.zone)) {
    return fail(409, "egress.exists", "another zone has an egress " + name, "use another name");
  }
  Egress egress{name, zone, body["sources"], body["allow"], ""};
  if (body.contains("account")) {
    auto account = text_field(body, "account", 80);
    if (!account) return tl::make_unexpected(account.error());
    egress.account = *account;
  }
  // The same again changes nothing: counters of an egress in use survive a repeated request.
  const bool known = found != state_.egress.end();
  if (!known || found->second.account != egress.account) {
    auto talked = connections_of(egress);
    if (!talked) return tl::make_unexpected(talked.error());
    if (auto done = ruleset::forget_connections(*talked); !done)
      return tl::make_unexpected(done.error());
  }
  const bool same = known && found->second.sources == egress.sources &&
                    found->second.allow == egress.allow && found->second.zone == egress.zone;
  if (same) {
    found->second = egress;
    if (auto done = save(); !done) return tl::make_unexpected(done.error());
  } else {
    if (state_.egress.size() >= most_rules)
      return fail(409, "egress.full", "there are 256 egress definitions", "delete some");
    state_.egress[name] = egress;
    if (auto done = save(); !done) return tl::make_unexpected(done.error());
    if (auto done = ruleset::set_egress(name, *rules); !done)
      return tl::make_unexpected(done.error());
  }
  auto answer = egress_json(egress);
  if (!answer) return tl::make_unexpected(answer.error());
  return Reply{200, *answer};
}

Result<Reply> Lab::list_egress(const Caller& caller) {
  const Lock lock(mutex_);
  Json listed = Json::array();
  for (const auto& [name, egress] : state_.egress) {
    if (!caller.sees(egress.zone)) continue;
    auto item = egress_json(egress);
    if (!item) return tl::make_unexpected(item.error());
    listed.push_back(*item);
  }
  return Reply{200, {{"egress", listed}}};
}

Result<Reply> Lab::show_egress(const Caller& caller, const std::string& name) {
  const Lock lock(mutex_);
  const auto found = state_.egress.find(name);
  if (found == state_.egress.end() || !caller.sees(found->second.zone)) {
    return fail(404, "egress.unknown", "there is no egress " + name.substr(0, 40),
                "list them: GET /v1/egress");
  }
  auto answer = egress_json(found->second);
  if (!answer) return tl::make_unexpected(answer.error());
  return Reply{200, *answer};
}

Result<Reply> Lab::remove_egress(const Caller& caller, const std::string& name) {
  const Lock lock(mutex_);
  const auto found = state_.egress.find(name);
  if (found != state_.egress.end() && caller.sees(found->second.zone)) {
    if (auto done = ruleset::remove_egress(name); !done) return tl::make_unexpected(done.error());
    state_.egress.erase(found);
    if (auto done = save(); !done) return tl::make_unexpected(done.error());
  }
  return Reply{200, {{"absent", true}}};
}

Result<Json> Lab::isolation_json(const std::string& zone) {
  auto counted = ruleset::counters();
  if (!counted) return tl::make_unexpected(counted.error());
  const auto found = state_.isolation.find(zone);
  const auto counter = (*counted)["isolated-" + zone];
  return Json{{"zone", zone},
              {"isolated", found != state_.isolation.end()},
              {"reason", found == state_.isolation.end() ? "" : found->second},
              {"dropped_packets", counter.packets},
              {"dropped_bytes", counter.bytes}};
}

Result<Reply> Lab::isolate(const Caller& caller, const std::string& name, const Json& body) {
  if (auto done = may_isolate(caller); !done) return tl::make_unexpected(done.error());
  auto zone = fenceable(name);
  if (!zone) return tl::make_unexpected(zone.error());
  if (auto known = only_keys(body, {"reason"}); !known) return tl::make_unexpected(known.error());
  auto reason = text_field(body, "reason", 512);
  if (!reason) return tl::make_unexpected(reason.error());
  const Lock lock(mutex_);
  if (!state_.isolation.contains(name)) {
    if (auto done = ruleset::isolate(**zone, ruleset::Change::add); !done)
      return tl::make_unexpected(done.error());
  }
  state_.isolation[name] = *reason;
  if (auto done = save(); !done) return tl::make_unexpected(done.error());
  auto answer = isolation_json(name);
  if (!answer) return tl::make_unexpected(answer.error());
  return Reply{200, *answer};
}

Result<Reply> Lab::show_isolation(const Caller& caller, const std::string& name) {
  if (auto done = may_isolate(caller); !done) return tl::make_unexpected(done.error());
  if (auto zone = fenceable(name); !zone) return tl::make_unexpected(zone.error());
  const Lock lock(mutex_);
  auto answer = isolation_json(name);
  if (!answer) return tl::make_unexpected(answer.error());
  return Reply{200, *answer};
}

Result<Reply> Lab::end_isolation(const Caller& caller, const std::string& name) {
  if (auto done = may_isolate(caller); !done) return tl::make_unexpected(done.error());
  auto zone = fenceable(name);
  if (!zone) return tl::make_unexpected(zone.error());
  const Lock lock(mutex_);
  if (state_.isolation.contains(name)) {
    if (auto done = ruleset::isolate(**zone, ruleset::Change::remove); !done)
      return tl::make_unexpected(done.error());
    state_.isolation.erase(name);
    if (auto done = save(); !done) return tl::make_unexpected(done.error());
  }
  auto answer = isolation_json(name);
  if (!answer) return tl::make_unexpected(answer.error());
  return Reply{200, *answer};
}

}  // namespace hyops::labd
