// What a reader of a log must never see, and what he must still see (K2).
#include "record/redact.hpp"

#include <gtest/gtest.h>

#include "base/digest.hpp"

namespace hyops::record {
namespace {

Redactor redactor(std::vector<std::pair<std::string, std::string>> secrets) {
  std::vector<Redactor::Named> named;
  for (const auto& [name, value] : secrets) named.push_back({name, Secret(value)});
  auto made = Redactor::create(named);
  EXPECT_TRUE(made);
  return std::move(*made);
}

// The stream, cut into two at every byte, must say what the whole text says.
std::string redacted(const Redactor& by, const std::string& text) {
  const std::string whole = by.redact(text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Redactor::Stream stream(by);
    std::string parts = stream.feed(std::string_view(text).substr(0, cut));
    parts += stream.feed(std::string_view(text).substr(cut));
    parts += stream.finish();
    EXPECT_EQ(parts, whole) << "cut at byte " << cut << " of " << text;
  }
  return whole;
}

TEST(Redact, replaces_a_secret_by_its_name) {
  EXPECT_EQ(redacted(redactor({{"db", "hunter2secret"}}), "login as app with hunter2secret now\n"),
            "login as app with [redacted:db] now\n");
}

TEST(Redact, leaves_everything_else_as_it_is) {
  const auto by = redactor({{"db", "hunter2secret"}, {"api", "0123456789abcdef"}});
  for (const std::string text :
       {"", "\n", "hunter2", "hunter2secre", "unter2secret", "0123456789abcde",
        "at 10:00: a://b/c@d", "::", "AKIA",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "user@host:/path",
        "Basic training", "https://host:8080/path?q=a@b", "Authorization is required",
        "AGE-SECRET-KEY-1 is the prefix", "ssh://git@host/repo"})
    EXPECT_EQ(redacted(by, text), text);
}

TEST(Redact, knows_what_tools_make_of_a_secret) {
  const std::string secret = "p\"a's$ w/ö<&\\rd!";
  const auto by = redactor({{"x", secret}});
  for (const std::string& shown :
       {secret, to_base64(secret),
        to_hex({reinterpret_cast<const unsigned char*>(secret.data()), secret.size()}),
        std::string("702261277324"
                    "20772FC3B63C265C726421"),
        std::string("p%22a's%24%20w%2F%C3%B6%3C%26%5Crd!"),
        std::string("p%22a%27s%24%20w%2f%c3%b6%3c%26%5crd%21"),
        std::string("p%22a%27s%24+w%2F%C3%B6%3C%26%5Crd%21"), std::string(R"(p\"a's$ w/ö<&\\rd!)"),
        std::string(R"(p\"a's$ w/\u00f6<&\\rd!)"), std::string(R"(p\"a's$ w\/\u00f6<&\\rd!)"),
        std::string(R"(p\"a's$ w/ö\u003c\u0026\\rd!)"), std::string(R"(p\\\"a's$ w/ö<&\\\\rd!)"),
        std::string(R"(p"a'\''s$ w/ö<&\rd!)"), std::string(R"(p\"a\'s\$\ w/ö\<\&\\rd\!)"),
        std::string(R"(p"a\'s$ w/\303\266<&\\rd!)"),
        std::string(R"(p&quot;a&#39;s$ w/ö&lt;&amp;\rd!)"),
        std::string(R"(p&#34;a&#39;s$ w/ö&lt;&amp;\rd!)")})
    EXPECT_EQ(redacted(by, "a " + shown + " b").substr(0, 14), "a [redacted:x]") << shown;
}

TEST(Redact, finds_base64_at_any_alignment) {
  const std::string secret = "correct horse battery";
  const auto by = redactor({{"x", secret}});
  for (const std::string before : {"", "u", "u:", "u:p"}) {
    const std::string shown = to_base64(before + secret + "@");
    const std::string left = redacted(by, shown);
    EXPECT_NE(left.find("[redacted:x]"), std::string::npos);
    EXPECT_LE(left.size(), before.size() * 4 / 3 + 2 + std::string("[redacted:x]").size() + 5)
        << left;
  }
}

TEST(Redact, finds_base64_that_was_wrapped) {
  std::string secret;
  for (int i = 0; i < 20; ++i) secret += sha256_hex(std::to_string(i)).substr(0, 16);
  std::string wrapped = to_base64(secret);
  for (size_t at = 76; at < wrapped.size(); at += 77) wrapped.insert(at, "\n");
  const std::string left = redactor({{"x", secret}}).redact(wrapped);
  EXPECT_LT(left.size(), 120u) << left;
}

TEST(Redact, takes_every_line_of_a_secret_for_a_secret) {
  const auto by = redactor(
      {{"key",
        "-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG9w0\n  indented line\n\nab\n-----END X-----\n"}});
  EXPECT_EQ(redacted(by, "> MIIEvQIBADANBgkqhkiG9w0\r\n> indented line\n> ab\n"),
            "> [redacted:key]\r\n> [redacted:key]\n> ab\n");
}

TEST(Redact, finds_half_of_a_long_secret) {
  std::string secret;
  for (int i = 0; i < 8; ++i) secret += sha256_hex(std::to_string(i));
  const std::string left = redacted(redactor({{"x", secret}}), "cut: " + secret.substr(0, 300));
  EXPECT_EQ(left.substr(0, 17), "cut: [redacted:x]");
  EXPECT_LT(left.size(), 17u + 64u) << "at most one unfinished piece remains";
}

TEST(Redact, ignores_the_newline_at_the_end_of_a_secret_file) {
  EXPECT_EQ(redacted(redactor({{"x", "hunter2secret\n"}}), "<hunter2secret>"), "<[redacted:x]>");
}

TEST(Redact, ignores_empty_secrets) {
  EXPECT_EQ(redacted(redactor({{"x", ""}, {"y", " \n"}}), "a b\n"), "a b\n");
}

TEST(Redact, takes_a_short_secret_for_one_only_as_a_word) {
  const auto by = redactor({{"pin", "1234"}});
  EXPECT_EQ(redacted(by, "1234 12345 x1234 pin=1234, MTIzNA== 31323334 1234"),
            "[redacted:pin] 12345 x1234 pin=[redacted:pin], [redacted:pin]== [redacted:pin] "
            "[redacted:pin]");
}

TEST(Redact, merges_what_overlaps_and_names_the_first) {
  const auto by = redactor({{"a", "abcdefgh"}, {"b", "efghijkl"}, {"c", "abcdefghijk"}});
  EXPECT_EQ(redacted(by, "xabcdefghijkly"), "x[redacted:c]y");
  EXPECT_EQ(redacted(by, "xabcdefghabcdefghy"), "x[redacted:a]y") << "touching and the same";
  EXPECT_EQ(redacted(by, "xabcdefghefghijkly"), "x[redacted:a][redacted:b]y");
  EXPECT_EQ(redacted(redactor({{"r", "abababab"}}), "ababababababababababab"), "[redacted:r]");
}

TEST(Redact, knows_secrets_by_their_shape) {
  const auto by = redactor({});
  const std::string key =
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\naC1rZXk=\n-----END OPENSSH PRIVATE KEY-----";
  EXPECT_EQ(redacted(by, "a " + key + "\nb"), "a [redacted:pattern]\nb");
  EXPECT_EQ(
      redacted(by, R"({"k":"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"})"),
      R"({"k":"[redacted:pattern]\n"})");
  EXPECT_EQ(redacted(by, "Authorization: Bearer abc.def-123\r\nHost: x"),
            "Authorization: Bearer [redacted:pattern]\r\nHost: x");
  EXPECT_EQ(redacted(by, R"("authorization": "Basic dTpw", "a")"),
            R"("authorization": "Basic [redacted:pattern]", "a")");
  EXPECT_EQ(redacted(by, "postgres://app:s3cret@db/x"), "postgres://app:[redacted:pattern]@db/x");
  EXPECT_EQ(redacted(by, "see https://u:p@ss@host and https://a:b@c"),
            "see https://u:[redacted:pattern]@host and https://a:[redacted:pattern]@c");
  EXPECT_EQ(redacted(by, "id AKIAIOSFODNN7EXAMPLE."), "id [redacted:pattern].");
  EXPECT_EQ(redacted(by, "AGE-SECRET-KEY-1QQPZRY9X8 x"), "[redacted:pattern] x");
  EXPECT_EQ(redacted(by, "RWRTY0IyAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="), "[redacted:pattern]");
}

TEST(Redact, stops_at_what_cannot_belong_to_a_key) {
  const std::string text = "-----BEGIN PRIVATE KEY-----\nMIIE\n{cut} and all the rest stays";
  EXPECT_EQ(redacted(redactor({}), text), "[redacted:pattern]{cut} and all the rest stays");
}

TEST(Redact, holds_back_only_what_may_begin_a_secret) {
  const auto by = redactor({{"x", "hunter2secret"}});
  Redactor::Stream stream(by);
  EXPECT_EQ(stream.feed("restoring 31 of 62"), "restoring 31 of 62");
  EXPECT_EQ(stream.feed(" hunt"), " ");
  EXPECT_EQ(stream.feed("ing"), "hunting");
  EXPECT_EQ(stream.feed(" hunter2sec"), " ");
  EXPECT_EQ(stream.finish(), "hunter2sec");
}

TEST(Redact, cleans_documents_in_keys_and_values) {
  const auto by = redactor({{"x", "hunter2secret"}, {"pin", "123456"}});
  const Json left =
      by.redact(Json{{"hunter2secret", {1, "a hunter2secret", 123456}}, {"n", nullptr}});
  EXPECT_EQ(left,
            (Json{{"[redacted:x]", {1, "a [redacted:x]", "[redacted:pin]"}}, {"n", nullptr}}));
}

TEST(Redact, judges_each_text_of_a_document_by_itself) {
  const auto by = redactor({{"x", "hunter2secret"}, {"pin", "abc"}});
  const std::vector<std::string> texts{"-----BEGIN PRIVATE KEY-----\nMIIB",
                                       "plain",
                                       "it is hunter2secret",
                                       "hunter2secret it is",
                                       "x",
                                       "abc",
                                       "x",
                                       "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9",
                                       "abc words",
                                       ""};
  Json document = Json::array(), each = Json::array();
  for (const auto& text : texts) {
    document.push_back(text);
    each.push_back(by.redact(text));
  }
  EXPECT_EQ(by.redact(document), each);
  EXPECT_EQ(each[1], "plain");
  EXPECT_EQ(each[5], "[redacted:pin]");
}

TEST(Redact, refuses_more_than_it_can_look_for) {
  std::vector<Redactor::Named> named;
  named.push_back({"huge", Secret(std::string(2 << 20, 'x'))});
  EXPECT_EQ(Redactor::create(named).error().code, "record.redact.too_large");
}

}  // namespace
}  // namespace hyops::record
