// A record is complete, readable without us, and no byte of it can change unnoticed (G4, G5).
#include "support.hpp"

#include <map>
#include <random>

#include "base/text.hpp"

namespace hyops::record {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  auto lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::vector<std::string> files_of(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(folder).string());
  return names;
}

void put(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

// Writes SHA256SUMS anew for the changed folder, signed: what an insider with the key would do.
void sign_again(RecordTest& test) {
  auto names = files_of(test.to);
  std::sort(names.begin(), names.end());
  std::string sums;
  for (const auto& name : names)
    if (!name.starts_with("SHA256SUMS"))
      sums += sha256_hex(read_file(test.to / name).value()) + "  " + name + "\n";
  put(test.to / "SHA256SUMS", sums);
  put(test.to / "SHA256SUMS.minisig", test.sign(sums).value());
}

TEST_F(RecordTest, is_verified_by_sha256sum_and_minisign_alone) {
  whole_run();
  ASSERT_TRUE(export_it());
  EXPECT_EQ(run_tool({"sha256sum", "--strict", "-c", "SHA256SUMS"}, to), 0);
  EXPECT_EQ(run_tool({"minisign", "-V", "-p", "../key.pub", "-m", "SHA256SUMS", "-x",
                      "SHA256SUMS.minisig"},
                     to),
            0);
  for (const char* name :
       {"run.json", "plan.json", "inputs.json", "approvals/alice.json", "decision.json",
        "events.jsonl", "steps/restore/log.txt", "steps/restore/probes.json",
        "steps/restore/outputs.json", "http.jsonl", "verdict.json", "report.html"})
    EXPECT_TRUE(fs::exists(to / name)) << name;
  EXPECT_EQ("sha256:" + sha256_hex(text_of("plan.json")), digest_of_json(plan()).value());
  EXPECT_EQ(parse_json(text_of("steps/restore/outputs.json"), "").value()["recovered_lsn"],
            "0/5000148");
  EXPECT_EQ(text_of("steps/restore/log.txt"), "restore did its work\n");
  EXPECT_EQ(lines_of(text_of("http.jsonl")).size(), 1u);

  const auto result = verified();
  EXPECT_TRUE(result.clean) << (result.findings.empty() ? "" : result.findings[0].what);
  EXPECT_EQ(result.signer, "runner-cloud");
  EXPECT_EQ(result.events, static_cast<int64_t>(lines_of(text_of("events.jsonl")).size()));
}

TEST_F(RecordTest, lets_anybody_check_an_event_by_hand_as_the_readme_says) {
  whole_run();
  ASSERT_TRUE(export_it());
  const std::string readme =
      read_file(fs::path(HYOPS_SOURCE_DIR) / "core/record/README.md").value();
  const size_t at = readme.find("sed -n 3p events.jsonl");
  ASSERT_NE(at, std::string::npos);
  const std::string command = readme.substr(at, readme.find('\n', at) - at);
  ASSERT_EQ(run_tool({"sh", "-c", command}, to, folder.path() / "by-hand"), 0);
  const auto third = parse_json(lines_of(text_of("events.jsonl"))[2], "").value();
  EXPECT_EQ(read_file(folder.path() / "by-hand").value().substr(0, 64), get_string(third, "hash"));
}

TEST_F(RecordTest, leaves_nothing_beside_its_place_and_never_writes_over_another) {
  whole_run();
  ASSERT_TRUE(export_it());
  EXPECT_EQ(export_it().error().code, "record.exists");
  const auto other = folder.path() / "unsigned";
  const auto failed = export_run(
      ledger, run, steps, Redactor::create({}).value(),
      [](std::string_view) -> Result<std::string> { return fail("trust.key.missing", "no key"); },
      other);
  EXPECT_EQ(failed.error().code, "trust.key.missing");
  EXPECT_FALSE(fs::exists(other));
  for (const auto& entry : fs::directory_iterator(folder.path()))
    EXPECT_EQ(entry.path().filename().string().find(".making"), std::string::npos);
  EXPECT_EQ(export_run(ledger, RunId("nobody"), steps, Redactor::create({}).value(), {}, other)
                .error()
                .code,
            "ledger.run.unknown");
}

TEST_F(RecordTest, gives_every_step_its_end_also_when_the_run_crashed) {
  begin();
  phase("fence", true);
  good_step("fence", 100);
  phase("place", true);
  event("step.intent", {{"step", "db-host"}, {"attempt", 1}});
  ASSERT_TRUE(export_it());
  const auto told = parse_json(text_of("verdict.json"), "").value();
  std::map<std::string, std::string> endings;
  for (const auto& step : told["steps"]) {
    endings[get_string(step, "id")] = get_string(step, "ending");
    if (get_string(step, "ending") != "ok") {
      EXPECT_FALSE(get_string(step, "reason").empty()) << step;
    }
  }
  EXPECT_EQ(endings, (std::map<std::string, std::string>{{"fence", "ok"},
                                                         {"db-host", "unknown"},
                                                         {"restore", "not_run"},
                                                         {"cutover", "not_run"},
                                                         {"notify", "not_run"}}));
  EXPECT_EQ(told["headline"]["word"], "Still running");
  EXPECT_TRUE(verified().clean);

  fs::remove_all(to);
  ASSERT_TRUE(ledger.set_status(run, "unknown"));
  ASSERT_TRUE(export_it());
  EXPECT_EQ(parse_json(text_of("verdict.json"), "").value()["headline"]["word"], "Outcome unknown");
}

// It failed, the run was resumed, and its core died: what the first attempt ended as is not the
// end.
TEST_F(RecordTest, says_unknown_of_a_step_that_was_begun_again_after_it_had_failed) {
  begin();
  phase("fence", true);
  event("step.intent", {{"step", "fence"}, {"attempt", 1}});
  event("step.outcome", {{"step", "fence"}, {"attempt", 1}, {"status", "failed"}, {"ms", 5}});
  event("step.ended", {{"step", "fence"}, {"ending", "failed"}, {"reason", "no route"}});
  event("run.resumed", {{"runner", {{"name", "cloud"}}}});
  event("step.intent", {{"step", "fence"}, {"attempt", 2}});
  ASSERT_TRUE(export_it());
  const Json fence = parse_json(text_of("verdict.json"), "").value()["steps"][0];
  EXPECT_EQ(fence["ending"], "unknown");
  EXPECT_NE(fence["reason"], "no route");
  EXPECT_FALSE(fence.contains("ended_ms"));
}

TEST_F(RecordTest, measures_recovery_from_the_decision_and_says_what_was_not_measured) {
  whole_run();
  ASSERT_TRUE(export_it());
  const auto told = summary(to).value();
  EXPECT_EQ(told["rto_from"], "decision");
  EXPECT_EQ(told["rto_met"], true);
  EXPECT_EQ(told["rpo"]["rows_acknowledged"], 1841);
  EXPECT_EQ(told["approvals"][0]["approver"], "alice");
  EXPECT_EQ(told["not_run"][0]["reason"], "the lane has no mail gateway");
  EXPECT_EQ(told["headline"]["word"], "Completed");
  EXPECT_EQ(told, parse_json(text_of("verdict.json"), "").value());
}

TEST_F(RecordTest, redacts_once_more_and_says_so) {
  whole_run();
  event("marker", {{"name", "leak"}, {"text", "the password is correct horse battery"}});
  log("restore", 2, "PGPASSWORD=correct horse battery\n");
  ASSERT_TRUE(ledger.put_document(run, "note.json", "{\"x\":\"correct horse battery\"}"));
  std::vector<Redactor::Named> secrets;
  secrets.push_back({"db", Secret("correct horse battery")});
  ASSERT_TRUE(export_it(Redactor::create(secrets).value()));
  for (const auto& name : files_of(to))
    EXPECT_EQ(text_of(name).find("correct horse"), std::string::npos) << name;
  EXPECT_NE(text_of("steps/restore/log.txt").find("--- attempt 2 ---\nPGPASSWORD=[redacted:db]"),
            std::string::npos);
  const auto about = parse_json(text_of("run.json"), "").value();
  EXPECT_EQ(about["redacted_events"], 1);
  EXPECT_EQ(about["redacted"], (Json{"events.jsonl", "note.json"}));
  EXPECT_TRUE(verified().clean);  // and the chain still holds
}

TEST_F(RecordTest, names_every_file_in_which_any_byte_changed) {
  whole_run();
  ASSERT_TRUE(export_it());
  std::mt19937 dice(7);
  for (const auto& name : files_of(to)) {
    const std::string before = text_of(name);
    if (before.empty()) continue;
    for (int i = 0; i < 6; ++i) {
      std::string changed = before;
      const size_t at = i == 0 ? 0 : i == 1 ? before.size() - 1 : dice() % before.size();
      changed[at] = static_cast<char>(changed[at] ^ (1 << (dice() % 8)));
      put(to / name, changed);
      const auto result = verified();
      // minisign does not look at the untrusted comment, so a byte of it may change without harm.
      if (name == "SHA256SUMS.minisig" && at < before.find('\n')) continue;
      EXPECT_FALSE(result.clean) << name << " byte " << at;
      bool named = false;
      for (const auto& finding : result.findings)
        named = named || finding.what.find(name) != std::string::npos;
      EXPECT_TRUE(named) << name << " byte " << at << ": "
                         << (result.findings.empty() ? "" : result.findings[0].what);
    }
    put(to / name, before);
  }
  EXPECT_TRUE(verified().clean);
}

TEST_F(RecordTest, names_missing_extra_renamed_and_linked_files) {
  whole_run();
  ASSERT_TRUE(export_it());
  const std::string kept = text_of("steps/restore/log.txt");
  fs::rename(to / "steps/restore/log.txt", to / "steps/restore/old.txt");
  EXPECT_TRUE(finds("record.file.renamed"));
  fs::remove(to / "steps/restore/old.txt");
  EXPECT_TRUE(finds("record.file.missing"));
  fs::create_symlink("/etc/hostname", to / "steps/restore/log.txt");
  EXPECT_TRUE(finds("record.file.link"));
  fs::remove(to / "steps/restore/log.txt");
  put(to / "steps/restore/log.txt", kept);
  EXPECT_TRUE(verified().clean);
  put(to / "notes.txt", "trust me");
  EXPECT_TRUE(finds("record.file.extra"));
  fs::remove(to / "notes.txt");
  fs::create_directory_symlink("/etc", to / "more");
  EXPECT_TRUE(finds("record.file.link"));
  fs::remove(to / "more");
  ASSERT_EQ(::mkfifo((to / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(finds("record.file.link"));
  fs::remove(to / "pipe");
  fs::remove(to / "SHA256SUMS");
  EXPECT_TRUE(finds("record.sums.missing"));
  EXPECT_EQ(verify(folder.path() / "nowhere", verifier()).error().code, "record.unreadable");
}

TEST_F(RecordTest, follows_no_hostile_name_out_of_the_folder) {
  whole_run();
  ASSERT_TRUE(export_it());
  const std::string sums = text_of("SHA256SUMS"), digest = sha256_hex("");
  for (const std::string name :
       {"../key.pub", "/etc/passwd", "steps/../../key.pub", "./run.json", "a//b", "steps\\..\\x"}) {
    put(to / "SHA256SUMS", sums + digest + "  " + name + "\n");
    EXPECT_TRUE(finds("record.file.name")) << name;
  }
  put(to / "SHA256SUMS", sums + "not a digest  x\n");
  EXPECT_TRUE(finds("record.sums.malformed"));
  auto lines = lines_of(sums);
  std::swap(lines[0], lines[1]);
  put(to / "SHA256SUMS", join(lines, "\n") + "\n");
  EXPECT_TRUE(finds("record.sums.unsorted"));
  put(to / "SHA256SUMS", sums + lines_of(sums).back() + "\n");
  EXPECT_TRUE(finds("record.sums.duplicate"));
}

// The chain finds what happened to the events even where somebody with the key signed the result.
TEST_F(RecordTest, names_what_was_done_to_the_events_also_under_a_good_signature) {
  whole_run();
  ASSERT_TRUE(export_it());
  const std::string before = text_of("events.jsonl");
  const auto lines = lines_of(before);
  const auto with = [&](std::vector<std::string> changed) {
    put(to / "events.jsonl", join(changed, "\n") + "\n");
    sign_again(*this);
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    auto dropped = lines;
    dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(i));
    with(dropped);
    EXPECT_TRUE(finds(i + 1 == lines.size() ? "record.event.truncated" : "record.event.missing"))
        << "dropped " << i;

    auto twice = lines;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    with(twice);
    EXPECT_TRUE(finds("record.event.duplicate")) << "twice " << i;

    if (i + 1 < lines.size()) {
      auto swapped = lines;
      std::swap(swapped[i], swapped[i + 1]);
      with(swapped);
      EXPECT_TRUE(finds("record.event.reordered")) << "swapped " << i;
      with({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(i + 1)});
      EXPECT_TRUE(finds("record.event.truncated")) << "cut behind " << i;
    }
    auto changed = lines;
    changed[i].replace(changed[i].find("\"body\":{"), 8, "\"body\":{ ");
    with(changed);
    EXPECT_TRUE(finds("record.event.changed")) << "changed " << i;
  }
  put(to / "events.jsonl", before.substr(0, before.size() - 5));
  sign_again(*this);
  EXPECT_TRUE(finds("record.event.truncated"));

  // A forger who mends the hash of one line breaks the link to the next.
  auto forged = lines;
  std::string head = forged[3].substr(0, forged[3].size() - 75);
  head.replace(head.find("\"body\":{"), 8, "\"body\":{\"forged\":1,");
  forged[3] = ledger::event_line(head + "}", sha256_hex(head + "}"));
  with(forged);
  EXPECT_TRUE(finds("record.event.changed"));
}

TEST_F(RecordTest, finds_files_that_contradict_the_events_also_under_a_good_signature) {
  whole_run();
  ASSERT_TRUE(export_it());
  const auto with = [&](const std::string& name, const std::string& from, const std::string& into) {
    const std::string before = text_of(name);
    std::string changed = before;
    EXPECT_NE(before.find(from), std::string::npos) << name << " lacks " << from;
    if (const size_t at = before.find(from); at != std::string::npos)
      changed.replace(at, from.size(), into);
    put(to / name, changed);
    sign_again(*this);
    std::string codes;
    for (const auto& finding : verified().findings) codes += finding.code + " ";
    put(to / name, before);
    return codes;
  };
  const auto has = [](const std::string& codes, const char* code) {
    return codes.find(code) != std::string::npos;
  };
  EXPECT_TRUE(has(with("plan.json", "\"epoch\":3", "\"epoch\":4"), "record.plan.changed"));
  EXPECT_TRUE(
      has(with("run.json", "\"chain_head\": \"", "\"chain_head\": \"0"), "record.chain.head"));
  EXPECT_TRUE(has(with("verdict.json", "\"ending\": \"ok\"", "\"ending\": \"failed\""),
                  "record.verdict.differs"));
  EXPECT_TRUE(
      has(with("steps/restore/outputs.json", "0/5000148", "0/6000148"), "record.step.outputs"));
  EXPECT_TRUE(has(with("steps/restore/probes.json", text_of("steps/restore/probes.json"), "[]\n"),
                  "record.step.probes"));
  EXPECT_TRUE(has(with("http.jsonl", text_of("http.jsonl"), ""), "record.http.differs"));
  EXPECT_TRUE(has(with("approvals/alice.json", "\"plan\":\"sha256:", "\"plan\":\"sha256:f"),
                  "record.approval.other_plan"));
  EXPECT_TRUE(has(with("decision.json", "d-17", "d-18"), "record.approval.other_decision"));
  sign_again(*this);
  EXPECT_TRUE(verified().clean);
}

TEST_F(RecordTest, is_not_believed_from_a_signer_nobody_knows) {
  whole_run();
  ASSERT_TRUE(export_it());
  const auto result = verify(to, [](std::string_view, std::string_view) -> Result<std::string> {
                        return fail("trust.signature.unknown_key", "the key 0123 is not known");
                      }).value();
  EXPECT_FALSE(result.clean);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].code, "record.signature.unknown");
}

TEST_F(RecordTest, reports_are_complete_and_let_nothing_through) {
  whole_run();
  event("step.probe", {{"step", "restore"},
                       {"attempt", 1},
                       {"probe", "<script>alert(1)</script>"},
                       {"ok", false},
                       {"expected", "a&b"},
                       {"found", "\x1b[31m\"'"}});
  ASSERT_TRUE(export_it());
  const std::string html = text_of("report.html");
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(html.find('\x1b'), std::string::npos);
  EXPECT_EQ(html.find(folder.path().string()), std::string::npos);
  for (const char* outside : {"src=", "href=", "url(", "@import"})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  const auto told = summary(to).value();
  const std::string text = text_report(told, false);
  for (const char* wanted : {"Completed", "alice", "restore", "the lane has no mail gateway",
                             "http://10.77.3.1:7077/v1/hosts", "three of three", "sha256sum"}) {
    EXPECT_NE(html.find(wanted), std::string::npos) << wanted;
    EXPECT_NE(text.find(wanted), std::string::npos) << wanted;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  for (const auto& line : lines_of(text)) {
    size_t cells = 0;
    for (const char c : line) cells += (c & 0xc0) != 0x80;
    EXPECT_LE(cells, 100u) << line;
  }
}

}  // namespace
}  // namespace hyops::record
