#include "engine/fence.hpp"

#include <algorithm>
#include <array>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "engine/admission.hpp"
#include "engine/window.hpp"

namespace hyops::engine {
namespace {

constexpr std::array kinds{"network-isolated", "host-powered-off", "repository-revoked",
                           "primary-stopped", "loss-accepted"};
constexpr int64_t clock_slack_ms = 5'000;  // between two looks at one machine's clock

Failure malformed(const std::string& why) {
  return fail("engine.fence.malformed", "this is no proof of a fence: " + why);
}

bool names_something(const Json& subject) {
  if (!subject.is_object()) return false;
  const Json hosts = subject.value("hosts", Json::array());
  const bool each = hosts.is_array() &&
                    std::all_of(hosts.begin(), hosts.end(),
                                [](const Json& one) { return !get_string(one, "name").empty(); });
  return each && (!get_string(subject, "zone").empty() || !hosts.empty());
}

// A host is known by its name. Who fenced it through a tunnel knows no address but the tunnel's end
// at the runner, which says nothing; any other does.
bool is_host(const Json& fenced, const Json& host) {
  const std::string name = get_string(fenced, "name"), address = get_string(fenced, "address");
  const bool loopback = address.starts_with("127.") || address == "::1";
  return (!name.empty() && name == get_string(host, "name")) ||
         (!address.empty() && !loopback && address == get_string(host, "address"));
}

// What tool and proof have in common.
Status check_claim(const Json& claim, const FenceContext& context) {
  const std::string kind = get_string(claim, "kind");
  if (!is_fence_kind(kind)) return malformed("\"" + printable(kind, 60) + "\" is no kind of fence");
  if (!claim.contains("subject") || !names_something(claim["subject"]))
    return malformed("it does not say what is fenced");
  if (get_string(claim, "by").empty()) return malformed("it does not say who fenced");
  const std::string evidence = get_string(claim, "evidence");
  if (evidence.empty()) return malformed("it holds no evidence");
  if (kind != "loss-accepted") return {};
  auto held = parse_json(evidence, "the acceptance of loss", 65536);
  if (!held || !held->is_object()) return malformed("its evidence is no signed acceptance of loss");
  auto origin = origin_digest(context.plan);
  if (!origin) return pass(origin);
  const trust::AcceptanceNeed need{context.plan.lane, get_string(claim["subject"], "zone"),
                                   *origin};
  const trust::SignedDocument acceptance{"acceptance", get_string(*held, "document"),
                                         get_string(*held, "signature")};
  auto good = open_by_both_clocks(context.now_ms, context.clock_set_ms, [&](int64_t now_ms) {
    return trust::check_acceptance(acceptance, need, context.lane, now_ms);
  });
  if (!good) return pass(good);
  return {};
}

}  // namespace

bool is_fence_kind(std::string_view kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

Result<std::string> make_proof(const std::string& claim, const std::string& step,
                               const FenceContext& context) {
  auto said = parse_json(claim, "the proof of a fence", 65536);
  if (!said || !said->is_object()) return malformed("it is no JSON object");
  if (auto good = check_claim(*said, context); !good) return pass(good);
  auto origin = origin_digest(context.plan);
  if (!origin) return pass(origin);
  return canonical({{"proof", 1},
                    {"kind", get_string(*said, "kind")},
                    {"subject", (*said)["subject"]},
                    {"by", get_string(*said, "by")},
                    {"evidence", get_string(*said, "evidence")},
                    {"lane", context.plan.lane},
                    {"origin", *origin},
                    {"run", context.run},
                    {"step", step},
                    {"observed_ms", context.now_ms}});
}

Status check_proof(const std::string& proof, const FenceContext& context) {
  auto said = parse_json(proof, "the proof of a fence", 131072);
  if (!said || !said->is_object() || get_int(*said, "proof") != 1)
    return malformed("it is no proof that this version makes");
  auto origin = origin_digest(context.plan);
  if (!origin) return pass(origin);
  const auto* fence = context.plan.find(get_string(*said, "step"));
  const char* other = get_string(*said, "lane") != context.plan.lane     ? "lane"
                      : get_string(*said, "origin") != *origin           ? "decision"
                      : get_string(*said, "run") != context.run          ? "run"
                      : !fence || fence->phase != contract::Phase::fence ? "step"
                                                                         : nullptr;
  if (other)
    return fail("engine.fence.foreign",
                std::string("the proof of a fence is of another ") + other + " (L12)");
  const int64_t age = context.now_ms - get_int(*said, "observed_ms"),
                limit = get_int(context.plan.policy, "proof_age_ms");
  if (age > limit || age < -clock_slack_ms)
    return fail("engine.fence.stale",
                age < 0 ? "the proof of a fence is from the future: the clock was set back"
                        : "the fence was last seen " + show_duration(age) +
                              " ago, and a look may be no older than " + show_duration(limit) +
                              " (L1)");
  return check_claim(*said, context);
}

Status check_cover(const std::string& proof, const Json& hosts) {
  const auto said = parse_json(proof, "the proof of a fence", 131072);
  Json subject = Json::object();
  if (said && said->is_object() && said->contains("subject")) subject = (*said)["subject"];
  const std::string zone = get_string(subject, "zone");
  const Json fenced = subject.is_object() ? subject.value("hosts", Json::array()) : Json::array();
  if (hosts.is_null()) return {};
  for (const auto& one : hosts.is_array() ? hosts : Json::array({hosts})) {
    const Json host = one.is_string() ? Json{{"address", one}} : one;
    const bool in_zone = !zone.empty() && zone == get_string(host, "zone");
    if (in_zone || std::any_of(fenced.begin(), fenced.end(),
                               [&](const Json& other) { return is_host(other, host); }))
      continue;
    const std::string name = get_string(host, "name"), address = get_string(host, "address");
    return fail("engine.fence.uncovered", "nothing proves that " +
                                              printable(name.empty() ? address : name, 120) +
                                              " is fenced, and it could still take writes (L12)");
  }
  return {};
}

}  // namespace hyops::engine
