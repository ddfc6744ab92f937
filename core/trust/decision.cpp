#include "trust/decision.hpp"

#include <algorithm>
#include <array>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "trust/document.hpp"
#include "trust/keys.hpp"

namespace hyops::trust {
namespace {

constexpr std::array<std::string_view, 4> types = {"burst", "failover", "failback", "hold"};

void read_signals(Document& from, Decision& into) {
  const Json* signals = from.object("signals");
  if (!signals) return;
  if (signals->size() > 256) from.complain("it names more than 256 signals");
  for (const auto& [name, digest] : signals->items()) {
    if (name.empty() || name.size() > 128 || printable(name, 128) != name)
      return from.complain("a signal's name is empty, too long or has control characters");
    if (!digest.is_string() || !is_digest(digest.get_ref<const std::string&>()))
      return from.complain("the signal \"" + name + "\" has no digest (sha256:...)");
    into.signals[name] = digest.get<std::string>();
  }
}

}  // namespace

Result<std::string> to_document(const Decision& decision) {
  const Json members{{"decision", decision.version},
                     {"id", decision.id},
                     {"type", decision.type},
                     {"lane", decision.lane},
                     {"target", decision.target},
                     {"dr_mode", decision.dr_mode},
                     {"execution_plane", decision.execution_plane},
                     {"requires_approval", decision.requires_approval},
                     {"rationale", decision.rationale},
                     {"repository", decision.repository},
                     {"issued_ms", decision.issued_ms},
                     {"expires_ms", decision.expires_ms},
                     {"nonce", decision.nonce},
                     {"epoch", decision.epoch},
                     {"signals", Json(decision.signals)},
                     {"policy", decision.policy}};
  auto text = canonical(members);
  if (!text) return text;
  if (auto readable = parse_decision(*text); !readable)
    return pass(readable, "while writing a decision");
  return text;
}

Result<Decision> parse_decision(std::string_view document) {
  Document in(document, "the decision");
  Decision out;
  out.version = static_cast<int>(in.integer("decision", 1, 1));
  out.id = in.name("id");
  out.type = in.text("type", 64);
  out.lane = in.name("lane");
  out.target = in.name("target");
  out.dr_mode = in.name_or_empty("dr_mode");
  out.execution_plane = in.name("execution_plane");
  out.requires_approval = in.boolean("requires_approval");
  out.rationale = in.text("rationale", 4096);
  out.repository = in.text("repository", 256);
  out.issued_ms = in.integer("issued_ms", 0, max_time_ms);
  out.expires_ms = in.integer("expires_ms", 0, max_time_ms);
  out.nonce = in.nonce("nonce");
  out.epoch = in.integer("epoch", 0, max_exact_integer);
  read_signals(in, out);
  out.policy = in.digest("policy");
  if (out.rationale.empty()) in.complain("it gives no rationale");
  if (out.expires_ms <= out.issued_ms) in.complain("it expires before it is issued");
  if (out.type != "hold" && out.repository.empty()) in.complain("it declares no repository (E8)");
  if (out.type != "hold" && out.signals.empty())
    in.complain("it names no signal it came from (D3)");
  if (const auto problem = in.done())
    return fail("trust.decision.malformed", "the decision is malformed: " + *problem);
  if (std::find(types.begin(), types.end(), out.type) == types.end())
    return fail("trust.decision.type",
                "\"" + printable(out.type, 64) + "\" is no type of decision");
  return out;
}

Result<std::string> decider_of(std::string_view document, std::string_view signature,
                               const contract::Lane& lane) {
  std::vector<PublicKey> deciders;
  std::vector<std::string> names;
  for (const auto& [name, key] : lane.deciders)
    if (auto parsed = parse_public_key(key)) {
      deciders.push_back(std::move(*parsed));
      names.push_back(name);
    }
  auto signer = verify(document, signature, deciders);
  if (!signer)
    return fail("trust.decision.signature", "no decider of lane " + lane.name +
                                                " signed this decision: " + signer.error().message);
  for (size_t i = 0; i < names.size(); ++i)
    if (deciders[i].id == signer->key_id) return names[i];
  return fail("internal.defect", "a signature is good by a key that was not given");
}

Result<Decision> check_decision(std::string_view document, std::string_view signature,
                                const contract::Lane& lane, int64_t now_ms) {
  auto decider = decider_of(document, signature, lane);
  if (!decider) return pass(decider);

  auto decision = parse_decision(document);
  if (!decision) return decision;
  if (decision->lane != lane.name)
    return fail("trust.decision.lane",
                "the decision is for lane " + decision->lane + ", not " + lane.name);
  if (decision->epoch != lane.epoch)
    return fail("trust.decision.epoch",
                "the decision is of epoch " + std::to_string(decision->epoch) + "; lane " +
                    lane.name + " is in epoch " + std::to_string(lane.epoch));
  if (now_ms < decision->issued_ms)
    return fail("trust.decision.not_yet", "the decision is only good from " +
                                              to_rfc3339(decision->issued_ms) + " on; here it is " +
                                              to_rfc3339(now_ms));
  if (now_ms >= decision->expires_ms)
    return fail("trust.decision.expired", "the decision expired at " +
                                              to_rfc3339(decision->expires_ms) + "; it is " +
                                              to_rfc3339(now_ms));
  if (decision->type == "hold")
    return fail("trust.decision.hold", "the decision says hold: " + printable(decision->rationale));
  decision->decider = std::move(*decider);
  return decision;
}

}  // namespace hyops::trust
