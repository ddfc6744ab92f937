#include "trust/acceptance.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"
#include "trust/document.hpp"
#include "trust/keys.hpp"

namespace hyops::trust {

Result<std::string> to_document(const Acceptance& acceptance) {
  auto text = canonical({{"acceptance", acceptance.version},
                         {"approver", acceptance.approver},
                         {"lane", acceptance.lane},
                         {"zone", acceptance.zone},
                         {"decision", acceptance.decision},
                         {"reason", acceptance.reason},
                         {"from_ms", acceptance.from_ms},
                         {"until_ms", acceptance.until_ms},
                         {"nonce", acceptance.nonce}});
  if (!text) return text;
  if (auto readable = parse_acceptance(*text); !readable)
    return pass(readable, "while writing an acceptance of loss");
  return text;
}

Result<Acceptance> parse_acceptance(std::string_view document) {
  Document in(document, "the acceptance of loss");
  Acceptance out;
  out.version = static_cast<int>(in.integer("acceptance", 1, 1));
  out.approver = in.name("approver");
  out.lane = in.name("lane");
  out.zone = in.name("zone");
  out.decision = in.digest("decision");
  out.reason = in.text("reason", 1024);
  out.from_ms = in.integer("from_ms", 0, max_time_ms);
  out.until_ms = in.integer("until_ms", 0, max_time_ms);
  out.nonce = in.nonce("nonce");
  if (out.reason.find_first_not_of(' ') == std::string::npos) in.complain("it gives no reason");
  if (out.until_ms <= out.from_ms) in.complain("it ends before it begins");
  if (auto problem = in.done())
    return fail("trust.acceptance.malformed",
                "this is no acceptance of loss: " + printable(*problem, 300));
  return out;
}

Result<Acceptance> check_acceptance(const SignedDocument& document, const AcceptanceNeed& need,
                                    const contract::Lane& lane, int64_t now_ms) {
  auto acceptance = parse_acceptance(document.document);
  if (!acceptance) return acceptance;
  const std::string who = "the acceptance of loss by " + acceptance->approver;
  const auto known = lane.approvers.find(acceptance->approver);
  if (known == lane.approvers.end())
    return fail("trust.acceptance.unknown_approver",
                acceptance->approver + " is no approver of lane " + lane.name);
  auto key = parse_public_key(known->second);
  if (!key) return pass(key, "the key of approver " + acceptance->approver);
  if (auto good = verify(document.document, document.signature, {*key}); !good)
    return fail("trust.acceptance.signature",
                who + " is not signed by that person's key: " + good.error().message);
  const auto other = [&](const char* what, const std::string& said, const std::string& wanted) {
    return fail("trust.acceptance.other",
                who + " is for " + what + " " + said + ", not " + printable(wanted, 80));
  };
  if (acceptance->lane != need.lane) return other("lane", acceptance->lane, need.lane);
  if (acceptance->zone != need.zone) return other("zone", acceptance->zone, need.zone);
  if (acceptance->decision != need.decision)
    return other("decision", acceptance->decision, need.decision);
  if (now_ms < acceptance->from_ms)
    return fail("trust.acceptance.not_yet",
                who + " is only good from " + to_rfc3339(acceptance->from_ms) + " on");
  if (now_ms >= acceptance->until_ms)
    return fail("trust.acceptance.expired",
                who + " expired at " + to_rfc3339(acceptance->until_ms));
  return acceptance;
}

}  // namespace hyops::trust
