// One login proves all: ssh says on the way at which stage it stopped.
#include "proof.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace hyops::access {
namespace {

using sdk::Failed;

constexpr size_t load_bytes = 16'384;  // some full packets of any usual size
constexpr int64_t grace_ms = 5'000;    // for the login itself, once it is connected

bool all_of(const std::string& text, const char* more) {
  return !text.empty() && text.size() <= 253 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::strchr(more, c);
         });
}

bool says(const std::string& output, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* each) { return output.find(each) != std::string::npos; });
}

// "ssh-ed25519 AAAA... comment" -> "ssh-ed25519 AAAA..."
std::string without_comment(const std::string& line) {
  std::istringstream words(line);
  std::string type, key;
  words >> type >> key;
  return type + " " + key;
}

std::string where(const Target& target) {
  return target.address + " port " + std::to_string(target.port);
}

json log_in(const sdk::Host& core, const Target& target, int64_t timeout_ms,
            const std::string& command, const std::string& load) {
  json argv = ssh_to(target, timeout_ms);
  for (const std::string& word : {std::string("--"), target.address, command}) argv.push_back(word);
  json request{{"argv", argv},
               {"files", {{"known_hosts", known_host(target)}}},
               {"timeout_ms", timeout_ms + grace_ms}};
  if (!load.empty()) request["in"] = load;
  return json::parse(core.exec(request.dump()).json);
}

bool went_well(const json& done) {
  return done.value("code", -1) == 0 && done.value("signal", 0) == 0;
}

// Nanoseconds or, from a date(1) that knows no %N, seconds.
int64_t stamp_ms(const std::string& line) {
  const int64_t number = std::strtoll(line.c_str(), nullptr, 10);
  return number > 1'000'000'000'000'000'000 ? number / 1'000'000 : number * 1000;
}

// The host is itself and lets us in; is it whole, and does it know what time it is?
Proof judged(Proof proof, const Target& target, const std::string& out, const std::string& load,
             int64_t began_ms, int64_t ended_ms, int64_t max_skew_ms) {
  const size_t line = out.find('\n');
  if (line == out.npos || out.compare(line + 1, out.npos, load) != 0) {
    proof.code = "unavailable/access.mtu";
    proof.message = target.name + " (" + where(target) + "): what was sent came back changed";
    return proof;
  }
  proof.mtu = true;
  // It was read somewhere between: off by half of the time at most, in our favour.
  const int64_t there = stamp_ms(out);
  proof.skew_ms = there < began_ms ? there - began_ms : there > ended_ms ? there - ended_ms : 0;
  proof.clock = max_skew_ms == 0 || std::abs(proof.skew_ms) <= max_skew_ms;
  if (!proof.clock) {
    proof.code = "conflict/access.clock";
    proof.message = target.name + " (" + where(target) + "): its clock is " +
                    std::to_string(proof.skew_ms) + " ms off ours";
  }
  return proof;
}

}  // namespace

std::string text(const json& object, const char* key, const std::string& fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

Target target_of(const json& host) {
  Target target{text(host, "name"), text(host, "address"), text(host, "user", "root"),
                text(host, "host_key"), static_cast<int>(host.value("port", 22))};
  if (!all_of(target.address, ".:-") || !all_of(target.user, "_-.") || target.port < 1 ||
      target.port > 65535)
    throw Failed("invalid/access.host", "the host \"" + target.name.substr(0, 64) +
                                            "\" has no usable address, user or port");
  if (target.host_key.empty() || target.host_key.find('\n') != std::string::npos)
    throw Failed("denied/access.host_key.missing",
                 target.name + " came without the key captured at its creation");
  target.host_key = without_comment(target.host_key);
  return target;
}

std::vector<std::string> ssh_to(const Target& target, int64_t timeout_ms) {
  return {"ssh",
          "-F",
          "none",
          "-o",
          "BatchMode=yes",
          "-o",
          "StrictHostKeyChecking=yes",
          "-o",
          "UserKnownHostsFile={known_hosts}",
          "-o",
          "GlobalKnownHostsFile=none",
          "-o",
          "UpdateHostKeys=no",
          "-o",
          "IdentitiesOnly=yes",
          "-o",
          "IdentityAgent=none",
          "-o",
          "ConnectTimeout=" + std::to_string(std::max<int64_t>(1, timeout_ms / 1000)),
          "-o",
          "HostKeyAlgorithms=" + target.host_key.substr(0, target.host_key.find(' ')),
          "-i",
          "{identity_file}",
          "-p",
          std::to_string(target.port),
          "-l",
          target.user};
}

std::string known_host(const Target& target) {
  const std::string known_as = target.port == 22
                                   ? target.address
                                   : "[" + target.address + "]:" + std::to_string(target.port);
  return known_as + " " + target.host_key + "\n";
}

Proof explained(const Target& target, const std::string& said, const std::string& whose) {
  Proof proof;
  const auto no = [&](const char* kind, const char* what, const std::string& sentence) {
    proof.code = std::string(kind) + "/" + whose + "." + what;
    proof.message = target.name + " (" + target.address + "): " + sentence;
    return proof;
  };
  const std::string at = where(target);
  if (says(said, {"connect to host"}) && !says(said, {"refused", "reset"}))
    return no("unavailable", "route", "no route to " + at + ", or something drops it");
  proof.route = true;
  if (says(said, {"connect to host", "banner exchange", "kex_exchange_identification"}))
    return no("unavailable", "port", "nothing answers at " + at);
  proof.port = true;
  if (says(said, {"verification failed", "IDENTIFICATION HAS CHANGED", "no matching host key"}))
    return no("denied", "host_key.changed",
              "it shows another host key than the one captured at its creation");
  if (says(said, {"timed out"})) {
    proof.port = true;
    return no("unavailable", "mtu",
              "it answers at " + at + ", but full-size packets do not come through");
  }
  proof.host_key = true;
  if (says(said, {"Permission denied", "Too many authentication"}))
    return no("denied", "login", "it does not let " + target.user + " in with the runner's key");
  proof.host_key = false;
  return no("unavailable", "port", "the login ended early: " + said.substr(0, 200));
}

Proof prove(const sdk::Host& core, const Target& target, const Demand& demand) {
  const std::string load(load_bytes, 'm');
  json done;
  const int64_t began_ms = core.wall_ms();
  try {
    done = log_in(core, target, demand.timeout_ms, "date +%s%N; exec cat", load);
  } catch (const Failed& failed) {
    if (failed.code.find("process.deadline") == std::string::npos) throw;
    // Small packets come through, and then it stands still?
    done = log_in(core, target, demand.timeout_ms, "true", "");
    if (!went_well(done)) return explained(target, text(done, "err"));
    Proof proof;
    proof.route = proof.port = proof.host_key = proof.login = true;
    proof.code = "unavailable/access.mtu";
    proof.message = target.name + " (" + where(target) +
                    "): a login comes through, but full-size packets do not";
    return proof;
  }
  if (!went_well(done)) return explained(target, text(done, "err"));
  Proof proof;
  proof.route = proof.port = proof.host_key = proof.login = true;
  return judged(proof, target, text(done, "out"), load, began_ms, core.wall_ms(),
                demand.max_skew_ms);
}

Patience patience_of(const json& settings) {
  return {settings.value("patience", int64_t{20'000}),
          settings.value("connect_timeout", int64_t{10'000}),
          settings.value("max_clock_skew", int64_t{0})};
}

Demand demand_of(const sdk::Call& call, const Patience& patience) {
  return {std::clamp<int64_t>(call.deadline_ms(), 1000, patience.timeout_ms), patience.max_skew_ms};
}

Proof prove_patiently(const sdk::Host& core, sdk::Call& call, const Target& target,
                      const Patience& patience) {
  const int64_t until = core.mono_ms() + patience.patience_ms;
  for (;;) {
    Proof proof = prove(core, target, demand_of(call, patience));
    if (proof.proven() || !proof.may_come() || core.mono_ms() >= until) return proof;
    if (call.wait(250))
      throw Failed("cancelled/access.cancelled", "told to stop while waiting for " + target.name);
  }
}

json shown(const std::string& name, const Proof& proof) {
  return {{"name", name},         {"route", proof.route},
          {"port", proof.port},   {"host_key", proof.host_key},
          {"login", proof.login}, {"mtu", proof.mtu},
          {"clock", proof.clock}, {"skew_ms", proof.skew_ms},
          {"why", proof.message}};
}

json prove_all(const sdk::Host& core, const sdk::Call& call, const json& hosts,
               const Patience& patience) {
  json out = json::array();
  for (const auto& host : hosts)
    out.push_back(
        shown(text(host, "name"), prove(core, target_of(host), demand_of(call, patience))));
  return {{"hosts", out}};
}

json endpoint_of(const Target& target, int64_t expires_ms, int64_t outage_ms) {
  json endpoint{{"name", target.name}, {"address", target.address},   {"port", target.port},
                {"user", target.user}, {"host_key", target.host_key}, {"expires_ms", expires_ms}};
  if (outage_ms > 0) endpoint["outage_ms"] = outage_ms;
  return endpoint;
}

json hosts_of(std::string_view document) {
  json hosts = json::parse(document).value("hosts", json::array());
  if (!hosts.is_array() || hosts.empty())
    throw Failed("invalid/access.hosts", "there are no hosts to reach");
  return hosts;
}

}  // namespace hyops::access
