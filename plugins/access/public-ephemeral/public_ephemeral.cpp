// Access mode public-ephemeral (A5): a port that is opened to a named source for a short time,
// never to everybody, never in front of a database. The enforcement point closes it whatever
// becomes of us.
#include <algorithm>
#include <optional>

#include "../proof.hpp"
#include "firewall.hpp"

namespace hyops::access {
namespace {

using sdk::Call;
using sdk::Failed;
using sdk::Host;

// Where data lives no outside looks in; the same words as in the core's policy.
bool is_database(const std::string& role) {
  for (const char* word : {"sql", "database", "mariadb", "mongo", "redis", "etcd"})
    if (role.find(word) != std::string::npos) return true;
  return role == "db";
}

// "198.51.100.0/28" -> 28; an address alone is a network of one.
int prefix_of(const std::string& cidr) {
  const size_t slash = cidr.find('/');
  const bool v6 = cidr.find(':') != std::string::npos;
  if (slash == std::string::npos) return v6 ? 128 : 32;
  const std::string digits = cidr.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    throw Failed("invalid/access.public.source", "\"" + cidr.substr(0, 60) + "\" is no network");
  return std::stoi(digits);
}

class PublicEphemeral {
 public:
  PublicEphemeral(const Host& host, std::string_view config)
      : host_(host), config_(json::parse(config)) {
    patience_ = {config_.value("patience", int64_t{20'000}),
                 config_.value("connect_timeout", int64_t{10'000})};
  }

  std::string prove(Call& call, std::string_view document) {
    return prove_all(host_, call, hosts_of(document), patience_).dump();
  }

  std::string open(Call& call, std::string_view document) {
    const json inputs = json::parse(document), hosts = hosts_of(document);
    const std::string key = local::text(json::parse(call.about()), "key");
    const Firewalls firewalls(host_, config_, call);
    const auto wanted = judge(call, inputs, hosts, firewalls);
    try {
      for (const auto& opening : wanted) firewalls.open(opening.zone, opening);
      json endpoints = json::array();
      for (const auto& host : hosts) {
        const Target target = target_of(host);
        const Proof proof = prove_patiently(host_, call, target, patience_);
        if (!proof.proven()) throw Failed(proof.code, proof.message);
        const auto left = seconds_left(firewalls.all(), key, target);
        if (!left)
          throw Failed("expired/access.public.closed",
                       "port " + std::to_string(target.port) + " of " + target.name +
                           " was closed again before it had proven itself");
        endpoints.push_back(endpoint_of(target, end_of(*left)));
      }
      return json{{"endpoints", endpoints}}.dump();
    } catch (const Failed&) {
      for (const auto& opening : wanted) close_quietly(firewalls, opening);  // all or none
      throw;
    }
  }

  // What stands open under the key of the call; and, for whoever clears up, all that stands open in
  // the lane, with whose it is.
  std::string observe(Call& call, std::string_view document) {
    const json about = json::parse(call.about()),
               hosts = json::parse(document).value("hosts", json::array());
    const std::string lane = local::text(about, "lane"), key = local::text(about, "key");
    json opened = json::array(), endpoints = json::array();
    const auto all = Firewalls(host_, config_, call).all();
    for (const auto& opening : all)
      if (local::text(opening.labels, "mode") == mode &&
          local::text(opening.labels, "lane") == lane)
        opened.push_back({{"key", local::text(opening.labels, "key")},
                          {"run", local::text(opening.labels, "run")},
                          {"step", local::text(opening.labels, "step")},
                          {"fencing_token", token_of(opening)},
                          {"what", opening.source + " to " + opening.address + " port " +
                                       std::to_string(opening.port)},
                          {"ends_ms", end_of(opening.remaining_s)}});
    for (const auto& host : hosts) {
      const Target target = target_of(host);
      if (const auto left = seconds_left(all, key, target))
        endpoints.push_back(endpoint_of(target, end_of(*left)));
    }
    return json{{"present", !hosts.empty() && endpoints.size() == hosts.size()},
                {"endpoints", endpoints},
                {"opened", opened}}
        .dump();
  }

  // Whatever was opened under the key of the call, whoever asks. Read back: closed is what does not
  // stand open any more.
  std::string close(Call& call, std::string_view) {
    const std::string key = local::text(json::parse(call.about()), "key");
    const Firewalls firewalls(host_, config_, call);
    for (const auto& opening : firewalls.all())
      if (is_under(opening, key)) firewalls.close(opening);
    for (const auto& opening : firewalls.all())
      if (is_under(opening, key))
        throw Failed("partial/access.public.open", "port " + std::to_string(opening.port) + " of " +
                                                       opening.address + " still stands open to " +
                                                       opening.source);
    return "{}";
  }

 private:
  static constexpr const char* mode = "public-ephemeral";

  static bool is_under(const Opening& opening, const std::string& key) {
    return local::text(opening.labels, "mode") == mode && local::text(opening.labels, "key") == key;
  }

  // Until the first of the openings to this port closes; nothing where none stands open.
  static std::optional<int64_t> seconds_left(const std::vector<Opening>& all,
                                             const std::string& key, const Target& target) {
    std::optional<int64_t> left;
    for (const auto& one : all)
      if (is_under(one, key) && one.address == target.address && one.port == target.port)
        left = std::min(left.value_or(one.remaining_s), one.remaining_s);
    return left;
  }

  static int64_t token_of(const Opening& opening) {
    return std::strtoll(local::text(opening.labels, "fencing_token", "0").c_str(), nullptr, 10);
  }

  // Everything that speaks against it is found before anything is opened.
  std::vector<Opening> judge(const Call& call, const json& inputs, const json& hosts,
                             const Firewalls& firewalls) const {
    if (!inputs.value("break_glass", false))
      throw Failed("denied/access.public.profile",
                   "the profile of this lane does not allow breaking glass (break_glass)");
    const std::string reason = local::text(inputs, "public_reason");
    if (reason.find_first_not_of(" \t") == std::string::npos)
      throw Failed("denied/access.public.reason", "public access needs a reason (public_reason)");
    const json sources = inputs.value("public_sources", json::array());
    if (!sources.is_array() || sources.empty())
      throw Failed("denied/access.public.source",
                   "public access is for named sources (public_sources), and none is named");
    for (const auto& source : sources) narrow_enough(source.get<std::string>());
    const int64_t seconds = inputs.value("public_for", int64_t{0}) / 1000,
                  longest = config_.value("longest", int64_t{900'000}) / 1000;
    if (seconds < 1 || seconds > longest)
      throw Failed("denied/access.public.time", "public access ends after 1 to " +
                                                    std::to_string(longest) + " s, not after " +
                                                    std::to_string(seconds));
    std::vector<Opening> wanted;
    for (const auto& host : hosts) {
      const Target target = target_of(host);
      const std::string zone = local::text(host, "zone");
      const auto role = firewalls.role_at(zone, target.address);
      if (!role)
        throw Failed("denied/access.public.unknown",
                     "the platform placed no host at " + target.address);
      if (is_database(*role))
        throw Failed("denied/access.public.database",
                     target.name + " has the role " + *role + ": a database is never opened");
      for (const auto& source : sources)
        wanted.push_back(opening_of(call, zone, source, target, seconds, reason));
    }
    return wanted;
  }

  void narrow_enough(const std::string& source) const {
    const int64_t widest =
        config_.value("widest", int64_t{32}) + (source.find(':') == std::string::npos ? 0 : 96);
    if (prefix_of(source) < widest)
      throw Failed("denied/access.public.source", source + " is wider than /" +
                                                      std::to_string(widest) +
                                                      ", the widest that may be let in here");
  }

  Opening opening_of(const Call& call, const std::string& zone, const std::string& source,
                     const Target& target, int64_t seconds, const std::string& reason) const {
    const json about = json::parse(call.about());
    Opening opening{"", zone, source, target.address, target.port, seconds, {}};
    opening.labels = {{"mode", mode},
                      {"lane", local::text(about, "lane")},
                      {"run", local::text(about, "run")},
                      {"step", local::text(about, "step")},
                      {"key", local::text(about, "key")},
                      {"fencing_token", std::to_string(about.value("fencing_token", int64_t{0}))},
                      {"reason", reason.substr(0, 200)}};
    // One name for an intent: a repetition opens nothing twice.
    uint64_t hash = 14695981039346656037u;  // FNV-1a: a name, not a promise
    for (const char c : local::text(about, "key") + "\n" + source + "\n" + target.address + "\n" +
                            std::to_string(target.port))
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
    opening.name = std::string("pe-") + digits;
    return opening;
  }

  // A host that cannot be asked now is closed by the time it was given.
  void close_quietly(const Firewalls& firewalls, const Opening& opening) const {
    try {
      firewalls.close(opening);
    } catch (const Failed& failed) {
      host_.log(2, "could not close " + opening.name + " again: " + failed.what());
    }
  }

  int64_t end_of(int64_t remaining_s) const { return host_.wall_ms() + remaining_s * 1000; }

  Host host_;
  json config_;
  Patience patience_;
};

}  // namespace
}  // namespace hyops::access

HYOPS_PLUGIN("hyops.access.public-ephemeral", "1.0.0", hyops::access::PublicEphemeral,
             hyops::sdk::Access<hyops::access::PublicEphemeral>)
