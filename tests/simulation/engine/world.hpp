// The outside, as a recovery changes it: sites, hosts, sessions, databases, a repository and a
// name. It does what it is asked under an idempotency key, once, and remembers what must never
// happen.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "loop.hpp"

namespace hyops::simulation {

struct Request {
  std::string module, verb;  // verb: apply, release, open, close
  std::string run, step, key;
  Json inputs;
  int64_t token = 0;
};

inline Failure refusal(FailureClass kind, const std::string& why) {
  Error error;
  error.code = "model.refused";
  error.kind = kind;
  error.message = why;
  return Failure(std::move(error));
}

class World {
 public:
  explicit World(Loop& loop) : loop_(loop) {
    place("onprem", "db-onprem", "before");
    auto& home = hosts_.at("db-onprem");
    home.secrets = home.restored = home.promoted = home.verified = true;
    home.rows = 1000;
    home.timeline = 1;
    archived_ = 990;
    name_ = "db-onprem";
  }

  // What is broken for good, in sentences; the first one is the seed's finding.
  std::vector<std::string> broken;
  void must(bool holds, const std::string& what) {
    if (!holds) broken.push_back("[" + std::to_string(loop_.now_ms()) + " ms] " + what);
  }

  // The wall clock outside, which nobody steps.
  int64_t wall_ms() const { return epoch_ms + loop_.now_ms(); }

  // Does it, or says why not; what was done under a key is not done again.
  Result<Json> act(const Request& request) {
    if (request.token < newest_token_)
      return refusal(FailureClass::conflict, "the fencing token is an older one");
    newest_token_ = request.token;
    clients_write();
    const std::string effect = request.verb + " " + request.key;
    if (request.verb != "open" && request.verb != "close")
      if (const auto found = effects_.find(effect); found != effects_.end()) return found->second;
    auto outputs = change(request);
    if (outputs) effects_[effect] = *outputs;
    return outputs;
  }

  // What a read-only look finds; null: it did not happen.
  Json observe(const Request& request) const {
    if (request.verb == "open") {
      for (const auto& session : sessions_)
        if (session.key == request.key && is_open(session)) return endpoints(request, session);
      return {};
    }
    const auto found = effects_.find(request.verb + " " + request.key);
    return found == effects_.end() ? Json() : found->second;
  }
  bool happened(const std::string& key) const {
    return std::any_of(effects_.begin(), effects_.end(),
                       [&](const auto& effect) { return effect.first.ends_with(" " + key); });
  }

  // From now on something asked under this key may be done at any time.
  void expect_late(const std::string& key) { late_.insert(key); }
  bool may_come_late(const std::string& key) const { return late_.contains(key); }

  // Sessions that nobody closed and that have not run out, as `observe` of an access plugin tells.
  Json open_sessions() const {
    Json out = Json::array();
    for (const auto& session : sessions_)
      if (is_open(session))
        out.push_back({{"run", session.run},
                       {"key", session.key},
                       {"what", session.host},
                       {"fencing_token", session.token},
                       {"ends_ms", epoch_ms + session.until_ms}});
    return out;
  }
  bool is_open(const std::string& key) const {
    return std::any_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
      return session.key == key && is_open(session);
    });
  }
  bool has_sessions_of_others(const std::string& run) const {
    return std::any_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
      return session.run != run && is_open(session) && !may_come_late(session.key);
    });
  }

  Json host(const std::string& name) const { return host_json(name, hosts_.at(name).zone); }
  static Json host_json(const std::string& name, const std::string& zone) {
    static const std::string key =
        "ssh-ed25519 " +
        to_base64(std::string("\0\0\0\x0bssh-ed25519\0\0\0\x20", 19) + std::string(32, 'k'));
    return {{"name", name},
            {"zone", zone},
            {"address", zone == "cloud" ? "10.77.3.10" : "10.77.1.10"},
            {"user", "root"},
            {"port", 22},
            {"host_key", key}};
  }
  const std::string& name() const { return name_; }

 private:
  struct Host {
    std::string zone, key;
    bool live = true, secrets = false, restored = false, promoted = false, verified = false,
         fenced = false, armed = false;
    int64_t rows = 0, timeline = 0;
  };
  struct Session {
    std::string run, key, host;
    int64_t token = 0;
    int64_t until_ms = 0;  // on the loop's clock
    bool closed = false;
  };
  static constexpr int64_t session_ms = 30 * 60'000, epoch_ms = 1'700'000'000'000;

  bool is_open(const Session& session) const {
    return !session.closed && loop_.now_ms() < session.until_ms;
  }
  bool serves(const Host& host) const {
    return host.live && host.promoted && !host.fenced && !isolated_.contains(host.zone);
  }

  void clients_write() {
    const auto found = hosts_.find(name_);
    if (found == hosts_.end() || !serves(found->second) || !found->second.verified) return;
    found->second.rows += 3;
    if (found->second.armed) archived_ = found->second.rows - 1;
  }

  void place(const std::string& zone, const std::string& name, const std::string& key) {
    const auto known = hosts_.find(name);
    must(known == hosts_.end() || !known->second.live,
         "two live placements: " + name + " is placed a second time, under the key " + key);
    hosts_[name] = Host{zone, key};
  }

  Json endpoints(const Request& request, const Session& session) const {
    Json out = Json::array();
    for (const auto& host : request.inputs["hosts"])
      out.push_back({{"name", host["name"]},
                     {"address", host["address"]},
                     {"port", 22},
                     {"user", "root"},
                     {"host_key", host["host_key"]},
                     {"expires_ms", epoch_ms + session.until_ms}});
    return {{"endpoints", out}};
  }

  // What a fence hands over for the run to make its proof of (L12).
  static std::string claim(const char* kind, const Json& subject) {
    return Json{{"kind", kind}, {"subject", subject}, {"by", "the model"}, {"evidence", "it is so"}}
        .dump();
  }

  Result<Json> change(const Request& request) {
    const Json& in = request.inputs;
    if (request.module == "fence/site") {
      isolated_.insert(get_string(in, "zone"));
      return Json{{"proof", claim("network-isolated", {{"zone", get_string(in, "zone")}})}};
    }
    if (request.module == "fence/lift") {
      isolated_.erase(get_string(in, "zone"));
      return Json::object();
    }
    if (request.module == "egress/policy") return Json::object();
    if (request.module == "secrets/authority") return Json{{"version", "1"}};
    if (request.module == "egress/proof")
      return Json{{"proof", "as declared"},
                  {"reachable", Json::array()},
                  {"denied", Json::array()},
                  {"connections", Json::object()}};
    if (request.module == "compute/host") {
      place(get_string(in, "zone"), get_string(in, "name"), request.key);
      return Json{{"hosts", {host_json(get_string(in, "name"), get_string(in, "zone"))}}};
    }
    if (request.module == "compute/release") {
      for (const auto& host : in["hosts"]) hosts_[get_string(host, "name")].live = false;
      return Json::object();
    }
    if (request.module == "access/session") return session(request);
    if (request.module == "dns/ttl") return shorten_ttl(in);
    if (request.module == "dns/cutover") return cut_over(in);
    if (request.module == "publish/recovery-point") return published(in);
    return on_host(request);
  }

  Result<Json> session(const Request& request) {
    if (request.verb == "close") {
      for (auto& one : sessions_)
        if (one.key == request.key) one.closed = true;
      return Json::object();
    }
    for (const auto& one : sessions_)
      if (one.key == request.key && is_open(one)) return endpoints(request, one);
    const std::string host = get_string(request.inputs["hosts"][0], "name");
    if (!hosts_.contains(host) || !hosts_.at(host).live)
      return refusal(FailureClass::unavailable, host + " does not answer");
    sessions_.push_back(
        {request.run, request.key, host, request.token, loop_.now_ms() + session_ms, false});
    return endpoints(request, sessions_.back());
  }

  // What works on a host through the session that was opened to it.
  Result<Json> on_host(const Request& request) {
    const std::string name = get_string(request.inputs["hosts"][0], "name");
    if (!hosts_.contains(name) || !hosts_.at(name).live)
      return refusal(FailureClass::unavailable, name + " does not answer");
    if (std::none_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
          return session.run == request.run && session.host == name && is_open(session);
        }))
      return refusal(FailureClass::unavailable, "no session to " + name + " is open");
    Host& host = hosts_.at(name);
    if (request.module == "secrets/sync") {
      host.secrets = true;
      return Json{{"installed", {"repository-key"}}};
    }
    if (request.module == "postgresql/fence") {
      host.fenced = true;
      archived_ = host.rows;
      return Json{{"final_lsn", lsn(host.rows)},
                  {"final_wal", "000000020000000000000001"},
                  {"timeline", host.timeline},
                  {"highest_n", host.rows},
                  {"rows", host.rows},
                  {"proof", claim("primary-stopped", {{"hosts", {{{"name", name}}}}})}};
    }
    if (request.module == "postgresql/restore") {
      must(host.secrets, "E5: data is restored on " + name + " before its secrets are there");
      host.restored = true;
      host.rows = archived_;
      host.timeline = std::max<int64_t>(1, host.timeline);
      return Json{{"recovered_lsn", lsn(host.rows)},
                  {"recovered_at", ""},
                  {"last_archived", "000000010000000000000001"},
                  {"timeline", 1},
                  {"system_identifier", "7000000000000000001"}};
    }
    if (request.module == "postgresql/promote") {
      must(host.restored, "E4: " + name + " is promoted before it is restored");
      for (const auto& [other, about] : hosts_)
        must(other == name || !serves(about),
             "L12: " + name + " is promoted while " + other + " may serve, too");
      host.promoted = true;
      host.timeline = ++timelines_;
      return Json{{"timeline", host.timeline}, {"lsn", lsn(host.rows)}, {"promoted_at_ms", 1}};
    }
    if (request.module == "postgresql/verify") {
      if (!host.promoted) return refusal(FailureClass::invalid, name + " is no primary");
      const int64_t expected = get_int(request.inputs, "expected_rows");
      if (expected != 0 && expected != host.rows)
        return refusal(FailureClass::invalid, name + " lacks rows");
      host.verified = true;
      return Json{{"rows", host.rows},
                  {"highest_n", host.rows},
                  {"timeline", host.timeline},
                  {"lsn", lsn(host.rows)}};
    }
    if (request.module == "postgresql/rearm") {
      host.armed = true;
      return Json{{"timeline", host.timeline},
                  {"backup", "20260101-000000F"},
                  {"last_archived", "000000020000000000000002"},
                  {"stanza_upgraded", false}};
    }
    return refusal(FailureClass::invalid, "nobody knows " + request.module);
  }

  // L13: ahead of the move, so before anything is stopped.
  Result<Json> shorten_ttl(const Json& in) {
    const std::string name = get_string(in["expected"][0], "name");
    if (name_ != name) return refusal(FailureClass::conflict, "the name is not at " + name);
    must(!hosts_.at(name).fenced, "L13: " + name + " is fenced before the TTL is lowered");
    return Json{{"previous_ttl", 60}, {"forgotten_at_ms", wall_ms() + 60'000}};
  }

  // E4: the only thing that clients notice.
  Result<Json> cut_over(const Json& in) {
    const std::string name = get_string(in["target"][0], "name");
    const Host host = hosts_.contains(name) ? hosts_.at(name) : Host{};
    must(host.live && host.restored && host.promoted && host.verified,
         "E4: clients are sent to " + name + " before its data is restored, promoted and verified");
    must(host.secrets, "E5: clients are sent to " + name + " before its secrets are there");
    for (const auto& [other, about] : hosts_) {
      must(other == name || !serves(about),
           "L12: clients are sent to " + name + " while " + other + " may serve, too");
      must(other == name || !about.fenced || host.rows >= about.rows,
           "rows behind the barrier of " + other + " are lost");
    }
    const std::string before = name_;
    // A failback is planned, so it has an ahead; a failover has none.
    must(name != "db-onprem" || get_int(in, "forgotten_at_ms") > 0,
         "L13: the cutover of a failback does not know what caches were told before");
    name_ = name;
    return Json{{"address", in["target"][0]["address"]},
                {"previous", before},
                {"serial", 2},
                {"cut_over_at_ms", wall_ms()},
                {"laggards", Json::array()}};
  }

  Result<Json> published(const Json& in) {
    Json out{{"service", get_string(in, "name") + ":5432"}, {"published_at_ms", wall_ms()}};
    for (const char* same : {"lsn", "timeline", "highest_n", "backup", "cut_over_at_ms"})
      out[same] = in[same];
    return out;
  }

  static std::string lsn(int64_t rows) { return "0/" + std::to_string(rows); }

  Loop& loop_;
  std::map<std::string, Host> hosts_;
  std::set<std::string> isolated_, late_;
  std::vector<Session> sessions_;
  std::map<std::string, Json> effects_;  // "verb key" -> outputs
  std::string name_;                     // whom the clients' name points to
  int64_t archived_ = 0, timelines_ = 1, newest_token_ = 0;
};

}  // namespace hyops::simulation
