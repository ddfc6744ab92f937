// For every document and every flipped bit: nothing that was changed verifies, and a quorum is
// exactly a quorum.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "base/digest.hpp"
#include "trust/trust.hpp"

using namespace hyops;
using namespace hyops::trust;

namespace {

std::string flip(std::string text, size_t bit) {
  text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
  return text;
}

// Where the part of a .minisig begins that a signature covers: its first line is for people.
size_t covered_from(const std::string& signature) { return signature.find('\n') + 1; }

constexpr int64_t noon = 1'772'366'400'000;

}  // namespace

RC_GTEST_PROP(Signature, verifies_for_every_message_and_comment, (const std::string& message)) {
  const auto key = SecretKey::generate().value();
  const auto comment = *rc::gen::container<std::string>(rc::gen::inRange(' ', '~'));
  const auto good = verify(message, key.sign(message, comment).value(), {key.public_key()});
  RC_ASSERT(good.has_value());
  RC_ASSERT(good->trusted_comment == comment);
}

RC_GTEST_PROP(Signature, never_verifies_another_message,
              (const std::string& message, const std::string& other)) {
  RC_PRE(message != other);
  const auto key = SecretKey::generate().value();
  RC_ASSERT(!verify(other, key.sign(message, "").value(), {key.public_key()}));
}

// Exhaustive rather than sampled: a document is small.
TEST(Signature, never_verifies_with_any_single_bit_of_document_signature_or_key_flipped) {
  const auto key = SecretKey::generate().value();
  const std::string message = R"({"approval":1,"approver":"alice"})";
  const std::string signature = key.sign(message, "lane:drill").value();
  const PublicKey trusted = key.public_key();
  ASSERT_TRUE(verify(message, signature, {trusted}));
  for (size_t bit = 0; bit < message.size() * 8; ++bit)
    EXPECT_FALSE(verify(flip(message, bit), signature, {trusted})) << "document bit " << bit;
  for (size_t bit = (covered_from(signature) - 1) * 8; bit < signature.size() * 8; ++bit)
    EXPECT_FALSE(verify(message, flip(signature, bit), {trusted})) << "signature bit " << bit;
  for (size_t bit = 0; bit < trusted.text.size() * 8; ++bit)
    EXPECT_FALSE(verify(message, signature, {PublicKey{trusted.id, flip(trusted.text, bit)}}))
        << "key bit " << bit;
}

RC_GTEST_PROP(Decision, never_passes_with_a_flipped_bit, ()) {
  const auto key = SecretKey::generate().value();
  contract::Lane lane;
  lane.name = "drill";
  lane.epoch = *rc::gen::inRange(0, 1000);
  lane.deciders = {{"edge", key.public_key().text}};
  Decision decision;
  decision.id = decision.target = decision.execution_plane = "x";
  decision.lane = lane.name;
  decision.epoch = lane.epoch;
  decision.type = *rc::gen::element<std::string>("burst", "failover", "failback");
  decision.rationale = "because";
  decision.repository = "main@backup";
  decision.issued_ms = noon;
  decision.expires_ms = noon + *rc::gen::inRange<int64_t>(1, 1'000'000);
  decision.nonce = "0123456789abcdef";
  decision.signals = {{"s", digest_of("s")}};
  decision.policy = digest_of("p");
  const std::string text = to_document(decision).value();
  const std::string signature = key.sign(text, "").value();
  RC_ASSERT(check_decision(text, signature, lane, noon).has_value());
  RC_ASSERT(!check_decision(text, signature, lane, decision.expires_ms));
  const auto bit = *rc::gen::inRange<size_t>(0, text.size() * 8);
  RC_ASSERT(!check_decision(flip(text, bit), signature, lane, noon));
  const auto at = *rc::gen::inRange(covered_from(signature) * 8, signature.size() * 8);
  RC_ASSERT(!check_decision(text, flip(signature, at), lane, noon));
}

// Four people behind six names; each document good or spoilt in one way. The verdict must be what
// counting says.
RC_GTEST_PROP(Approvals, pass_exactly_when_enough_distinct_keys_gave_a_good_one, ()) {
  static const std::vector<SecretKey> keys = [] {
    std::vector<SecretKey> out;
    for (int i = 0; i < 4; ++i) out.push_back(SecretKey::generate().value());
    return out;
  }();
  contract::Lane lane;
  lane.name = "drill";
  for (size_t i = 0; i < 6; ++i)
    lane.approvers["p" + std::to_string(i)] = keys[i % 4].public_key().text;
  ApprovalNeed need;
  need.decision = digest_of("d");
  need.plan = digest_of("p");
  need.lane = "drill";
  need.blast_radius = digest_of("b");
  need.cost_micro = 100;
  need.required = *rc::gen::inRange(0, 5);
  const auto requester = *rc::gen::element<std::string>("p0", "p5", "nobody");
  need.requesters = {"nobody else", requester};
  std::set<size_t> asked;
  if (requester == "p0") asked.insert(0);
  if (requester == "p5") asked.insert(1);

  std::set<size_t> good;
  std::vector<SignedDocument> documents;
  const auto count = *rc::gen::inRange<size_t>(0, 8);
  for (size_t i = 0; i < count; ++i) {
    const auto person = *rc::gen::inRange<size_t>(0, 6);
    const auto spoilt = *rc::gen::inRange(0, 16);  // half of them good
    Approval approval;
    approval.approver = "p" + std::to_string(person);
    approval.decision = spoilt == 1 ? digest_of("x") : need.decision;
    approval.plan = spoilt == 2 ? digest_of("x") : need.plan;
    approval.lane = spoilt == 3 ? "prod" : "drill";
    approval.blast_radius = spoilt == 4 ? digest_of("x") : need.blast_radius;
    approval.cost_cap_micro = spoilt == 5 ? 99 : 100;
    approval.from_ms = spoilt == 6 ? noon + 1 : noon - 1000;
    approval.until_ms = spoilt == 7 ? noon : noon + 1000;
    approval.nonce = "0123456789abcdef" + std::to_string(i);
    std::string text = to_document(approval).value();
    const size_t signer = spoilt == 8 ? (person + 1) % 4 : person % 4;
    documents.push_back({std::to_string(i), text, keys[signer].sign(text, "").value()});
    const bool intact = spoilt == 0 || spoilt > 8;
    if (intact && !asked.count(person % 4)) good.insert(person % 4);
  }
  const auto result = check_approvals(documents, need, lane, noon);
  RC_ASSERT(result.has_value() == (good.size() >= static_cast<size_t>(need.required)));
  if (result) RC_ASSERT(result->size() == good.size());
}
