// What a decision must be before anything moves: every refusal by its code, every edge of its
// window.
#include <functional>

#include "support.hpp"

using namespace hyops;
using namespace hyops::trust;

namespace {

std::string check(const People& people, const Decision& decision, int64_t now = noon) {
  const std::string text = to_document(decision).value();
  return said(check_decision(text, people.decider.sign(text, "").value(), people.lane, now));
}

Json members() { return Json::parse(to_document(good_decision()).value()); }

std::string parsed_decision(const Json& document) { return said(parse_decision(document.dump())); }

}  // namespace

TEST(Decision, comes_back_as_it_was_written_and_is_one_canonical_line) {
  const std::string text = to_document(good_decision()).value();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto again = parse_decision(text);
  ASSERT_TRUE(again);
  EXPECT_EQ(to_document(*again).value(), text);
  EXPECT_EQ(digest_of(text), digest_of_json(Json::parse(text)).value());
  EXPECT_EQ(again->signals, good_decision().signals);
}

TEST(Decision, signed_by_a_decider_for_this_lane_epoch_and_time_is_good) {
  const People people;
  EXPECT_EQ(check(people, good_decision()), "ok");
}

TEST(Decision, is_good_from_its_issue_on_and_no_more_at_its_expiry) {
  const People people;
  const auto decision = good_decision();
  EXPECT_EQ(check(people, decision, decision.issued_ms - 1), "trust.decision.not_yet");
  EXPECT_EQ(check(people, decision, decision.issued_ms), "ok");
  EXPECT_EQ(check(people, decision, decision.expires_ms - 1), "ok");
  EXPECT_EQ(check(people, decision, decision.expires_ms), "trust.decision.expired");
  EXPECT_EQ(check(people, decision, INT64_MIN), "trust.decision.not_yet");
  EXPECT_EQ(check(people, decision, INT64_MAX), "trust.decision.expired");
}

TEST(Decision, of_another_lane_or_epoch_or_that_says_hold_is_refused) {
  const People people;
  auto decision = good_decision();
  decision.lane = "prod";
  EXPECT_EQ(check(people, decision), "trust.decision.lane");
  for (const int64_t epoch : {0, 2, 4}) {
    decision = good_decision();
    decision.epoch = epoch;
    EXPECT_EQ(check(people, decision), "trust.decision.epoch");
  }
  decision = good_decision();
  decision.type = "hold";
  decision.repository.clear();
  decision.signals.clear();
  EXPECT_EQ(check(people, decision), "trust.decision.hold");
}

TEST(Decision, that_no_decider_signed_is_refused_before_it_is_read) {
  People people;
  const std::string text = to_document(good_decision()).value();
  const auto by = [&](const SecretKey& key) {
    return said(check_decision(text, key.sign(text, "").value(), people.lane, noon));
  };
  EXPECT_EQ(by(people.stranger), "trust.decision.signature");
  EXPECT_EQ(by(people.alice), "trust.decision.signature") << "an approver does not decide";
  EXPECT_EQ(said(check_decision(text, "", people.lane, noon)), "trust.decision.signature");
  EXPECT_EQ(said(check_decision("{", people.decider.sign(text, "").value(), people.lane, noon)),
            "trust.decision.signature");
  EXPECT_EQ(said(check_decision("{", people.decider.sign("{", "").value(), people.lane, noon)),
            "trust.decision.malformed");
  people.lane.deciders.clear();
  EXPECT_EQ(by(people.decider), "trust.decision.signature");
}

TEST(Decision, with_a_member_missing_added_or_of_another_type_is_malformed) {
  const Json good = members();
  ASSERT_EQ(parsed_decision(good), "ok");
  for (const auto& [name, value] : good.items()) {
    Json without = good;
    without.erase(name);
    EXPECT_EQ(parsed_decision(without), "trust.decision.malformed") << name << " missing";
    for (const Json& other :
         {Json(nullptr), Json::array({1}), Json(1.5), Json(-1), Json(UINT64_MAX),
          Json(std::string(70'000, 'x')), Json("\x1b[2J"), Json{{"x", 1}}}) {
      Json changed = good;
      changed[name] = other;
      EXPECT_NE(parsed_decision(changed), "ok") << name << " = " << other.dump().substr(0, 40);
    }
  }
  Json more = good;
  more["execute"] = "now";
  EXPECT_EQ(parsed_decision(more), "trust.decision.malformed");
}

TEST(Decision, with_a_value_out_of_range_is_malformed) {
  const auto with = [&](const char* name, Json value) {
    Json changed = members();
    changed[name] = std::move(value);
    return parsed_decision(changed);
  };
  EXPECT_EQ(with("decision", 2), "trust.decision.malformed");
  EXPECT_EQ(with("type", "failsideways"), "trust.decision.type");
  EXPECT_EQ(with("type", ""), "trust.decision.type");
  EXPECT_EQ(with("lane", "../prod"), "trust.decision.malformed");
  EXPECT_EQ(with("target", ""), "trust.decision.malformed");
  EXPECT_EQ(with("rationale", ""), "trust.decision.malformed");
  EXPECT_EQ(with("rationale", std::string(4097, 'x')), "trust.decision.malformed");
  EXPECT_EQ(with("rationale", std::string(4096, 'x')), "ok");
  EXPECT_EQ(with("repository", ""), "trust.decision.malformed");
  EXPECT_EQ(with("dr_mode", ""), "ok");
  EXPECT_EQ(with("issued_ms", noon + 30 * minute), "trust.decision.malformed");
  EXPECT_EQ(with("expires_ms", noon), "trust.decision.malformed");
  EXPECT_EQ(with("expires_ms", 253'402'300'799'999), "ok");
  EXPECT_EQ(with("expires_ms", 253'402'300'800'000), "trust.decision.malformed");
  EXPECT_EQ(with("expires_ms", Json(18'446'744'073'709'551'615u)), "trust.decision.malformed");
  EXPECT_EQ(with("nonce", "short"), "trust.decision.malformed");
  EXPECT_EQ(with("nonce", std::string(129, 'a')), "trust.decision.malformed");
  EXPECT_EQ(with("nonce", "0123456789abcde/"), "trust.decision.malformed");
  EXPECT_EQ(with("policy", "sha256:abc"), "trust.decision.malformed");
  EXPECT_EQ(with("policy", "sha256:" + std::string(64, 'A')), "trust.decision.malformed");
  EXPECT_EQ(with("signals", Json::object()), "trust.decision.malformed");
  EXPECT_EQ(with("signals", Json{{"x", "no digest"}}), "trust.decision.malformed");
  EXPECT_EQ(with("signals", Json{{"", digest_of("x")}}), "trust.decision.malformed");
}

TEST(Decision, spelled_in_another_way_is_malformed) {
  const std::string text = to_document(good_decision()).value();
  EXPECT_EQ(said(parse_decision(text + "\n")), "trust.decision.malformed");
  EXPECT_EQ(said(parse_decision(" " + text)), "trust.decision.malformed");
  EXPECT_EQ(said(parse_decision(members().dump(1))), "trust.decision.malformed");
  EXPECT_EQ(said(parse_decision("{\"lane\":\"prod\"," + text.substr(1))),
            "trust.decision.malformed");
  EXPECT_EQ(said(parse_decision("")), "trust.decision.malformed");
  EXPECT_EQ(said(parse_decision("null")), "trust.decision.malformed");
  EXPECT_EQ(said(parse_decision("[]")), "trust.decision.malformed");
  EXPECT_EQ(said(parse_decision(std::string(100'000, '['))), "trust.decision.malformed");
  EXPECT_EQ(said(parse_decision(std::string(10u << 20, ' '))), "trust.decision.malformed");
}

TEST(Decision, that_could_not_be_read_is_not_written_either) {
  auto decision = good_decision();
  decision.rationale = "broken \xff text";
  EXPECT_FALSE(to_document(decision));
  decision = good_decision();
  decision.policy.clear();
  EXPECT_EQ(said(to_document(decision)), "trust.decision.malformed");
}
