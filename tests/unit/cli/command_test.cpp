// What holds for every command: help, suggestions, JSON, exit codes, hostile words.
#include "base/text.hpp"
#include "support.hpp"

namespace hyops::test {
namespace {

std::vector<std::vector<std::string>> all_commands() {
  std::vector<std::vector<std::string>> commands;
  const Ran overview = Home::run_exactly({HYOPS_BUILD_DIR "/bin/hyops", "--help"});
  for (const auto& line : split(overview.out, '\n')) {
    if (!line.starts_with("  ") || line.size() < 24 || line[2] == ' ' ||
        (line[2] >= '0' && line[2] <= '9'))
      continue;
    std::vector<std::string> words;
    for (const auto& word : split(line.substr(2, 22), ' '))
      if (!word.empty()) words.push_back(word);
    commands.push_back(words);
  }
  return commands;
}

TEST(Command, of_every_name_prints_its_help_and_exits_0) {
  const auto commands = all_commands();
  EXPECT_GE(commands.size(), 14u);
  for (auto words : commands) {
    const std::string name = join(words, " ");
    words.insert(words.begin(), HYOPS_BUILD_DIR "/bin/hyops");
    words.push_back("--help");
    const Ran help = Home::run_exactly(words);
    EXPECT_EQ(help.code, 0) << name;
    EXPECT_TRUE(help.out.starts_with("usage: hyops " + name)) << name << help.out;
    EXPECT_TRUE(help.says("--json")) << name;
  }
}

TEST(Command, with_a_typing_error_suggests_what_was_meant) {
  const Home home;
  const std::vector<std::pair<std::vector<std::string>, std::string>> typos{
      {{"docter"}, "\"doctor\""},
      {{"run", "lst"}, "\"list\""},
      {{"--json", "run", "list"}, "behind the command"},
      {{"run", "list", "--lnae", "x"}, "\"--lane\""},
      {{"explain", "cli.usge"}, "\"cli.usage\""},
      {{"explain", "signature"}, "trust.signature"},
      {{"plugin", "new", "provider", "com.acme.moon"}, "takes ID and no more"}};
  for (const auto& [words, meant] : typos) {
    const Ran ran = home.run(words);
    EXPECT_EQ(ran.code, 2) << join(words, " ");
    EXPECT_TRUE(ran.says(meant)) << ran.err;
    EXPECT_TRUE(ran.says("next: ")) << ran.err;
  }
}

TEST(Command, answers_json_whether_it_can_or_not) {
  const Home home;
  home.write("notes.txt", "x");
  const std::vector<std::vector<std::string>> commands{
      {"doctor"},
      {"explain"},
      {"explain", "cli.usage"},
      {"explain", "no.such"},
      {"runner", "status"},
      {"runner", "init", "--name", "Bad Name", "--plane", "p"},
      {"lane", "list"},
      {"lane", "show", "nope"},
      {"lane", "check", "nope"},
      {"lane", "new", "x", "--from", (home.path() / "notes.txt").string()},
      {"state", "list", "--lane", "drill"},
      {"state", "show", "a/b#c", "--lane", "drill"},
      {"run", "list"},
      {"run", "show", "last"},
      {"run", "follow", "last"},
      {"run", "show", "../../etc/passwd"},
      {"docter"},
      {"run", "lst"}};
  for (auto words : commands) {
    const std::string name = join(words, " ");
    words.push_back("--json");
    const Ran ran = home.run(words);
    EXPECT_FALSE(ran.json().is_null()) << name;
    if (ran.code != 0 && ran.json().contains("errors")) {
      const Json error = ran.json()["errors"][0];
      for (const char* member : {"code", "class", "message", "next"})
        EXPECT_FALSE(get_string(error, member).empty()) << name;
    }
  }
}

TEST(Command, refuses_hostile_run_ids_in_one_printable_line) {
  const Home home;
  { (void)home.ledger(); }
  for (const std::string& id :
       {std::string("../../etc/passwd"), std::string("a\nb"), std::string("\x1b[31mred"),
        std::string("A"), std::string("r/../x"), std::string(5000, 'a'), std::string("\xff\xfe")})
    for (const char* verb : {"show", "follow", "resume", "cancel"}) {
      const Ran ran = home.run({"run", verb, "--", id});
      EXPECT_NE(ran.code, 0);
      EXPECT_LT(ran.code, 100) << "died of a signal";
      EXPECT_EQ(ran.out.find('\x1b'), std::string::npos);
      EXPECT_EQ(ran.err.find('\x1b'), std::string::npos);
      EXPECT_EQ(ran.err.find("a\nb"), std::string::npos);
    }
}

TEST(Command, says_that_there_is_no_ledger_instead_of_making_one) {
  const Home home;
  const Ran shown = home.run({"run", "show", "last"});
  EXPECT_EQ(shown.code, 5);
  EXPECT_TRUE(shown.says("cli.ledger.none"));
  EXPECT_EQ(home.run({"run", "list"}).code, 0);
  EXPECT_EQ(home.run({"run", "list", "--json"}).json()["runs"], Json::array());
  EXPECT_FALSE(fs::exists(home.path() / "ledger.db"));
}

TEST(Command, refuses_a_ledger_that_is_none) {
  const Home home;
  home.write("ledger.db", std::string(8192, 'x'));
  for (const char* verb : {"list", "show"}) {
    const Ran ran =
        std::string(verb) == "list" ? home.run({"run", verb}) : home.run({"run", verb, "last"});
    EXPECT_NE(ran.code, 0);
    EXPECT_TRUE(ran.says("ledger.")) << ran.err;
    EXPECT_TRUE(ran.says("next: "));
  }
}

TEST(Command, says_what_to_do_where_the_home_cannot_be_written) {
  // /proc takes no files from anybody, root included.
  const Ran init = Home::run_exactly({HYOPS_BUILD_DIR "/bin/hyops", "runner", "init", "--name", "a",
                                      "--plane", "b", "--home", "/proc/hyops"});
  EXPECT_NE(init.code, 0);
  EXPECT_TRUE(init.says("next: ")) << init.err;
  const Ran doctor =
      Home::run_exactly({HYOPS_BUILD_DIR "/bin/hyops", "doctor", "--json", "--home", "/proc"});
  EXPECT_EQ(doctor.code, 1);
  bool said = false;
  const Json answer = doctor.json();
  for (const auto& finding : answer["findings"])
    said = said || (finding["area"] == "disk" && finding["level"] == "bad");
  EXPECT_TRUE(said) << doctor.out;
}

TEST(Explain, knows_every_code_it_lists) {
  const Home home;
  const Json codes = home.run({"explain", "--json"}).json()["codes"];
  ASSERT_GT(codes.size(), 50u);
  for (size_t i = 0; i < codes.size(); i += 40) {
    const Ran one = home.run({"explain", codes[i]["code"].get<std::string>()});
    EXPECT_EQ(one.code, 0);
    EXPECT_TRUE(one.says("next: "));
  }
}

}  // namespace
}  // namespace hyops::test
