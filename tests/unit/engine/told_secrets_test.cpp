// A tool that tells its secret wherever it can: nobody who reads of it afterwards learns it (K1,
// K2).
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "support/telling.hpp"
#include "support/watch.hpp"

using namespace hyops;
using hyops::tests::Listener;
using hyops::tests::takes_a_secret;
using hyops::tests::Telling;
namespace fs = std::filesystem;

namespace {

// Writes the secret, in four spellings, to everything that a tool is asked to write. The last one
// is plain to whoever reads JSON, and to nobody who reads a log.
const char* tell_all =
    "f=\"$HYOPS_SECRETS/password\"\n"
    "hex=$(od -An -v -tx1 \"$f\" | tr -d ' \\n')\n"
    "hidden=$(printf %s \"$hex\" | sed 's/../\\\\u00&/g')\n"
    "all=\"$(cat \"$f\") $(base64 -w0 \"$f\") $hex\"\n"
    "echo \"$all\"\n"
    "all=\"$all $hidden\"\n"
    "printf '{\"permille\":500,\"note\":\"%s\"}\\n' \"$all\" >> \"$HYOPS_PROGRESS\"\n"
    "printf '{\"probe\":\"told\",\"ok\":true,\"expected\":\"%s\",\"found\":{\"%s\":1}}\\n' "
    "\"$all\" "
    "\"$all\" >> \"$HYOPS_PROBES\"\n";
const char* give = "printf '{\"said\":\"%s\"}' \"$all\" > \"$HYOPS_OUTPUTS\"\n";
const char* complain =
    "printf '{\"class\":\"invalid\",\"message\":\"%s\"}' \"$all\" > \"$HYOPS_OUTPUTS.error\"\n"
    "exit 4\n";
constexpr const char* four_times = "[redacted:db] [redacted:db] [redacted:db] [redacted:db]";

}  // namespace

TEST(ToldSecrets, are_found_nowhere_when_the_run_has_ended) {
  Telling site;
  site.tool("give", takes_a_secret, std::string(tell_all) + give);
  site.tool("complain", takes_a_secret, std::string(tell_all) + complain);
  site.blueprint(Telling::step("give") + Telling::step("complain"));
  auto id = site.admit(site.plan());
  ASSERT_TRUE(id) << id.error().text();
  site.last = *id;
  Listener listener;
  EXPECT_EQ(engine::execute(site.setup, *site.ledger, *id, listener).value(), "failed");
  EXPECT_EQ(site.endings(),
            (std::map<std::string, std::string>{{"complain", "failed"}, {"give", "ok"}}));
  EXPECT_EQ(site.ledger->slot("drill", "test/give#give").value().value,
            (Json{{"said", four_times}}));
  EXPECT_NE(site.events("step.outcome")[0].find(four_times), std::string::npos);
  EXPECT_NE(site.events("step.outcome")[1].find(four_times), std::string::npos);
  EXPECT_EQ(site.events("secret.resolved").size(), 2u) << "once for both steps";
  EXPECT_NE(listener.heard.find(four_times), std::string::npos) << "notes are shown";
  site.expect_told_nowhere(listener.heard);
  EXPECT_TRUE(site.verify().clean);
}

// The new core finds the tool again; what must not be shown it may not even be able to ask for.
TEST(ToldSecrets, are_found_nowhere_when_the_core_was_killed_while_the_tool_told_them) {
  for (const bool authority_is_gone : {false, true}) {
    SCOPED_TRACE(authority_is_gone ? "without its authority" : "with its authority");
    Telling site;
    const std::string go = (site.path() / "go").string();
    ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
    site.tool("give", takes_a_secret, "read x < " + go + "\n" + std::string(tell_all) + give);
    site.blueprint(Telling::step("give"));
    auto id = site.admit(site.plan());
    ASSERT_TRUE(id) << id.error().text();
    site.last = *id;
    site.ledger.reset();
    const pid_t core = ::fork();
    if (core == 0) {
      auto ledger = ledger::Ledger::open(site.setup.ledger());
      tests::Quiet quiet;
      if (ledger) (void)engine::execute(site.setup, *ledger, *id, quiet);
      ::_exit(0);
    }
    Fd gate(::open(go.c_str(), O_WRONLY | O_CLOEXEC));  // waits for the tool to read
    ::kill(core, SIGKILL);
    ::waitpid(core, nullptr, 0);
    if (authority_is_gone) fs::remove(site.bundle());
    site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
    EXPECT_TRUE(write_all(gate.get(), "on\n"));
    gate.reset();
    Listener listener;
    EXPECT_EQ(engine::execute(site.setup, *site.ledger, *id, listener).value(), "ok");
    EXPECT_EQ(site.events("step.intent").size(), 1u) << "it was found again, not repeated";
    EXPECT_EQ(site.ledger->slot("drill", "test/give#give").value().value,
              (Json{{"said", four_times}}));
    site.expect_told_nowhere(listener.heard);
    EXPECT_TRUE(site.verify().clean);
  }
}

TEST(ToldSecrets, go_with_a_tool_whose_step_host_was_killed) {
  Telling site;
  const std::string go = (site.path() / "go").string();
  ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
  site.tool("give", takes_a_secret,
            std::string(tell_all) + give + "echo told\nread x < " + go + "\n");
  site.blueprint(Telling::step("give"));
  auto id = site.admit(site.plan());
  ASSERT_TRUE(id) << id.error().text();
  site.last = *id;
  const fs::path folder = site.setup.step_folder(id->value, "give") / "1";
  std::thread killer([&] {
    const Fd gate(::open(go.c_str(), O_WRONLY | O_CLOEXEC));  // waits for the tool to read
    tests::until_log_has(folder, "told\n");
    const auto host = parse_json(read_file(folder / "host.json").value(), "host").value();
    ::kill(static_cast<pid_t>(get_int(host, "pid")), SIGKILL);
  });
  Listener listener;
  EXPECT_EQ(engine::execute(site.setup, *site.ledger, *id, listener).value(), "unknown");
  killer.join();
  site.expect_told_nowhere(listener.heard);
}

// A plugin answers in the middle of the core: what it gives becomes state without passing a host.
TEST(ToldSecrets, of_a_plugin_do_not_become_the_lanes_state) {
  Telling site;
  site.tool("give", takes_a_secret, std::string(tell_all) + give);
  site.plugin("speaking", {"hyops.provider/1"}, "requires = [\"hyops.unseal/1\"]\n");
  site.verb("open",
            "[inputs.service]\ntype = \"string\"\nrequired = true\n[inputs.sealed]\ntype = "
            "\"string\"\nrequired = true\n[outputs.bytes]\ntype = \"string\"\n[effects]\n",
            "[plugin]\nplugin = \"test.speaking\"\ninterface = \"hyops.provider/1\"\nverb = "
            "\"apply\"\n");
  const auto seal = trust::SealKey::load(site.setup.seal_key()).value();
  site.blueprint(Telling::step("give") +
                 "[[step]]\nid = \"open\"\nmodule = \"test/open\"\nphase = \"readiness\"\n"
                 "inputs = { service = \"unseal\", sealed = \"" +
                 trust::seal_to(seal.public_text(), site.secret).value() + "\" }\n");
  EXPECT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(site.ledger->slot("drill", "test/open#open").value().value["bytes"], "[redacted:db]");
  site.expect_told_nowhere("");
}
