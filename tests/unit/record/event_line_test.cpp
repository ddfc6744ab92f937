// The reader of event lines believes one spelling and no other.
#include "record/event_line.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "ledger/ledger.hpp"

namespace hyops::record {
namespace {

std::string line_of(const Json& body, const std::string& type = "step.ended", int64_t seq = 7) {
  ledger::Event event{seq, 1'700'000'000'000, type, body, std::string(64, 'a'), {}};
  const std::string text = canonical(ledger::event_document(RunId("r1"), event)).value();
  return ledger::event_line(text, ledger::event_hash(RunId("r1"), event));
}

TEST(EventLine, is_read_back_as_it_was_written) {
  const std::string line = line_of({{"step", "db-host"}, {"text", "\"},\"hash\":\"x"}});
  const auto event = parse_event_line(line);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->seq, 7);
  EXPECT_EQ(event->wall_ms, 1'700'000'000'000);
  EXPECT_EQ(event->type, "step.ended");
  EXPECT_EQ(event->run, "r1");
  EXPECT_EQ(text_member(event->body, "step"), "db-host");
  EXPECT_TRUE(event->intact());
}

TEST(EventLine, is_refused_in_any_other_spelling) {
  const std::string good = line_of({{"step", "a"}});
  ASSERT_TRUE(parse_event_line(good));
  const auto with = [&](const std::string& from, const std::string& into) {
    std::string changed = good;
    changed.replace(changed.find(from), from.size(), into);
    return parse_event_line(changed).has_value();
  };
  EXPECT_FALSE(with("\"seq\":7", "\"seq\":07"));
  EXPECT_FALSE(with("\"seq\":7", "\"seq\": 7"));
  EXPECT_FALSE(with("\"seq\":7", "\"seq\":-7"));
  EXPECT_FALSE(with("\"seq\":7", "\"seq\":99999999999999999999"));
  EXPECT_FALSE(with("\"type\":\"step.ended\"", "\"type\":\"step\\\\ended\""));
  EXPECT_FALSE(with("{\"body\":", "{\"bodx\":"));
  EXPECT_FALSE(with("\"run\"", "\"ran\""));
  EXPECT_FALSE(parse_event_line(""));
  EXPECT_FALSE(parse_event_line(good + " "));
  for (size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(parse_event_line(good.substr(0, cut))) << cut;
}

TEST(EventLine, finds_a_member_of_the_body_itself_only) {
  EXPECT_EQ(text_member(R"({"inner":{"step":"no"},"list":["step","x"],"step":"yes"})", "step"),
            "yes");
  EXPECT_EQ(text_member(R"({"note":"\\\"step\":\"no\"","step":"yes"})", "step"), "yes");
  EXPECT_EQ(text_member(R"({"step":7})", "step"), "");
  EXPECT_EQ(text_member(R"({"step":"unclosed)", "step"), "");
}

RC_GTEST_PROP(EventLine, of_any_body_is_intact_until_a_byte_changes,
              (const std::string& key, const std::string& bytes)) {
  // Any bytes, with what is no UTF-8 replaced, as redaction and drivers hand them in.
  const Json value = Json::parse(Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace));
  const Json body{
      {"k" + to_hex({reinterpret_cast<const unsigned char*>(key.data()), key.size()}), value}};
  std::string line = line_of(body);
  const auto event = parse_event_line(line);
  RC_ASSERT((event && event->intact()));
  const auto at = *rc::gen::inRange<size_t>(0, line.size());
  line[at] = static_cast<char>(line[at] ^ 1);
  const auto changed = parse_event_line(line);
  RC_ASSERT((!changed || !changed->intact()));
}

TEST(EventLine, corpus_of_the_fuzzer_is_read) {
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(HYOPS_SOURCE_DIR) / "tests/fuzz/corpus/record")) {
    const auto line = read_file(entry.path()).value();
    const auto event = parse_event_line(line);
    EXPECT_TRUE(event && event->intact()) << entry.path();
    ++read;
  }
  EXPECT_GE(read, 6);
}

}  // namespace
}  // namespace hyops::record
