// The state of a lane after a run elsewhere: never older than what is known here (L3), never of
// another lane (G6) or epoch (E9), and never by halves.
#include "engine/transfer.hpp"
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;

namespace {

const char* says =
    "[inputs.text]\ntype = \"string\"\nrequired = true\n[outputs.said]\ntype = "
    "\"string\"\n[effects]\n";
const char* says_it =
    "printf '{\"said\": \"%s\"}' \"$(sed 's/.*\"text\":\"\\([^\"]*\\)\".*/\\1/' "
    "\"$HYOPS_REQUEST\")\" > \"$HYOPS_OUTPUTS\"\n";

// A runner that has run, and the ledger of the dispatcher that ordered it.
struct Ordered : Site {
  Ordered() : there(ledger::Ledger::open(path() / "dispatcher/ledger.db").value()) {
    tool("say", says, says_it);
    blueprint(
        "[[step]]\nid = \"a\"\nmodule = \"test/say\"\nphase = \"egress\"\ninputs = { text = "
        "\"one\" }\n[[step]]\nid = \"b\"\nmodule = \"test/say\"\nphase = \"data\"\ninputs = { "
        "text = \"two\" }\n");
    EXPECT_EQ(run(plan()), "ok");
    order("drill");
  }
  void order(const std::string& lane) {
    auto row = *ledger->find_run(last).value();
    row.lane = lane;
    row.status = "dispatched";
    EXPECT_TRUE(there.create_run(row, ledger->plan_of(last).value(), Json::object()));
  }
  std::string import() {
    auto done = engine::import_state(there, last, record());
    return done ? "imported" : done.error().code;
  }
  // Somebody else writes a slot of the dispatcher's lane.
  void write(const std::string& key, const std::string& run, int64_t epoch) {
    const auto lease = there.take_lease("drill", RunId(run)).value();
    auto slot = there.slot("drill", key).value();
    slot.run = run, slot.epoch = epoch, slot.value = {{"said", run}};
    EXPECT_TRUE(there.put_slot(slot, slot.version, lease.token));
    EXPECT_TRUE(there.release_lease("drill", RunId(run), lease.token));
  }
  ledger::Slot slot(const std::string& id) { return there.slot("drill", "test/say#" + id).value(); }
  ledger::Ledger there;
};

}  // namespace

TEST(ImportState, makes_what_a_run_published_elsewhere_the_lanes_state_here_once) {
  Ordered site;
  EXPECT_EQ(site.import(), "imported");
  EXPECT_EQ(site.slot("a").value, (Json{{"said", "one"}}));
  EXPECT_EQ(site.slot("b").value, (Json{{"said", "two"}}));
  EXPECT_EQ(site.import(), "imported");
  EXPECT_EQ(site.slot("a").version, 1) << "the same record again changes nothing";
  EXPECT_FALSE(site.there.lease("drill").value()) << "the lane is free afterwards";
}

// L3: the run that is imported last did not necessarily run last.
TEST(ImportState, never_goes_backwards_and_then_changes_nothing_at_all) {
  Ordered site;
  site.write("test/say#b", "r-later", 1);
  EXPECT_EQ(site.import(), "engine.state.newer");
  EXPECT_EQ(site.slot("b").run, "r-later");
  EXPECT_EQ(site.slot("a").version, 0) << "half a record is no state";
  EXPECT_FALSE(site.there.lease("drill").value());
}

TEST(ImportState, takes_nothing_of_an_earlier_epoch_over_a_later_one) {
  Ordered site;
  site.write("test/say#a", "r-next-drill", 2);
  // The record's clock was ahead, so that only the epoch tells.
  auto lines = read_file(site.record() / "events.jsonl").value();
  lines.replace(lines.rfind("\"wall_ms\":") + 10, 1, "9");
  ASSERT_TRUE(write_file(site.record() / "events.jsonl", lines));
  EXPECT_EQ(site.import(), "engine.state.newer");
  EXPECT_EQ(site.slot("a").run, "r-next-drill");
}

TEST(ImportState, takes_what_a_resumed_run_published_since_and_no_older_copy_of_it) {
  Site site;
  site.tool("say", says, says_it);
  site.tool(
      "fragile", "[outputs.x]\ntype = \"string\"\n[effects]\n",
      "test -e " + site.path().string() + "/mended\nprintf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint(
      "[[step]]\nid = \"a\"\nmodule = \"test/say\"\nphase = \"egress\"\ninputs = { text = "
      "\"one\" }\n[[step]]\nid = \"b\"\nmodule = \"test/fragile\"\nphase = \"data\"\n");
  ASSERT_EQ(site.run(site.plan()), "failed");
  auto there = ledger::Ledger::open(site.path() / "dispatcher/ledger.db").value();
  ASSERT_TRUE(there.create_run(*site.ledger->find_run(site.last).value(),
                               site.ledger->plan_of(site.last).value(), Json::object()));
  ASSERT_TRUE(copy_tree(site.record(), site.path() / "older"));
  ASSERT_TRUE(engine::import_state(there, site.last, site.record()));
  site.file(site.path() / "mended", "");
  ASSERT_EQ(site.go_on(site.last), "ok");
  ASSERT_TRUE(engine::import_state(there, site.last, site.record()));
  EXPECT_EQ(there.slot("drill", "test/fragile#b").value().value, (Json{{"x", "1"}}));
  ASSERT_TRUE(engine::import_state(there, site.last, site.path() / "older"));
  EXPECT_EQ(there.slot("drill", "test/fragile#b").value().value, (Json{{"x", "1"}}));
}

// G6: a runner of one lane has nothing to say about another.
TEST(ImportState, refuses_the_record_of_another_run_lane_or_plan) {
  Ordered site;
  const RunId asked("r-asked");
  auto row = *site.ledger->find_run(site.last).value();
  row.id = asked;
  ASSERT_TRUE(site.there.create_run(row, site.ledger->plan_of(site.last).value(), Json::object()));
  EXPECT_EQ(engine::import_state(site.there, asked, site.record()).error().code,
            "engine.record.other_run");
  EXPECT_EQ(engine::import_state(site.there, RunId("r-none"), site.record()).error().code,
            "ledger.run.unknown");

  auto prod = ledger::Ledger::open(site.path() / "prod/ledger.db").value();
  row.id = site.last;
  row.lane = "prod";
  ASSERT_TRUE(prod.create_run(row, site.ledger->plan_of(site.last).value(), Json::object()));
  EXPECT_EQ(engine::import_state(prod, site.last, site.record()).error().code,
            "engine.record.other_run");
  EXPECT_TRUE(prod.slots("drill").value().empty());
  EXPECT_TRUE(prod.slots("prod").value().empty());

  auto other_plan = ledger::Ledger::open(site.path() / "plan/ledger.db").value();
  row.lane = "drill";
  row.plan = PlanDigest("sha256:" + std::string(64, '0'));
  ASSERT_TRUE(other_plan.create_run(row, site.ledger->plan_of(site.last).value(), Json::object()));
  EXPECT_EQ(engine::import_state(other_plan, site.last, site.record()).error().code,
            "engine.record.other_run");
}

TEST(ImportState, waits_for_nobody_who_holds_the_lane_and_reads_no_broken_record) {
  Ordered site;
  const auto held = site.there.take_lease("drill", RunId("r-busy")).value();
  EXPECT_EQ(site.import(), "ledger.lease.held");
  ASSERT_TRUE(site.there.release_lease("drill", RunId("r-busy"), held.token));
  const auto plan = read_file(site.record() / "plan.json").value();
  for (const auto& [name, text] :
       {std::pair<std::string, std::string>{"events.jsonl", "{\"type\":"},
        {"events.jsonl", "[]\nnot json\n"},
        {"plan.json", "{}"},
        {"plan.json", plan.substr(0, plan.size() / 2)},
        {"run.json", "[]"}}) {
    const auto before = read_file(site.record() / name).value();
    ASSERT_TRUE(write_file(site.record() / name, text));
    EXPECT_NE(site.import(), "imported") << name << text;
    ASSERT_TRUE(write_file(site.record() / name, before));
  }
  EXPECT_EQ(site.slot("a").version, 0);
  EXPECT_FALSE(site.there.lease("drill").value());
}
