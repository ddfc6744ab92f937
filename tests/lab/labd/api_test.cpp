// The API refuses what it must, in words, and knows its zone from the others.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "checks.hpp"
#include "test_lab.hpp"

namespace hyops::labd {
namespace {

class LabApi : public NeedsRoot {};

TEST_F(LabApi, wants_the_token_of_its_own_zone) {
  TestLab lab;
  lab.place("edge", "client");
  lab.place("onprem", "db");
  const auto bare =
      lab.inside("client", {"curl", "-s", "--max-time", "5", "http://10.77.3.1:7077/v1/hosts"});
  ASSERT_TRUE(bare);
  EXPECT_EQ(Json::parse(*bare)["code"], "auth.token");
  const auto [status, hosts] = lab.api("client", "edge", "GET", "/v1/hosts");
  EXPECT_EQ(status, 200);
  ASSERT_EQ(hosts["hosts"].size(), 1u);
  EXPECT_EQ(hosts["hosts"][0]["name"], "client");
  EXPECT_EQ(lab.api("client", "edge", "GET", "/v1/hosts/db").first, 404);
  EXPECT_EQ(
      lab.api("client", "edge", "POST", "/v1/faults", {{"fault", "zone-loss"}, {"args", {"edge"}}})
          .first,
      404);
}

TEST_F(LabApi, refuses_a_fencing_token_older_than_the_highest_it_has_seen) {
  TestLab lab;
  lab.place("cloud", "db");
  const Json on{{"state", "on"}};
  EXPECT_EQ(
      lab.api("db", "cloud", "POST", "/v1/hosts/db/power", on, {"X-Fencing-Token: prod=7"}).first,
      200);
  const auto [status, answer] =
      lab.api("db", "cloud", "POST", "/v1/hosts/db/power", on, {"X-Fencing-Token: prod=6"});
  EXPECT_EQ(status, 409);
  EXPECT_EQ(answer["code"], "fencing.stale");
  EXPECT_EQ(
      lab.api("db", "cloud", "POST", "/v1/hosts/db/power", on, {"X-Fencing-Token: dev=1"}).first,
      200);
  EXPECT_EQ(
      lab.api("db", "cloud", "GET", "/v1/hosts/db", nullptr, {"X-Fencing-Token: prod=6"}).first,
      200);
}

TEST_F(LabApi, answers_every_bad_request_with_a_code_and_a_next_step) {
  TestLab lab;
  const Json good{{"zone", "edge"}, {"name", "x"}, {"image", "debian"}};
  const std::vector<Json> changes{{{"name", "../etc"}},
                                  {{"name", "UPPER"}},
                                  {{"address", "10.77.1.5"}},
                                  {{"address", "10.77.2.1"}},
                                  {{"image", "windows"}},
                                  {{"labels", {1, 2}}},
                                  {{"surprise", 1}},
                                  {{"zone", "internet"}, {"address", "8.8.8.8"}},
                                  {{"authorized_keys", {"command=\"sh\" ssh-ed25519 AAAA"}}},
                                  {{"authorized_keys", {"ssh-ed25519 AAAA\nssh-ed25519 BBBB"}}}};
  for (const auto& change : changes) {
    Json body = good;
    body.update(change);
    const auto answer = lab.client().request("POST", "/v1/hosts", body, "k");
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().status, 400) << body;
    EXPECT_FALSE(answer.error().code.empty() || answer.error().next.empty()) << body;
  }
  EXPECT_EQ(lab.get("/v1/hosts")["hosts"].size(), 1u);  // www alone
  const Json large{{"name", std::string(2 << 20, 'x')}};
  const auto too_large = lab.client().request("POST", "/v1/hosts", large, "k");
  ASSERT_FALSE(too_large);
}

TEST(LabChecks, refuse_nesting_that_would_exhaust_the_parser) {
  EXPECT_FALSE(parse_body("{\"a\":" + std::string(100000, '[')));
  EXPECT_TRUE(parse_body("{\"a\":[[[[1]]]],\"b\":\"[[[[[[[[[[[[[[[[[[[[[[[\"}"));
}

RC_GTEST_PROP(LabChecks, a_network_reads_back_as_it_was_written, (uint32_t address)) {
  const int prefix = *rc::gen::inRange(0, 33);
  const uint32_t mask = prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix);
  const Cidr cidr{address & mask, prefix};
  const auto parsed = parse_cidr(cidr.text());
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(parsed->network == cidr.network && parsed->prefix == prefix);
  RC_ASSERT(parsed->contains(address));
  if ((address & mask) != address) RC_ASSERT(!parse_cidr(Cidr{address, prefix}.text()));
}

}  // namespace
}  // namespace hyops::labd
