// Who may say yes to what: every way an approval does not count, and the quorum (L11).
#include "support.hpp"

using namespace hyops;
using namespace hyops::trust;

namespace {

Approval good_approval(const std::string& approver = "alice") {
  Approval out;
  out.approver = approver;
  out.decision = digest_of("decision");
  out.plan = digest_of("plan");
  out.lane = "drill";
  out.blast_radius = digest_of("blast radius");
  out.cost_cap_micro = 5'000'000;
  out.from_ms = noon;
  out.until_ms = noon + hour;
  out.nonce = "0123456789abcdef";
  return out;
}

ApprovalNeed need(int required = 1) {
  ApprovalNeed out;
  out.decision = digest_of("decision");
  out.plan = digest_of("plan");
  out.lane = "drill";
  out.blast_radius = digest_of("blast radius");
  out.cost_micro = 5'000'000;
  out.required = required;
  out.requesters = {"operator"};
  return out;
}

SignedDocument by(const SecretKey& key, const Approval& approval) {
  const std::string text = to_document(approval).value();
  return {approval.approver + ".json", text, key.sign(text, "").value()};
}

std::string check(const People& people, const std::vector<SignedDocument>& documents,
                  const ApprovalNeed& wanted = need(), int64_t now = noon) {
  return said(check_approvals(documents, wanted, people.lane, now));
}

std::string parsed_approval(const Json& document) { return said(parse_approval(document.dump())); }

}  // namespace

TEST(Approval, of_this_plan_by_an_approver_in_its_window_counts) {
  const People people;
  const auto good = check_approvals({by(people.alice, good_approval())}, need(), people.lane, noon);
  ASSERT_EQ(said(good), "ok");
  ASSERT_EQ(good->size(), 1u);
  EXPECT_EQ(good->front().approver, "alice");
  EXPECT_EQ(good->front().cost_cap_micro, 5'000'000);
}

TEST(Approval, is_good_from_its_beginning_on_and_no_more_at_its_end) {
  const People people;
  const std::vector<SignedDocument> one = {by(people.alice, good_approval())};
  EXPECT_EQ(check(people, one, need(), noon - 1), "trust.approval.not_yet");
  EXPECT_EQ(check(people, one, need(), noon), "ok");
  EXPECT_EQ(check(people, one, need(), noon + hour - 1), "ok");
  EXPECT_EQ(check(people, one, need(), noon + hour), "trust.approval.expired");
}

TEST(Approval, good_for_longer_than_the_profile_allows_does_not_count) {
  const People people;
  auto wanted = need();
  wanted.max_window_ms = hour;
  EXPECT_EQ(check(people, {by(people.alice, good_approval())}, wanted), "ok");
  wanted.max_window_ms = hour - 1;
  EXPECT_EQ(check(people, {by(people.alice, good_approval())}, wanted), "trust.approval.window");
}

TEST(Approval, of_anything_else_than_this_plan_does_not_count) {
  const People people;
  const auto with = [&](auto change) {
    auto approval = good_approval();
    change(approval);
    return check(people, {by(people.alice, approval)});
  };
  EXPECT_EQ(with([](Approval& a) { a.plan = digest_of("other"); }), "trust.approval.other_plan");
  EXPECT_EQ(with([](Approval& a) { a.lane = "prod"; }), "trust.approval.other_lane");
  EXPECT_EQ(with([](Approval& a) { a.decision = digest_of("other"); }),
            "trust.approval.other_decision");
  EXPECT_EQ(with([](Approval& a) { a.blast_radius = digest_of("other"); }),
            "trust.approval.other_blast_radius");
}

TEST(Approval, covers_costs_up_to_its_cap_and_never_an_unknown_cost) {
  const People people;
  const std::vector<SignedDocument> one = {by(people.alice, good_approval())};
  auto wanted = need();
  wanted.cost_micro = 5'000'001;
  EXPECT_EQ(check(people, one, wanted), "trust.approval.cost");
  wanted.cost_micro = 0;
  EXPECT_EQ(check(people, one, wanted), "ok");
  wanted.cost_micro = -1;
  EXPECT_EQ(check(people, one, wanted), "trust.approval.cost");
}

TEST(Approval, signed_by_nobody_by_another_or_under_an_unknown_name_does_not_count) {
  const People people;
  EXPECT_EQ(check(people, {by(people.bob, good_approval("alice"))}), "trust.approval.signature");
  EXPECT_EQ(check(people, {by(people.stranger, good_approval("alice"))}),
            "trust.approval.signature");
  EXPECT_EQ(check(people, {by(people.stranger, good_approval("mallory"))}),
            "trust.approval.unknown_approver");
  EXPECT_EQ(check(people, {by(people.decider, good_approval("edge"))}),
            "trust.approval.unknown_approver");
  auto changed = by(people.alice, good_approval());
  changed.signature = "";
  EXPECT_EQ(check(people, {changed}), "trust.approval.signature");
  auto richer = good_approval();
  richer.cost_cap_micro = 9'000'000;
  changed.signature = by(people.alice, good_approval()).signature;
  changed.document = to_document(richer).value();
  EXPECT_EQ(check(people, {changed}), "trust.approval.signature");
}

TEST(Approval, in_an_empty_or_broken_file_does_not_count) {
  const People people;
  for (const std::string blank : {"", "\n", "  \t\r\n"})
    EXPECT_EQ(check(people, {{"alice.json", blank, ""}}), "trust.approval.empty");
  for (const std::string& broken : {std::string("{}"), std::string("null"), std::string("true"),
                                    std::string(1, '\0'), std::string("yes")})
    EXPECT_EQ(check(people, {{"alice.json", broken, people.alice.sign(broken, "").value()}}),
              "trust.approval.malformed");
}

TEST(Approval, by_whoever_asked_does_not_count_under_any_name_or_key) {
  const People people;
  auto wanted = need();
  for (const std::string& requester :
       {std::string("alice"), std::string("alias-of-alice"), people.alice.public_key().text}) {
    wanted.requesters = {"somebody else", requester};
    EXPECT_EQ(check(people, {by(people.alice, good_approval("alice"))}, wanted),
              "trust.approval.requester");
    EXPECT_EQ(check(people, {by(people.alice, good_approval("alias-of-alice"))}, wanted),
              "trust.approval.requester");
    EXPECT_EQ(check(people, {by(people.bob, good_approval("bob"))}, wanted), "ok");
  }
  wanted.requester_may_approve = true;
  EXPECT_EQ(check(people, {by(people.alice, good_approval("alice"))}, wanted), "ok");
}

TEST(Approval, by_the_decider_s_own_key_does_not_count_when_the_decider_asked) {
  People people;
  people.lane.approvers["robot"] = people.decider.public_key().text;
  auto wanted = need();
  wanted.requesters = {"edge"};
  EXPECT_EQ(check(people, {by(people.decider, good_approval("robot"))}, wanted),
            "trust.approval.requester");
}

TEST(Approval, counts_once_a_key_however_many_names_and_documents_it_has) {
  const People people;
  auto second = good_approval("alice");
  second.nonce = "another-nonce-of-alice";
  const auto one = by(people.alice, good_approval("alice"));
  EXPECT_EQ(check(people, {one, one}, need(2)), "trust.approval.duplicate");
  EXPECT_EQ(check(people, {one, by(people.alice, second)}, need(2)), "trust.approval.duplicate");
  EXPECT_EQ(check(people, {one, by(people.alice, good_approval("alias-of-alice"))}, need(2)),
            "trust.approval.duplicate");
  EXPECT_EQ(check(people, {one, one, by(people.bob, good_approval("bob"))}, need(2)), "ok");
}

TEST(Approvals, that_are_too_few_say_how_many_are_there_and_name_each_bad_one) {
  const People people;
  EXPECT_EQ(check(people, {}), "trust.approval.too_few");
  EXPECT_EQ(check(people, {by(people.alice, good_approval())}, need(2)), "trust.approval.too_few");
  EXPECT_EQ(check(people, {}, need(0)), "ok");
  EXPECT_EQ(check(people, {}, need(-1)), "internal.defect");

  auto other = good_approval("bob");
  other.plan = digest_of("other");
  const auto refused = check_approvals(
      {{"empty.json", "", ""}, by(people.bob, other), by(people.alice, good_approval())}, need(2),
      people.lane, noon);
  ASSERT_EQ(said(refused), "trust.approval.empty");
  const std::string text = refused.error().text();
  EXPECT_NE(text.find("empty.json"), std::string::npos) << text;
  EXPECT_NE(text.find("bob.json"), std::string::npos) << text;
  EXPECT_NE(text.find("trust.approval.other_plan"), std::string::npos) << text;
  EXPECT_NE(text.find("1 of 2"), std::string::npos) << text;
}

TEST(Approvals, are_judged_one_by_one) {
  const People people;
  const auto verdicts = judge_approvals({{"empty.json", "", ""}, by(people.alice, good_approval())},
                                        need(), people.lane, noon);
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].problem->code, "trust.approval.empty");
  EXPECT_FALSE(verdicts[1].problem);
  EXPECT_EQ(verdicts[1].approval->approver, "alice");
}

TEST(Approval, with_a_member_missing_added_changed_or_out_of_range_is_malformed) {
  const std::string text = to_document(good_approval()).value();
  const Json good = Json::parse(text);
  for (const auto& [name, value] : good.items()) {
    Json without = good;
    without.erase(name);
    EXPECT_EQ(parsed_approval(without), "trust.approval.malformed") << name << " missing";
    for (const Json& other : {Json(nullptr), Json(true), Json(1.5), Json(-1), Json(UINT64_MAX),
                              Json(std::string(70'000, 'x')), Json(""), Json::object()}) {
      Json changed = good;
      changed[name] = other;
      EXPECT_EQ(parsed_approval(changed), "trust.approval.malformed")
          << name << " = " << other.dump().substr(0, 40);
    }
  }
  Json more = good;
  more["and"] = "more";
  EXPECT_EQ(parsed_approval(more), "trust.approval.malformed");
  EXPECT_EQ(said(parse_approval(text + "\n")), "trust.approval.malformed");
  EXPECT_EQ(said(parse_approval(std::string(10u << 20, 'x'))), "trust.approval.malformed");
  auto backwards = good_approval();
  backwards.until_ms = backwards.from_ms;
  EXPECT_EQ(said(to_document(backwards)), "trust.approval.malformed");
}

TEST(Documents, of_one_kind_never_pass_as_another) {
  EXPECT_EQ(said(parse_approval(to_document(good_decision()).value())), "trust.approval.malformed");
  EXPECT_EQ(said(parse_decision(to_document(good_approval()).value())), "trust.decision.malformed");
}
