// The same as the page, for a terminal of 100 columns at 3 a.m.
#include <algorithm>

#include "base/text.hpp"
#include "record/page.hpp"
#include "record/record.hpp"

namespace hyops::record {
namespace {

constexpr size_t columns = 100;

// Characters, not bytes: what a terminal shows of UTF-8 (wide ones are rare enough here).
size_t cells(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string fit(const std::string& text, size_t width) {
  std::string out = printable(text, 4 * width);
  if (cells(out) > width) {
    out = printable(out, width - 3);
    while (cells(out) > width) out.pop_back();
  }
  return out + std::string(width - std::min(width, cells(out)), ' ');
}

// Words over as many lines as they need, each behind `indent` spaces.
std::string wrapped(const std::string& text, size_t indent) {
  std::string out, line;
  for (const auto& word : split(printable(text, 2000), ' ')) {
    if (!line.empty() && indent + cells(line) + 1 + cells(word) > columns) {
      out += std::string(indent, ' ') + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + std::string(indent, ' ') + line + "\n";
}

class Page {
 public:
  explicit Page(bool colour) : colour_(colour) {}
  std::string out;

  std::string painted(const std::string& text, const std::string& tone) const {
    if (!colour_) return text;
    const char* code = tone == "good"   ? "32"
                       : tone == "bad"  ? "31"
                       : tone == "warn" ? "33"
                       : tone == "bold" ? "1"
                                        : "2";
    return "\x1b[" + std::string(code) + "m" + text + "\x1b[0m";
  }
  void head(const std::string& text) { out += "\n" + painted(text, "bold") + "\n"; }
  void pair(const std::string& name, const std::string& text) {
    std::string lines = wrapped(text, 16);
    out += "  " + fit(name, 14) + lines.substr(16);
  }
  void line(const std::string& text) {
    std::string whole = "  " + text;
    while (!whole.empty() && whole.back() == ' ') whole.pop_back();
    out += whole + "\n";
  }
  // A remark below a line of a table.
  void note(const std::string& text) {
    if (!text.empty()) out += wrapped(text, 6);
  }

 private:
  bool colour_;
};

void show_steps(const Json& summary, Page& page) {
  page.head("Steps");
  std::string phase;
  for (const auto& step : summary["steps"]) {
    if (get_string(step, "phase") != phase) {
      phase = get_string(step, "phase");
      std::string took;
      for (const auto& one : summary["phases"])
        if (get_string(one, "name") == phase) took = ", " + spell(get_int(one, "ms"));
      page.line(page.painted(printable(phase, 40) + took, "bold"));
    }
    const std::string ending = get_string(step, "ending"), tone = tone_of_ending(ending);
    const bool ran = get_int(step, "started_ms") > 0;
    const int64_t good = get_int(step["probes"], "ok"),
                  all = good + get_int(step["probes"], "failed");
    page.line(
        "  " +
        page.painted(std::string(mark_of_tone(tone)) + " " + fit(ending_word(ending), 8), tone) +
        " " + fit(get_string(step, "id"), 26) + " " +
        fit(ran ? clock_of(get_int(step, "started_ms")) : "", 9) +
        fit(ran ? spell(get_int(step, "ms")) : "", 9) + fit(get_string(step, "pack"), 25) + " " +
        (all ? std::to_string(good) + "/" + std::to_string(all) + " probes" : ""));
    page.note(get_string(step, "reason"));
    if (step.contains("reconciled") && step["reconciled"].is_object())
      page.note(reconciled_text(step["reconciled"]));
    if (step.contains("error"))
      page.note(get_string(step["error"], "message") + " [" +
                get_string(step["error"], "code", get_string(step["error"], "class")) + "]");
  }
}

void show_evidence(const Json& summary, Page& page) {
  page.head("Not run");
  if (summary["not_run"].empty()) page.line("Every step of the plan was run.");
  for (const auto& one : summary["not_run"]) {
    page.line(fit(ending_word(get_string(one, "ending")), 8) + " " +
              printable(get_string(one, "id"), 60));
    page.note(get_string(one, "reason"));
  }
  page.head("Verified");
  if (summary["probes"].empty()) page.line("No probe was recorded.");
  for (const auto& probe : summary["probes"]) {
    const bool ok = get_bool(probe, "ok");
    page.line(
        page.painted(ok ? "\u2713 holds        " : "\u2715 does not hold", ok ? "good" : "bad") +
        " " + fit(get_string(probe, "step"), 22) + " " + fit(get_string(probe, "probe"), 56));
    if (!ok)
      page.note("expected " + value_text(probe.value("expected", Json())) + ", found " +
                value_text(probe.value("found", Json())));
  }
  page.head("External calls");
  if (summary["http"].empty()) page.line("No external call was made through the core.");
  for (const auto& call : summary["http"]) {
    const bool http = get_string(call, "event") == "step.http";
    const std::string what = http ? get_string(call, "method") + " " + get_string(call, "url")
                                  : value_text(call.value("argv", Json()));
    page.line(fit(clock_of(get_int(call, "wall_ms")), 9) + fit(get_string(call, "step"), 18) + " " +
              fit(what, 56) + " " + (call.contains("status") ? value_text(call["status"]) : "-"));
  }
}

}  // namespace

std::string text_report(const Json& given, bool colour) {
  const Json summary = completed(given);
  Page page(colour);
  const std::string tone = get_string(summary["headline"], "tone", "open");
  page.out =
      page.painted(std::string(mark_of_tone(tone)) + " " + get_string(summary["headline"], "word"),
                   tone) +
      "\n";
  page.out += wrapped(get_string(summary["headline"], "sentence"), 2);
  if (!get_string(summary, "reason").empty()) page.out += wrapped(get_string(summary, "reason"), 2);
  page.out += "\n";
  page.pair("what", get_string(summary, "title", get_string(summary, "blueprint")) + " (" +
                        get_string(summary, "blueprint") + " " +
                        get_string(summary, "blueprint_version") + ")");
  page.pair("run", get_string(summary, "run") + " in lane " + get_string(summary, "lane") +
                       (get_string(summary, "lane_kind") == "drill" ? ", a drill" : ""));
  page.pair("when", date_of(get_int(summary, "started_ms")) + ", " +
                        spell(get_int(summary, "duration_ms")));
  page.pair("recovery time", rto_text(summary));
  page.pair("data lost", rpo_text(summary));
  page.pair("started on", authority_text(summary));
  std::vector<std::string> approvers;
  for (const auto& one : summary["approvals"])
    approvers.push_back(get_string(one, "approver", "-") + " at " +
                        clock_of(get_int(one, "wall_ms")) + " UTC");
  page.pair("approved by", approvers.empty() ? "nobody" : join(approvers));
  page.pair("executed on",
            get_string(summary["runner"], "host", get_string(summary["runner"], "name", "-")) +
                (get_string(summary["runner"], "plane").empty()
                     ? ""
                     : ", plane " + get_string(summary["runner"], "plane")));
  if (const auto text = metadata_text(summary); !text.empty()) page.pair("metadata", text);
  page.pair("plan", get_string(summary, "plan"));
  if (summary.contains("cost"))
    if (const auto text = money(summary["cost"], "estimate_micro"); !text.empty())
      page.pair("cost", text + " estimated");
  for (const auto& gate : summary["gates"])
    if (get_string(gate, "event") == "gate.confirmed")
      page.pair("gate", "before " + get_string(gate, "phase") + ", confirmed by " +
                            get_string(gate, "by", "-"));
  const Json accepted = summary.value("accepted", Json::object());
  for (const auto& [rule, why] : accepted.items())
    page.pair("passed over",
              rule + " by " + get_string(why, "from") + ": " + get_string(why, "reason"));
  for (const auto& resumed : summary["resumed"])
    if (get_string(resumed, "event") == "run.abandoned")
      page.pair("abandoned", get_string(resumed, "by", "-") + " stated that machine " +
                                 get_string(resumed, "host", "-") +
                                 " is gone for good: " + get_string(resumed, "reason", "-"));
  for (const auto& cancel : summary["cancel"])
    page.pair("cancel",
              get_string(cancel, "mode") + ", asked for by " + get_string(cancel, "by", "-"));
  show_steps(summary, page);
  show_evidence(summary, page);
  page.head("Check it without hyops, in the folder of the record");
  page.line("sha256sum --strict -c SHA256SUMS");
  page.line("minisign -V -p runner.pub -m SHA256SUMS -x SHA256SUMS.minisig");
  return page.out;
}

}  // namespace hyops::record
