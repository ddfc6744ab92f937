// A document that was redacted is still the document that it was.
#include "record/redact_document.hpp"

#include <gtest/gtest.h>

namespace hyops::record {
namespace {

std::string redacted(std::string_view document) {
  std::vector<Redactor::Named> secrets;
  secrets.push_back({"db", Secret("hunter2secret")});
  secrets.push_back({"pin", Secret("48151623")});
  return redact_document(document, Redactor::create(secrets).value());
}

TEST(RedactDocument, keeps_what_has_no_secret_byte_for_byte) {
  for (const std::string text : {"", "\n", "{ \"b\": 1.50,\n \"a\": [] }\n",
                                 "{\"a\":1}\n\n{\"b\":2}", "no JSON\n", "{\"a\":", "\x01\xff"})
    EXPECT_EQ(redacted(text), text);
}

TEST(RedactDocument, leaves_json_that_is_read_again) {
  EXPECT_EQ(redacted("{ \"b\": \"hunter2secret\", \"a\": 48151623 }\n"),
            "{\"a\":\"[redacted:pin]\",\"b\":\"[redacted:db]\"}\n");
  EXPECT_EQ(redacted("{\"a\":1}\n{\"a\":48151623}\nhalf a line hunter2secret"),
            "{\"a\":1}\n{\"a\":\"[redacted:pin]\"}\nhalf a line [redacted:db]");
}

TEST(RedactDocument, finds_what_escapes_hide) {
  EXPECT_EQ(redacted(R"({"a":"h\u0075nter2\u0073ecret"})"), R"({"a":"[redacted:db]"})");
  EXPECT_EQ(redacted("no JSON\n"
                     R"(["\u0068unter2secret"])"
                     "\n"),
            "no JSON\n[\"[redacted:db]\"]\n");
}

TEST(RedactDocument, finds_what_spans_lines) {
  const std::string key =
      "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n";
  EXPECT_EQ(redacted(key).find("MC4CAQ"), std::string::npos);
}

}  // namespace
}  // namespace hyops::record
