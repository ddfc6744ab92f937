// A thousand secrets in every format that tools print them in: none can be read from what is left,
// wherever the stream was cut (K2).
#include <gtest/gtest.h>

#include <iostream>

#include "record/redact.hpp"
#include "support/disguises.hpp"

namespace hyops::record {
namespace {

constexpr size_t many = 1000;

struct RedactCorpus : testing::Test {
  static void SetUpTestSuite() {
    std::mt19937_64 random(17);
    std::vector<Redactor::Named> named;
    for (size_t i = 0; i < many; ++i) {
      secrets.push_back(tests::a_secret(random, i));
      named.push_back({"s" + std::to_string(i), Secret(secrets.back())});
    }
    by.emplace(std::move(*Redactor::create(named)));
  }
  static void TearDownTestSuite() {
    by.reset();
    secrets.clear();
  }
  static std::vector<std::string> secrets;
  static std::optional<Redactor> by;
};
std::vector<std::string> RedactCorpus::secrets;
std::optional<Redactor> RedactCorpus::by;

}  // namespace

TEST_F(RedactCorpus, tells_none_of_a_thousand_secrets_in_any_format) {
  const auto& formats = tests::formats();
  EXPECT_GE(formats.size(), 60u);
  size_t printed = 0;
  // Every secret in ten formats, every format with more than a hundred secrets of all kinds.
  for (size_t i = 0; i < many; ++i)
    for (size_t j = 0; j < 10; ++j) {
      const auto& format = formats[(i * 10 + i / 8 + j) % formats.size()];
      const std::string text = format.print(secrets[i]);
      EXPECT_TRUE(tests::tells(text, secrets[i])) << "the scanner is blind to " << format.name;
      const std::string left = by->redact(text);
      EXPECT_FALSE(tests::tells(left, secrets[i]))
          << format.name << " of " << secrets[i] << ": " << left;
      EXPECT_NE(left.find("[redacted:"), std::string::npos) << format.name;
      ++printed;
    }
  std::cout << formats.size() << " formats, " << many << " secrets, " << printed << " texts\n";
}

TEST_F(RedactCorpus, says_the_same_however_a_format_is_cut_at_every_byte) {
  size_t cuts = 0;
  for (const auto& format : tests::formats())
    for (const size_t which : {size_t{1}, size_t{5}}) {  // signs, and characters of several bytes
      const std::string text = format.print(secrets[which]), whole = by->redact(text);
      for (size_t cut = 0; cut <= text.size(); ++cut, ++cuts) {
        Redactor::Stream stream(*by);
        std::string left = stream.feed(std::string_view(text).substr(0, cut));
        left += stream.feed(std::string_view(text).substr(cut));
        left += stream.finish();
        ASSERT_EQ(left, whole) << format.name << " cut at " << cut;
      }
      Redactor::Stream stream(*by);
      std::string left;
      for (const char c : text) left += stream.feed({&c, 1});
      ASSERT_EQ(left + stream.finish(), whole) << format.name << " byte by byte";
    }
  std::cout << cuts << " cuts\n";
}

}  // namespace hyops::record
