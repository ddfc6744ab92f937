// Breaks the lab on purpose, by the names the drill uses, and mends it again.
#include <signal.h>

#include <algorithm>

#include "host_faults.hpp"
#include "lab.hpp"
#include "shaping.hpp"

namespace hyops::labd {
namespace {

std::string pair_of(const Zone& a, const Zone& b) {
  return std::string(a.name) + " " + std::string(b.name);
}

// A link has no direction: cutting "a b" and "b a" is the same.
std::string link_of(const Zone& a, const Zone& b) {
  return a.name < b.name ? pair_of(a, b) : pair_of(b, a);
}

struct Form {
  std::string_view name, takes;
};
constexpr Form forms[] = {
    {"link-cut", "A B"},           {"link-restore", "A B"},    {"link-slow", "A B KBIT"},
    {"link-full", "A B"},          {"zone-loss", "ZONE"},      {"zone-restore", "ZONE"},
    {"api-cut", "FROM TO"},        {"api-restore", "FROM TO"}, {"host-kill", "HOST"},
    {"machine-reset", "HOST"},     {"disk-full", "HOST PATH"}, {"disk-restore", "HOST PATH"},
    {"clock-step", "HOST SECONDS"}};

}  // namespace

Result<Reply> Lab::fault(const Json& body) {
  if (auto known = only_keys(body, {"fault", "args"}); !known)
    return tl::make_unexpected(known.error());
  auto name = text_field(body, "fault", 40);
  if (!name) return tl::make_unexpected(name.error());
  const auto form = std::find_if(std::begin(forms), std::end(forms),
                                 [&](const Form& one) { return one.name == *name; });
  if (form == std::end(forms)) {
    std::string all;
    for (const auto& one : forms)
      all += (all.empty() ? "" : ", ") + std::string(one.name) + " " + std::string(one.takes);
    return fail(404, "fault.unknown", "there is no fault \"" + *name + "\"", "use " + all);
  }
  const Json args = body.value("args", Json::array());
  const auto wanted =
      static_cast<size_t>(1 + std::count(form->takes.begin(), form->takes.end(), ' '));
  if (!args.is_array() || args.size() != wanted ||
      !std::all_of(args.begin(), args.end(), [](const Json& arg) { return arg.is_string(); }))
    return invalid(*name + " takes " + std::string(form->takes));
  const Lock lock(mutex_);
  if (name->starts_with("host-") || name->starts_with("machine-") || name->starts_with("disk-") ||
      name->starts_with("clock-"))
    return fault_of_host(*name, args);
  auto a = find_zone(args[0].get<std::string>());
  if (!a) return tl::make_unexpected(a.error());
  if (*name == "zone-loss") return fault_zone_loss(**a);
  if (*name == "zone-restore") return fault_zone_restore(**a);
  auto b = find_zone(args[1].get<std::string>());
  if (!b) return tl::make_unexpected(b.error());
  if (*name == "link-slow" || *name == "link-full")
    return fault_speed(**a, **b, *name == "link-full" ? "0" : args[2].get<std::string>());
  const auto change = name->ends_with("-cut") ? ruleset::Change::add : ruleset::Change::remove;
  return name->starts_with("link") ? fault_link(**a, **b, change) : fault_api(**a, **b, change);
}

Result<Reply> Lab::fault_of_host(const std::string& name, const Json& args) {
  auto host = host_of({}, args[0]);
  if (!host) return tl::make_unexpected(host.error());
  if (name == "host-kill") return fault_host_kill(**host);
  if (auto done = not_busy(**host); !done) return tl::make_unexpected(done.error());
  if (name == "machine-reset") {
    if (auto done = not_lost((*host)->zone); !done) return tl::make_unexpected(done.error());
    auto operation = begin("power-on", **host, "", "");  // begins by taking the power away
    if (!operation) return tl::make_unexpected(operation.error());
    return Reply{202, {{"operations", Json::array({*operation})}}};
  }
  if (!alive((*host)->process))
    return fail(409, "host.off", "host " + (*host)->name + " is powered off", "power it on first");
  const std::string value = args[1];
  const auto done = name == "clock-step"  ? step_clock((*host)->process, value)
                    : name == "disk-full" ? fill_disk((*host)->process, value)
                                          : grow_disk((*host)->process, value);
  if (!done) return tl::make_unexpected(done.error());
  return Reply{200, host_json(**host)};
}

Result<Reply> Lab::fault_host_kill(const Host& host) {
  if (!end_process(host.process, SIGKILL, 5000))
    return fail(500, "host.kill", "PID 1 of the host does not end");
  return Reply{200, host_json(host)};
}

Result<Reply> Lab::fault_zone_loss(const Zone& zone) {
  const std::string name(zone.name);
  if (state_.lost_zones.contains(name)) return Reply{200, {{"zone", name}, {"lost", true}}};
  // The cable first, as in the real event: nothing gets a last word out.
  if (auto done = ruleset::lose_zone(zone, ruleset::Change::add); !done)
    return tl::make_unexpected(done.error());
  state_.lost_zones.insert(name);
  for (auto& [ignored, host] : state_.hosts) {
    if (host.zone == name) host.on_after_restore = alive(host.process);
  }
  if (auto done = save(); !done) return tl::make_unexpected(done.error());
  Json killed = Json::array();
  for (const auto& [host_name, host] : state_.hosts) {
    if (host.zone != name || !host.on_after_restore) continue;
    if (!end_process(host.process, SIGKILL, 5000))
      return fail(500, "host.kill", "PID 1 of " + host_name + " does not end");
    killed.push_back(host_name);
  }
  return Reply{200, {{"zone", name}, {"lost", true}, {"killed", killed}}};
}

Result<Reply> Lab::fault_zone_restore(const Zone& zone) {
  const std::string name(zone.name);
  Json operations = Json::array();
  if (state_.lost_zones.contains(name)) {
    if (auto done = ruleset::lose_zone(zone, ruleset::Change::remove); !done)
      return tl::make_unexpected(done.error());
    state_.lost_zones.erase(name);
    if (auto done = save(); !done) return tl::make_unexpected(done.error());
    for (auto& [ignored, host] : state_.hosts) {
      if (host.zone != name || !host.on_after_restore || !host.operation.empty()) continue;
      host.on_after_restore = false;
      auto operation = begin("power-on", host, "", "");
      if (!operation) return tl::make_unexpected(operation.error());
      operations.push_back(*operation);
    }
  }
  return Reply{202, {{"zone", name}, {"lost", false}, {"operations", operations}}};
}

Result<Reply> Lab::fault_link(const Zone& a, const Zone& b, ruleset::Change change) {
  if (&a == &b) return invalid("a link joins two different zones");
  const auto link = link_of(a, b);
  const bool cut = change == ruleset::Change::add;
  if (state_.cut_links.contains(link) != cut) {
    if (auto done = ruleset::cut_link(a, b, change); !done)
      return tl::make_unexpected(done.error());
    cut ? (void)state_.cut_links.insert(link) : (void)state_.cut_links.erase(link);
    if (auto done = save(); !done) return tl::make_unexpected(done.error());
  }
  return Reply{200, {{"link", link}, {"cut", cut}}};
}

Result<Reply> Lab::fault_speed(const Zone& a, const Zone& b, const std::string& kbit) {
  if (&a == &b) return invalid("a link joins two different zones");
  const bool digits = !kbit.empty() && kbit.size() <= 7 &&
                      kbit.find_first_not_of("0123456789") == std::string::npos;
  const int rate = digits ? std::stoi(kbit) : -1;
  const auto link = link_of(a, b);
  if (rate < 0 || (rate > 0 && rate < 8)) return invalid("a link's speed is 8 to 9999999 kbit/s");
  if (auto done = rate == 0 ? shaping::full(a, b) : shaping::slow(a, b, rate); !done)
    return tl::make_unexpected(done.error());
  rate == 0 ? (void)state_.slow_links.erase(link) : (void)(state_.slow_links[link] = rate);
  if (auto done = save(); !done) return tl::make_unexpected(done.error());
  return Reply{200, {{"link", link}, {"kbit", rate}}};
}

Result<Reply> Lab::fault_api(const Zone& from, const Zone& to, ruleset::Change change) {
  if (!to.has_api) return invalid("zone " + std::string(to.name) + " has no API");
  const auto path = pair_of(from, to);
  const bool cut = change == ruleset::Change::add;
  if (state_.cut_apis.contains(path) != cut) {
    if (auto done = ruleset::cut_api(from, to, change); !done)
      return tl::make_unexpected(done.error());
    cut ? (void)state_.cut_apis.insert(path) : (void)state_.cut_apis.erase(path);
    if (auto done = save(); !done) return tl::make_unexpected(done.error());
  }
  return Reply{200, {{"from", from.name}, {"to", to.name}, {"cut", cut}}};
}

Result<Reply> Lab::status() {
  const Lock lock(mutex_);
  Json listed = Json::array();
  for (const auto& zone : zones) {
    const std::string name(zone.name);
    Json hosts = Json::array();
    for (const auto& [ignored, host] : state_.hosts) {
      if (host.zone == name) hosts.push_back(host_json(host));
    }
    listed.push_back({{"name", name},
                      {"network", zone.network},
                      {"gateway", zone.gateway},
                      {"api", zone.has_api ? "http://" + std::string(zone.gateway) + ":" +
                                                 std::to_string(api_port)
                                           : ""},
                      {"lost", state_.lost_zones.contains(name)},
                      {"isolated", state_.isolation.contains(name)},
                      {"hosts", hosts}});
  }
  return Reply{200,
               {{"zones", listed},
                {"cut_links", state_.cut_links},
                {"cut_apis", state_.cut_apis},
                {"slow_links", state_.slow_links}}};
}

}  // namespace hyops::labd
