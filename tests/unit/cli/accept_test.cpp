// The runner's end of a dispatch as its dispatcher sees it: one connection for order, events,
// answer and record.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "engine/transfer.hpp"
#include "support.hpp"
#include "support/site.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using hyops::tests::Site;

namespace {

// `hyops run accept` of this site with its standard input and output in our hands.
struct Accepting {
  explicit Accepting(const Site& site) {
    int in[2], out[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    const Fd in_read(in[0]), out_write(out[1]);
    to = Fd(in[1]);
    from = Fd(out[0]);
    process::SpawnRequest request;
    request.argv = {HYOPS_BUILD_DIR "/bin/hyops",
                    "run",
                    "accept",
                    "--json",
                    "--home",
                    site.setup.home,
                    "--catalog",
                    site.setup.catalog};
    request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
    request.in = in_read.get();
    request.out = out_write.get();
    request.err = STDERR_FILENO;
    child.emplace(process::spawn(request).value());
  }
  std::string line() const {
    std::string out;
    for (char c = 0; ::read(from.get(), &c, 1) == 1 && c != '\n';) out += c;
    return out;
  }
  // Events until the answer.
  Json answer(std::vector<std::string>* types = nullptr) const {
    for (;;) {
      const std::string one = line();
      if (one.empty()) return {};
      const Json said = parse_json(one, "line").value();
      if (!said.contains("type")) return said;
      if (types) types->push_back(said["type"]);
    }
  }
  // The code of the answer, where that is a refusal. The dispatcher reads line by line.
  std::string refusal() const {
    const Json said = answer();
    return said.contains("errors") ? said["errors"].at(0).value("code", "") : said.dump();
  }
  Fd to, from;
  std::optional<process::Child> child;
};

Site waiting_site() {
  Site site;
  site.tool("say", "[outputs.said]\ntype = \"string\"\n[effects]\n",
            "echo '{\"said\": \"hello\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint("[[step]]\nid = \"one\"\nmodule = \"test/say\"\nphase = \"data\"\n");
  return site;
}

std::string order(Site& site) {
  const Json plan = site.plan();
  engine::Admission admission{plan,     {}, {site.approval(plan, site.alice, "alice")},
                              "oncall", "", 0};
  return engine::to_order(admission).dump() + "\n";
}

}  // namespace

TEST(Accept, carries_order_events_answer_and_record_over_one_connection) {
  Site site = waiting_site();
  Accepting runner(site);
  ASSERT_TRUE(write_all(runner.to.get(), order(site)));
  std::vector<std::string> types;
  const Json answer = runner.answer(&types);
  EXPECT_EQ(answer["status"], "ok") << answer.dump();
  EXPECT_NE(std::find(types.begin(), types.end(), "step.outcome"), types.end());
  // What the dispatcher can hold this runner to, before it asks for the record.
  EXPECT_EQ(std::count(types.begin(), types.end(), "run.checkpoint"), 2) << "a phase and the end";
  ASSERT_TRUE(write_all(runner.to.get(), "record\n"));
  const fs::path record = site.path() / "arrived";
  ASSERT_TRUE(engine::receive_record(runner.from.get(), record));
  EXPECT_EQ(runner.child->wait(-1).value()->code, 0);
  EXPECT_TRUE(fs::exists(record / "SHA256SUMS"));
}

TEST(Accept, goes_on_with_the_run_when_the_dispatcher_is_gone) {
  Site site = waiting_site();
  Accepting runner(site);
  ASSERT_TRUE(write_all(runner.to.get(), order(site)));
  runner.line();  // the first event: the order is admitted
  runner.to.reset();
  runner.from.reset();
  ASSERT_TRUE(runner.child->wait(-1));
  // The record is the last thing a run writes.
  const RunId run = site.ledger->runs().value().at(0).id;
  const fs::path record = site.setup.run_folder(run.value) / "record/SHA256SUMS";
  while (!fs::exists(record)) ::poll(nullptr, 0, 10);
  EXPECT_EQ(site.ledger->find_run(run).value()->status, "ok");
}

TEST(Accept, refuses_half_an_order_and_starts_nothing) {
  Site site = waiting_site();
  Accepting runner(site);
  const std::string whole = order(site);
  ASSERT_TRUE(write_all(runner.to.get(), whole.substr(0, whole.size() / 2)));
  runner.to.reset();
  EXPECT_EQ(runner.refusal(), "engine.order.malformed");
  EXPECT_TRUE(site.ledger->runs().value().empty());
}

TEST(Accept, tells_the_dispatcher_that_an_order_is_refused_and_why) {
  Site site = waiting_site();
  const std::string whole = order(site);
  {
    Accepting first(site);
    ASSERT_TRUE(write_all(first.to.get(), whole));
    ASSERT_EQ(first.answer()["status"], "ok");
  }
  Accepting second(site);  // the same approval once more
  ASSERT_TRUE(write_all(second.to.get(), whole));
  EXPECT_EQ(second.refusal(), "ledger.used");
  EXPECT_EQ(second.child->wait(-1).value()->code, 3);
  EXPECT_EQ(site.ledger->runs().value().size(), 1u);
}
