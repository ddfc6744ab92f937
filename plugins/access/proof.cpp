// Two questions to the host: ssh-keyscan shows which key it has, ssh whether it lets us in.
#include "proof.hpp"

#include <algorithm>
#include <sstream>

namespace hyops::access {
namespace {

using sdk::Failed;

bool all_of(const std::string& text, const char* more) {
  return !text.empty() && text.size() <= 253 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::strchr(more, c);
         });
}

std::string text(const json& object, const char* key, const std::string& fallback = {}) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

bool says(const std::string& output, const char* words) {
  return output.find(words) != std::string::npos;
}

// "ssh-ed25519 AAAA... comment" -> "ssh-ed25519 AAAA..."
std::string without_comment(const std::string& line) {
  std::istringstream words(line);
  std::string type, key;
  words >> type >> key;
  return type + " " + key;
}

// What ssh-keyscan calls the types of keys.
std::string scan_type(const std::string& key) {
  if (key.rfind("ssh-ed25519 ", 0) == 0) return "ed25519";
  if (key.rfind("ecdsa-", 0) == 0) return "ecdsa";
  if (key.rfind("ssh-rsa ", 0) == 0) return "rsa";
  throw Failed("denied/access.host_key.missing",
               "the pinned key is of no type that is known: " + key.substr(0, 40));
}

// The key the host shows, without a comment; empty where it showed none (ssh-keyscan does not say
// why).
std::string shown_key(const sdk::Host& core, const Target& target, int64_t timeout_ms) {
  const auto seconds = std::to_string(std::max<int64_t>(1, timeout_ms / 1000));
  const json request{{"argv",
                      {"ssh-keyscan", "-T", seconds, "-p", std::to_string(target.port), "-t",
                       scan_type(target.host_key), target.address}},
                     {"timeout_ms", timeout_ms + 2000}};
  const json done = json::parse(core.exec(request.dump()).json);
  std::istringstream lines(text(done, "out"));
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.find(' ');
    if (!line.empty() && line[0] != '#' && space != std::string::npos)
      return without_comment(line.substr(space + 1));
  }
  return {};
}

// One login that does nothing, to a host that shows the pinned key and to no other.
json log_in(const sdk::Host& core, const Target& target, int64_t timeout_ms) {
  const std::string known_as = target.port == 22
                                   ? target.address
                                   : "[" + target.address + "]:" + std::to_string(target.port);
  const json request{{"argv",
                      {"ssh",
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
                       target.user,
                       "--",
                       target.address,
                       "true"}},
                     {"files", {{"known_hosts", known_as + " " + target.host_key + "\n"}}},
                     {"timeout_ms", timeout_ms + 2000}};
  return json::parse(core.exec(request.dump()).json);
}

}  // namespace

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

Proof prove(const sdk::Host& core, const Target& target, int64_t timeout_ms) {
  Proof proof;
  const auto no = [&](std::string code, std::string message) {
    proof.code = std::move(code);
    proof.message = target.name + " (" + target.address + "): " + std::move(message);
    return proof;
  };
  const std::string at = target.address + " port " + std::to_string(target.port);
  const std::string shown = shown_key(core, target, timeout_ms);
  if (shown.empty()) {
    const std::string why = text(log_in(core, target, timeout_ms), "err");
    proof.route = says(why, "refused") || says(why, "reset") || says(why, "closed");
    return proof.route
               ? no("unavailable/access.port", "nothing answers at " + at)
               : no("unavailable/access.route", "no route to " + at + ", or something drops it");
  }
  proof.route = proof.port = true;
  if (shown != target.host_key)
    return no("denied/access.host_key.changed",
              "it shows another host key than the one captured at its creation");
  proof.host_key = true;

  const json done = log_in(core, target, timeout_ms);
  const std::string printed = text(done, "err");
  if (done.value("code", -1) == 0 && done.value("signal", 0) == 0) {
    proof.login = true;
    return proof;
  }
  if (says(printed, "Host key verification failed") ||
      says(printed, "IDENTIFICATION HAS CHANGED")) {
    proof.host_key = false;
    return no("denied/access.host_key.changed",
              "it showed another host key at login than a moment before");
  }
  if (says(printed, "Permission denied"))
    return no("denied/access.login",
              "it does not let " + target.user + " in with the runner's key");
  return no("unavailable/access.port", "the login ended early: " + printed.substr(0, 200));
}

Proof prove_patiently(const sdk::Host& core, sdk::Call& call, const Target& target,
                      const Patience& patience) {
  const int64_t until = core.mono_ms() + patience.patience_ms;
  for (;;) {
    Proof proof = prove(core, target, time_for_one(call, patience));
    if (proof.proven() || !proof.may_come() || core.mono_ms() >= until) return proof;
    if (call.wait(250))
      throw Failed("cancelled/access.cancelled", "told to stop while waiting for " + target.name);
  }
}

int64_t time_for_one(const sdk::Call& call, const Patience& patience) {
  return std::clamp<int64_t>(call.deadline_ms(), 1000, patience.timeout_ms);
}

json prove_all(const sdk::Host& core, const sdk::Call& call, const json& hosts,
               const Patience& patience) {
  json out = json::array();
  for (const auto& host : hosts) {
    const Proof proof = prove(core, target_of(host), time_for_one(call, patience));
    out.push_back({{"name", text(host, "name")},
                   {"route", proof.route},
                   {"port", proof.port},
                   {"host_key", proof.host_key},
                   {"login", proof.login},
                   {"why", proof.message}});
  }
  return {{"hosts", out}};
}

json endpoint_of(const Target& target, int64_t expires_ms) {
  return {{"name", target.name}, {"address", target.address},   {"port", target.port},
          {"user", target.user}, {"host_key", target.host_key}, {"expires_ms", expires_ms}};
}

json hosts_of(std::string_view document) {
  json hosts = json::parse(document).value("hosts", json::array());
  if (!hosts.is_array() || hosts.empty())
    throw Failed("invalid/access.hosts", "there are no hosts to reach");
  return hosts;
}

}  // namespace hyops::access
