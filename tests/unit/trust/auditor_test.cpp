// docs/trust.md, executed: an auditor's commands pass on what hyops signs and fail on whatever was
// changed.
#include <regex>
#include <sstream>

#include "support.hpp"

using namespace hyops;
using namespace hyops::trust;

namespace {

std::vector<std::string> commands_of_the_page() {
  const std::string page = read_file(HYOPS_SOURCE_DIR "/docs/trust.md").value_or("");
  std::vector<std::string> blocks;
  for (size_t at = page.find("```sh\n"); at != std::string::npos; at = page.find("```sh\n", at)) {
    at += 6;
    const size_t end = page.find("```", at);
    blocks.push_back(page.substr(at, end - at));
    at = end + 3;
  }
  return blocks;
}

// The folder the page asks for, made as the runner, the people and the vendor make it.
class Auditor : public Folder {
 protected:
  void SetUp() override {
    Folder::SetUp();
    for (const char* folder : {"record/approvals", "plugin", "keys"})
      fs::create_directories(path(folder));
    const auto edge = key("edge"), alice = key("alice"), runner = key("runner"),
               vendor = key("vendor");

    write_signed("decision", "record/decision.json", to_document(good_decision()).value(), edge);
    put("plugin/plugin.so",
        "\x7f"
        "ELF and more");
    write_signed("plugin", "plugin/plugin.toml",
                 "id = \"com.acme.compute\"\n\n[files]\n\"plugin.so\" = \"" +
                     sha256_hex(get("plugin/plugin.so")) + "\"\n",
                 vendor);
    const Json plan{
        {"plan", 1},
        {"decision", {{"digest", digest_of(get("record/decision.json"))}, {"id", "d-1"}}},
        {"steps",
         {{{"plugin",
            {{"digest", digest_of(get("plugin/plugin.toml"))}, {"id", "com.acme.compute"}}}}}}};
    put("record/plan.json", canonical(plan).value());
    Approval approval;
    approval.approver = "alice";
    approval.decision = digest_of(get("record/decision.json"));
    approval.plan = digest_of_json(plan).value();
    approval.lane = "drill";
    approval.blast_radius = digest_of("{}");
    approval.from_ms = noon;
    approval.until_ms = noon + hour;
    approval.nonce = "0123456789abcdef";
    write_signed("approval", "record/approvals/alice.json", to_document(approval).value(), alice);
    const auto witness = key("witness");
    Statement statement;
    statement.by = "alice";
    statement.lane = "drill";
    statement.run = "r1";
    statement.step = "restore";
    statement.choice = "retry";
    statement.reason = "db1 is empty";
    fs::create_directories(path("record/statements"));
    write_signed("statement", "record/statements/restore-1.json", to_document(statement).value(),
                 alice);
    put_events(
        {{"seen", "stated"}, {"statement", digest_of(get("record/statements/restore-1.json"))}});
    put_checkpoints(runner, witness);

    std::string sums;
    for (const char* file : {"approvals/alice.json", "approvals/alice.json.minisig",
                             "checkpoints/000001.json", "checkpoints/000001.json.minisig",
                             "checkpoints/000002.json", "checkpoints/000002.json.minisig",
                             "decision.json", "decision.json.minisig", "events.jsonl", "plan.json",
                             "statements/restore-1.json", "statements/restore-1.json.minisig"})
      sums += sha256_hex(get(std::string("record/") + file)) + "  " + file + "\n";
    write_signed("record", "record/SHA256SUMS", sums, runner);
  }

  // Three events as they stand in a record; the last one with this body.
  void put_events(const Json& last) {
    std::string previous = sha256_hex("r1"), lines;
    for (int seq = 1; seq <= 3; ++seq) {
      const std::string text = canonical({{"body", seq == 3 ? last : Json{{"n", seq}}},
                                          {"previous", previous},
                                          {"run", "r1"},
                                          {"seq", seq},
                                          {"type", seq == 3 ? "step.reconciled" : "fact"},
                                          {"wall_ms", noon}})
                                   .value();
      previous = sha256_hex(text);
      heads.push_back(previous);
      lines += text.substr(0, text.size() - 1) + ",\"hash\":\"" + previous + "\"}\n";
    }
    put("record/events.jsonl", lines);
  }

  void put_checkpoints(const SecretKey& runner, const SecretKey& witness) {
    fs::create_directories(path("record/checkpoints"));
    std::vector<SignedDocument> shown;
    std::string previous = digest_of("r1");
    for (int64_t number = 1; number <= 2; ++number) {
      const Checkpoint checkpoint{
          1,        number, "r1", "drill", 4, number + 1, heads[static_cast<size_t>(number)],
          previous, noon};
      const std::string document = to_document(checkpoint).value(),
                        name = "record/checkpoints/" + checkpoint_name(number) + ".json";
      write_signed("checkpoint", name, document, runner);
      shown.push_back({name, document, get(name + ".minisig")});
      previous = digest_of(document);
    }
    EXPECT_EQ(Witness(path("witness")).take(shown, {runner.public_key()}, &witness, noon).value(),
              2);
  }

  std::vector<std::string> heads;  // of the events

  SecretKey key(const std::string& name) {
    auto made = new_key();
    put("keys/" + name + ".pub", public_key_file(made.public_key()));
    return made;
  }

  void write_signed(const std::string& comment, const std::string& name, const std::string& text,
                    const SecretKey& by) {
    put(name, text);
    put(name + ".minisig", by.sign(text, comment).value());
  }

  // The first block of the page that fails, or nothing.
  std::string failing() {
    for (const auto& block : commands_of_the_page()) {
      put("block", "cd '" + path("").string() + "'\n" + block);
      if (run({"sh", "-e", path("block")}) != 0) return block;
    }
    return "";
  }
};

}  // namespace

TEST_F(Auditor, finds_what_hyops_signed_in_order) {
  ASSERT_GE(commands_of_the_page().size(), 6u);
  EXPECT_EQ(failing(), "");
}

TEST_F(Auditor, notices_one_changed_byte_in_any_file) {
  for (const char* name :
       {"record/SHA256SUMS", "record/decision.json", "record/plan.json", "record/events.jsonl",
        "record/approvals/alice.json", "plugin/plugin.toml", "plugin/plugin.so"}) {
    const std::string good = get(name);
    std::string changed = good;
    changed[changed.size() / 2] ^= 1;
    put(name, changed);
    EXPECT_NE(failing(), "") << name;
    put(name, good);
  }
  EXPECT_EQ(failing(), "");
}

TEST_F(Auditor, notices_a_second_story_under_the_runners_own_signature) {
  const auto tell_anew = [&] {
    const auto runner = key("runner");  // as if it were the same: what follows needs it everywhere
    heads.clear();
    put_events({{"seen", "stated"},
                {"statement", digest_of(get("record/statements/restore-1.json"))},
                {"told", "anew"}});
    const auto somebody = key("somebody");
    fs::rename(path("witness"), path("before"));
    put_checkpoints(runner, somebody);
    fs::remove_all(path("witness"));
    fs::rename(path("before"), path("witness"));
    std::string sums;
    for (std::istringstream lines(get("record/SHA256SUMS")); !lines.eof();) {
      std::string line;
      std::getline(lines, line);
      if (line.size() > 66)
        sums += sha256_hex(get("record/" + line.substr(66))) + "  " + line.substr(66) + "\n";
    }
    write_signed("record", "record/SHA256SUMS", sums, runner);
    // The first story was signed by the same key, too.
    for (const char* name : {"000001.json", "000002.json"})
      write_signed("checkpoint", std::string("witness/r1/") + name,
                   get(std::string("witness/r1/") + name), runner);
  };
  tell_anew();
  const std::string block = failing();
  EXPECT_NE(block.find("cmp"), std::string::npos) << block;
}

TEST_F(Auditor, notices_a_statement_that_nobody_or_another_signed) {
  const std::string statement = get("record/statements/restore-1.json");
  write_signed("statement", "record/statements/restore-1.json", statement, key("mallory"));
  std::string sums = get("record/SHA256SUMS");
  const auto runner = key("runner");
  const size_t at = sums.find("  statements/restore-1.json.minisig");
  ASSERT_NE(at, std::string::npos);
  sums.replace(at - 64, 64, sha256_hex(get("record/statements/restore-1.json.minisig")));
  write_signed("record", "record/SHA256SUMS", sums, runner);
  for (const char* name : {"000001.json", "000002.json"})
    for (const char* folder : {"record/checkpoints/", "witness/r1/"})
      write_signed("checkpoint", std::string(folder) + name, get(std::string(folder) + name),
                   runner);
  EXPECT_NE(failing(), "");
}

TEST_F(Auditor, notices_files_that_were_added_or_are_missing) {
  put("record/approvals/mallory.json", "{}");
  EXPECT_NE(failing(), "");
  fs::remove(path("record/approvals/mallory.json"));
  EXPECT_EQ(failing(), "");
  fs::remove(path("record/events.jsonl"));
  EXPECT_NE(failing(), "");
}

TEST_F(Auditor, notices_an_approval_of_another_plan_though_every_signature_is_good) {
  const std::string plan = get("record/plan.json");
  const auto runner = key("runner");
  put("record/plan.json", plan.substr(0, plan.size() - 1) + ",\"title\":\"another\"}");
  std::string sums = get("record/SHA256SUMS");
  const size_t at = sums.find(sha256_hex(plan));
  ASSERT_NE(at, std::string::npos);
  sums.replace(at, 64, sha256_hex(get("record/plan.json")));
  write_signed("record", "record/SHA256SUMS", sums, runner);
  const std::string block = failing();
  EXPECT_NE(block.find("approvals/alice.json"), std::string::npos) << block;
}

TEST_F(Auditor, notices_two_names_with_one_key_though_its_number_was_changed) {
  std::string raw = from_base64(parse_public_key(get("keys/alice.pub"))->text).value();
  raw[2] ^= 1;
  put("keys/bob.pub", public_key_file(parse_public_key(to_base64(raw)).value()));
  const std::string block = failing();
  EXPECT_NE(block.find("same-keys"), std::string::npos) << block;
}
