// What may pass between the zones, as one nftables table.
#include "ruleset.hpp"

#include <nlohmann/json.hpp>

#include "subprocess.hpp"

namespace hyops::labd::ruleset {
namespace {

constexpr std::string_view table = "inet hyops_lab";
const std::string at_table = " inet hyops_lab ";

Done apply(const std::string& commands) {
  auto ran = run({"nft", "-f", "-"}, commands);
  if (!ran) return tl::make_unexpected(ran.error());
  return {};
}

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string default_rules() {
  std::string apis, counters, wan;
  for (const auto& zone : zones) {
    if (!zone.has_api) continue;
    apis += (apis.empty() ? "" : ", ") + std::string(zone.gateway);
    wan += (wan.empty() ? "" : ", ") + in_quotes(zone.bridge);
    counters += " counter isolated-" + std::string(zone.name) + " { }\n";
  }
  // `entering` sees every packet once, whether it is for the router itself or to be forwarded, and
  // before connection tracking lets anything established through: a cut cuts running connections.
  // `forwarded` judges each packet of the original direction afresh: a rule that expires or is
  // deleted ends the connections it once allowed.
  return "table " + std::string(table) + " {\n" + counters +
         " map isolated_from { type ifname : counter; }\n"
         " map isolated_to { type ifname : counter; }\n"
         " set cuts { type ifname . ipv4_addr; flags interval; }\n"
         " set lost_bridges { type ifname; }\n"
         " set lost_networks { type ipv4_addr; flags interval; }\n"
         " set cut_apis { type ifname . ipv4_addr; }\n"
         " set isolated_bridges { type ifname; }\n"
         " set isolated_networks { type ipv4_addr; flags interval; }\n"
         " set inbound { type ipv4_addr . ipv4_addr . inet_service; flags interval,timeout; }\n"
         // Counted in a chain of its own: a packet that finds the set full is not counted, no more.
         " set talked { type ipv4_addr . ipv4_addr . inet_proto . inet_service;"
         " flags dynamic,timeout; timeout 1d; size 65535; counter; }\n"
         " chain allowed {\n"
         "  meta l4proto { tcp, udp }"
         " update @talked { ip saddr . ip daddr . meta l4proto . th dport }\n"
         "  accept\n"
         " }\n"
         " chain egress { }\n"
         " chain entering {\n"
         "  type filter hook prerouting priority -150; policy accept;\n"
         "  iifname @lost_bridges counter drop\n"
         "  ip daddr @lost_networks counter drop\n"
         "  iifname . ip daddr @cuts counter drop\n"
         "  iifname . ip daddr @cut_apis tcp dport " +
         std::to_string(api_port) +
         " counter drop\n"
         "  iifname @isolated_bridges ip daddr { " +
         apis + " } tcp dport " + std::to_string(api_port) +
         " accept\n"
         "  iifname @isolated_bridges counter name iifname map @isolated_from drop\n"
         " }\n"
         " chain received {\n"
         "  type filter hook input priority 0; policy drop;\n"
         "  iifname \"lo\" accept\n"
         "  ct direction reply ct state established,related accept\n"
         "  icmp type echo-request accept\n"
         "  iifname { " +
         wan + " } ip daddr { " + apis + " } tcp dport " + std::to_string(api_port) +
         " accept\n"
         "  iifname \"br-internet\" ip daddr " +
         std::string(public_api) + " tcp dport " + std::to_string(api_port) +
         " accept\n"
         "  iifname { " +
         wan +
         " } meta l4proto tcp reject with tcp reset\n"
         " }\n"
         " chain forwarded {\n"
         "  type filter hook forward priority 0; policy drop;\n"
         "  oifname @isolated_bridges counter name oifname map @isolated_to drop\n"
         "  ct state invalid drop\n"
         "  ct direction reply ct state established,related meta l4proto { tcp, udp }"
         " update @talked { ip daddr . ip saddr . meta l4proto . th sport }\n"
         "  ct direction reply ct state established,related accept\n"
         "  iifname { " +
         wan + " } oifname { " + wan +
         " } goto allowed\n"
         "  iifname \"br-internet\" ip saddr . ip daddr . tcp dport @inbound goto allowed\n"
         "  iifname { " +
         wan +
         " } oifname \"br-internet\" jump egress\n"
         " }\n"
         " chain leaving {\n"
         "  type nat hook postrouting priority 100; policy accept;\n"
         "  oifname \"br-internet\" meta mark 0x1 snat ip to 198.51.100.1\n"
         " }\n"
         "}\n";
}

Done element(Change change, std::string_view set, const std::string& value) {
  return apply(std::string(change == Change::add ? "add" : "delete") + " element " +
               std::string(table) + " " + std::string(set) + " { " + value + " }\n");
}

Result<nlohmann::json> list(const std::vector<std::string>& what) {
  std::vector<std::string> argv{"nft", "-j", "list"};
  argv.insert(argv.end(), what.begin(), what.end());
  auto text = run(argv);
  if (!text) return tl::make_unexpected(text.error());
  auto answer = nlohmann::json::parse(*text, nullptr, false);
  if (answer.is_discarded() || !answer.contains("nftables"))
    return fail(500, "nft.answer", "nft's answer is not JSON");
  return answer["nftables"];
}

std::string element_of(const Inbound& rule) {
  return rule.source + " . " + rule.address + " . " + std::to_string(rule.port);
}

std::string chain_of(const std::string& name) { return "egress-" + name; }

std::string address_text(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>() + "/32";
  const auto& prefix = value.at("prefix");
  return prefix.at("addr").get<std::string>() + "/" + std::to_string(prefix.at("len").get<int>());
}

// "egress-NAME-N" with digits for N: another definition may be called NAME-x.
bool counter_of(const std::string& counter, const std::string& chain) {
  return counter.starts_with(chain + "-") &&
         counter.find_first_not_of("0123456789", chain.size() + 1) == std::string::npos;
}

// The commands that take one definition out, in the order nft accepts; empty when it is not there.
Result<std::string> removal_of(const std::string& name) {
  const std::string chain = chain_of(name);
  auto listed = list({"table", "inet", "hyops_lab"});
  if (!listed) return tl::make_unexpected(listed.error());
  std::string jumps, chains, owned;
  for (const auto& item : *listed) {
    if (item.contains("rule") && item["rule"].value("chain", "") == "egress") {
      for (const auto& step : item["rule"]["expr"]) {
        if (!step.contains("jump") || step["jump"].value("target", "") != chain) continue;
        jumps += "delete rule" + at_table + "egress handle " +
                 std::to_string(item["rule"].value("handle", 0)) + "\n";
      }
    } else if (item.contains("chain") && item["chain"].value("name", "") == chain) {
      chains += "flush chain" + at_table + chain + "\ndelete chain" + at_table + chain + "\n";
    } else if (item.contains("counter") && counter_of(item["counter"].value("name", ""), chain)) {
      owned += "delete counter" + at_table + item["counter"].value("name", "") + "\n";
    }
  }
  return jumps + chains + owned;
}

}  // namespace

Done install() {
  if (run({"nft", "list", "table", "inet", "hyops_lab"})) return {};
  return apply(default_rules());
}

Done cut_link(const Zone& a, const Zone& b, Change change) {
  return element(change, "cuts",
                 in_quotes(a.bridge) + " . " + std::string(b.network) + ", " + in_quotes(b.bridge) +
                     " . " + std::string(a.network));
}

Done lose_zone(const Zone& zone, Change change) {
  if (auto done = element(change, "lost_bridges", in_quotes(zone.bridge)); !done) return done;
  return element(change, "lost_networks", std::string(zone.network));
}

Done cut_api(const Zone& from, const Zone& to, Change change) {
  return element(change, "cut_apis", in_quotes(from.bridge) + " . " + std::string(to.gateway));
}

Done isolate(const Zone& zone, Change change) {
  const std::string verb = change == Change::add ? "add" : "delete";
  const std::string mapped =
      in_quotes(zone.bridge) +
      (change == Change::add ? " : \"isolated-" + std::string(zone.name) + "\"" : "");
  std::string commands;
  for (const auto& [set, value] : {std::pair<std::string, std::string>{"isolated_from", mapped},
                                   {"isolated_to", mapped},
                                   {"isolated_bridges", in_quotes(zone.bridge)}}) {
    commands += verb + " element " + std::string(table) + " " + set + " { " + value + " }\n";
  }
  if (change == Change::add)
    commands +=
        "reset counter " + std::string(table) + " isolated-" + std::string(zone.name) + "\n";
  return apply(commands);
}

Result<std::map<std::string, Counter>> counters() {
  auto listed = list({"counters", "table", "inet", "hyops_lab"});
  if (!listed) return tl::make_unexpected(listed.error());
  std::map<std::string, Counter> found;
  for (const auto& item : *listed) {
    if (!item.contains("counter")) continue;
    const auto& counter = item["counter"];
    found[counter.value("name", "")] = {counter.value("packets", uint64_t{0}),
                                        counter.value("bytes", uint64_t{0})};
  }
  return found;
}

std::string key_of(const Inbound& rule) {
  return rule.source + " " + rule.address + " " + std::to_string(rule.port);
}

Done open_inbound(const Inbound& rule, int seconds) {
  auto done = element(Change::add, "inbound",
                      element_of(rule) + " timeout " + std::to_string(seconds) + "s");
  if (!done && done.error().message.find("File exists") != std::string::npos) {
    return fail(409, "firewall.overlap", "another open rule covers part of " + key_of(rule),
                "close that rule first: GET /v1/firewall lists them");
  }
  return done;
}

Done close_inbound(const Inbound& rule) {
  return element(Change::remove, "inbound", element_of(rule));
}

Result<std::map<std::string, int>> open_inbounds() {
  auto listed = list({"set", "inet", "hyops_lab", "inbound"});
  if (!listed) return tl::make_unexpected(listed.error());
  std::map<std::string, int> found;
  for (const auto& item : *listed) {
    if (!item.contains("set") || !item["set"].contains("elem")) continue;
    for (const auto& wrapped : item["set"]["elem"]) {
      const auto& element = wrapped.at("elem");
      const auto& parts = element.at("val").at("concat");
      const Inbound rule{address_text(parts.at(0)), parts.at(1).get<std::string>(),
                         parts.at(2).get<uint16_t>()};
      found[key_of(rule)] = element.value("expires", 0);
    }
  }
  return found;
}

Result<std::vector<Connection>> connections() {
  auto listed = list({"set", "inet", "hyops_lab", "talked"});
  if (!listed) return tl::make_unexpected(listed.error());
  std::vector<Connection> found;
  for (const auto& item : *listed) {
    if (!item.contains("set") || !item["set"].contains("elem")) continue;
    for (const auto& wrapped : item["set"]["elem"]) {
      const auto& element = wrapped.at("elem");
      const auto& parts = element.at("val").at("concat");
      const auto counter = element.value("counter", nlohmann::json::object());
      found.push_back(
          {parts.at(0).get<std::string>(),
           parts.at(1).get<std::string>(),
           parts.at(2).get<std::string>(),
           parts.at(3).get<uint16_t>(),
           {counter.value("packets", uint64_t{0}), counter.value("bytes", uint64_t{0})}});
    }
  }
  return found;
}

Done forget_connections(const std::vector<Connection>& which) {
  std::string elements;
  for (const auto& one : which)
    elements += (elements.empty() ? "" : ", ") + one.source + " . " + one.destination + " . " +
                one.protocol + " . " + std::to_string(one.port);
  return which.empty() ? Done{} : element(Change::remove, "talked", elements);
}

Done set_egress(const std::string& name, const std::vector<Allowed>& rules) {
  auto commands = removal_of(name);
  if (!commands) return tl::make_unexpected(commands.error());
  const std::string chain = chain_of(name);
  *commands += "add chain" + at_table + chain + "\n";
  for (size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    const std::string counter = chain + "-" + std::to_string(i);
    const std::string what = rule.protocol == "icmp"
                                 ? std::string("meta l4proto icmp")
                                 : rule.protocol + " dport " + std::to_string(rule.port);
    *commands += "add counter" + at_table + counter + "\nadd rule" + at_table + chain +
                 " ip saddr " + rule.source + " ip daddr " + rule.destination + " " + what +
                 " counter name " + in_quotes(counter) + " meta mark set 0x1 goto allowed\n";
  }
  *commands += "add rule" + at_table + "egress jump " + chain + "\n";
  return apply(*commands);  // one transaction: no packet meets half a definition
}

Done remove_egress(const std::string& name) {
  auto commands = removal_of(name);
  if (!commands) return tl::make_unexpected(commands.error());
  return commands->empty() ? Done{} : apply(*commands);
}

}  // namespace hyops::labd::ruleset
