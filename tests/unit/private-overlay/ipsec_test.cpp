// What strongSwan tells, as it told it, and with an identity that a far end chose in order to be
// taken for another (A2). tests/lab/access holds the real tunnel.
#include "ipsec.hpp"

#include <gtest/gtest.h>

namespace hyops::access {
namespace {

std::string told(const std::string& identity) {
  return "list-sa event {\n  site {\n    uniqueid = 2\n    state = ESTABLISHED\n"
         "    local-host = 10.50.0.1\n    remote-host = 10.50.0.2\n    remote-id = " +
         identity +
         "\n    established = 22\n    child-sas {\n      net-1 {\n        name = net\n"
         "        state = INSTALLED\n        local-ts = [\n          10.98.0.1/32\n        ]\n"
         "        remote-ts = [\n          10.98.0.2/32\n          10.99.0.0/16\n        ]\n"
         "      }\n    }\n  }\n}\nlist-sas reply {\n}\n";
}

TEST(Associations, are_read_with_their_far_ends_states_and_networks) {
  const auto found = associations_of(told("10.50.0.2"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].far_end, "10.50.0.2");
  EXPECT_EQ(found[0].state, "ESTABLISHED");
  ASSERT_EQ(found[0].children.size(), 1u);
  EXPECT_EQ(found[0].children[0].state, "INSTALLED");
  EXPECT_EQ(found[0].children[0].remote,
            (std::vector<std::string>{"10.98.0.2/32", "10.99.0.0/16"}));
  EXPECT_EQ(associations_of(told("a") + told("b")).size(), 2u);
}

TEST(Associations, are_none_where_there_is_nothing_to_read) {
  for (const char* text :
       {"", "list-sas reply {\n}\n", "}\n}\n}", "error: connecting failed", " {\n {\n {\n {\n"})
    for (const auto& one : associations_of(text)) EXPECT_EQ(one.far_end + one.state, "");
}

TEST(Associations, hold_nothing_that_a_far_end_says_of_itself) {
  for (const char* identity : {"x {", "}", "[", "] }", "remote-host = 10.50.0.9", "child-sas {",
                               "CN=a = [ 0.0.0.0/0 ]", "state = ESTABLISHED"})
    for (const auto& one : associations_of(told(identity))) {
      EXPECT_TRUE(one.far_end == "10.50.0.2") << identity << ": " << one.far_end;
      for (const auto& child : one.children)
        for (const auto& network : child.remote)
          EXPECT_TRUE(network == "10.98.0.2/32" || network == "10.99.0.0/16")
              << identity << ": " << network;
    }
}

}  // namespace
}  // namespace hyops::access
