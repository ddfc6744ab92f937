// The typed-input language: every type takes what it should, refuses the rest, and stays bounded.
#include <gtest/gtest.h>

#include "contract/load.hpp"

using namespace hyops;
using namespace hyops::contract;

namespace {

const std::string key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

Field field(const std::string& type) {
  Field out;
  out.name = "value";
  out.type = parse_type(type).value();
  return out;
}

std::string code(const std::string& type, const Json& value) {
  const auto checked = check_value(field(type), value);
  return checked ? "ok" : checked.error().code;
}

}  // namespace

TEST(Type, is_written_as_it_is_read) {
  for (const char* text :
       {"string", "int", "bool", "duration", "address", "cidr", "dns_name", "host", "endpoint",
        "secret", "digest", "list<endpoint>", "map<list<int>>"})
    EXPECT_EQ(parse_type(text).value().text(), text);
  for (const char* text : {"", "integer", "list", "list<>", "list<string", "map<x>",
                           "list<list<list<list<list<int>>>>>"})
    EXPECT_FALSE(parse_type(text)) << text;
}

TEST(Type, never_takes_a_host_for_an_endpoint) {
  const auto check = [](const char* from, const char* to) {
    return fits(*parse_type(from), *parse_type(to));
  };
  EXPECT_FALSE(check("host", "endpoint"));
  EXPECT_FALSE(check("list<host>", "list<endpoint>"));
  EXPECT_TRUE(check("list<host>", "list<host>"));
  EXPECT_TRUE(check("address", "string"));
  EXPECT_TRUE(check("list<string>", "list<cidr>"));
  EXPECT_FALSE(check("secret", "string"));
  EXPECT_FALSE(check("string", "secret"));
  EXPECT_FALSE(check("duration", "int"));
  EXPECT_FALSE(check("address", "cidr"));
  EXPECT_FALSE(check("string", "list<string>"));
}

TEST(Value, of_each_type_is_told_from_what_only_looks_like_it) {
  const std::string nul("10.0.0.1\0x", 10);
  EXPECT_EQ(code("address", "10.77.1.1"), "ok");
  EXPECT_EQ(code("address", "fd00::1"), "ok");
  for (const Json& bad :
       {Json("10.0.0.256"), Json("db.example.org"), Json(""), Json(nul), Json(" 10.0.0.1")})
    EXPECT_EQ(code("address", bad), "contract.value.address") << bad;
  EXPECT_EQ(code("cidr", "10.77.2.0/24"), "ok");
  EXPECT_EQ(code("cidr", "::/0"), "ok");
  for (const char* bad :
       {"10.77.2.1/24", "10.77.2.0", "10.77.2.0/33", "10.77.2.0/", "10.77.2.0/-1", "10.77.2.0/24 "})
    EXPECT_EQ(code("cidr", bad), "contract.value.cidr") << bad;
  EXPECT_EQ(code("dns_name", "_sip._tcp.db.example.org."), "ok");
  for (const char* bad : {"", ".", "a..b", "-a.b", "a-.b", "a b"})
    EXPECT_EQ(code("dns_name", bad), "contract.value.dns_name") << bad;
  EXPECT_EQ(code("dns_name", std::string(64, 'a')), "contract.value.dns_name");
  EXPECT_EQ(code("digest", "sha256:" + std::string(64, 'a')), "ok");
  EXPECT_EQ(code("digest", "sha256:" + std::string(64, 'A')), "contract.value.digest");
  EXPECT_EQ(code("secret", "db-password"), "ok");
  EXPECT_EQ(code("secret", "Tr0ub4dor&3"), "contract.value.secret");
  EXPECT_EQ(code("int", 1.0), "contract.value.type");
  EXPECT_EQ(code("int", UINT64_MAX), "contract.value.range");
  EXPECT_EQ(code("bool", 1), "contract.value.type");
  EXPECT_EQ(code("list<int>", Json::array({1, "2"})), "contract.value.type");
  EXPECT_EQ(code("map<address>", Json{{"a", "x"}}), "contract.value.address");
}

TEST(Value, that_may_be_a_secret_is_never_repeated) {
  for (const Json& value : {Json("Tr0ub4dor & 3"), Json::array({"Tr0ub4dor & 3"})}) {
    const auto checked = check_value(field("secret"), value);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().text().find("Tr0ub4dor"), std::string::npos);
  }
}

TEST(Value, host_and_endpoint_have_exactly_their_members) {
  const Json endpoint{
      {"name", "db"}, {"address", "10.0.0.1"}, {"port", 22}, {"user", "root"}, {"host_key", key}};
  EXPECT_EQ(code("endpoint", endpoint), "ok");
  Json host = endpoint;
  host["zone"] = "cloud";
  EXPECT_EQ(code("host", host), "ok");
  EXPECT_EQ(code("endpoint", host), "contract.value.object");
  for (const auto& [member, bad] : std::map<std::string, Json>{{"port", 0},
                                                               {"port", "22"},
                                                               {"user", "-oProxyCommand=x"},
                                                               {"name", "../x"},
                                                               {"host_key", "ssh-ed25519 AAAA"},
                                                               {"host_key", key + "\nother"},
                                                               {"address", "db"}}) {
    Json wrong = endpoint;
    wrong[member] = bad;
    EXPECT_EQ(code("endpoint", wrong), "contract.value.object") << wrong;
    wrong.erase(member);
    EXPECT_EQ(code("endpoint", wrong), "contract.value.object") << wrong;
  }
}

TEST(Value, durations_become_milliseconds_wherever_the_type_says_so) {
  EXPECT_EQ(read_value(field("duration"), "15m").value(), 900'000);
  EXPECT_EQ(read_value(field("list<duration>"), Json::array({"1s", "2ms"})).value(),
            Json::array({1000, 2}));
  EXPECT_EQ(read_value(field("map<duration>"), Json{{"a", "1h"}}).value(),
            Json({{"a", 3'600'000}}));
  EXPECT_EQ(read_value(field("string"), "15m").value(), "15m");
  EXPECT_EQ(read_value(field("duration"), 900'000).error().code, "contract.value.duration");
}

TEST(Value, lies_between_its_bounds_whatever_they_count) {
  Field number = field("int");
  number.min = 2;
  number.max = 3;
  EXPECT_TRUE(check_value(number, 2));
  EXPECT_EQ(check_value(number, 4).error().code, "contract.value.range");
  Field list = field("list<int>");
  list.min = 1;
  EXPECT_EQ(check_value(list, Json::array()).error().code, "contract.value.range");
  Field text = field("string");
  text.max = 2;
  EXPECT_EQ(check_value(text, "abc").error().code, "contract.value.range");
}

TEST(Pattern, matches_the_whole_value) {
  Field text = field("string");
  text.pattern = "[a-z]+";
  EXPECT_TRUE(check_value(text, "abc"));
  EXPECT_FALSE(check_value(text, "abc1"));
}

TEST(Pattern, does_not_hang_or_overflow_on_hostile_patterns_and_values) {
  Field text = field("string");
  text.pattern = "(a+)+(a+)+(a+)+$";
  EXPECT_FALSE(check_value(text, std::string(4000, 'a') + "b"));
  text.pattern = ".*";
  EXPECT_FALSE(check_value(text, std::string(1'000'000, 'a')));
  text.pattern = "((a{1,500}){1,500}){1,500}";
  EXPECT_EQ(check_value(text, "a").error().code, "contract.pattern.malformed");
  for (const std::string& bad : {std::string(300, 'a'), std::string("(?!x)"), std::string("(a)\\1"),
                                 std::string("["), std::string(200, '(')}) {
    text.pattern = bad;
    EXPECT_EQ(check_value(text, "a").error().code, "contract.pattern.malformed") << bad;
  }
}
