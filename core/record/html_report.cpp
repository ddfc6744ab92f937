// The record as one page that a manager and an auditor can read, print and archive: no script, no
// outside file, nothing that is said by colour alone.
#include "base/clock.hpp"
#include "base/text.hpp"
#include "record/page.hpp"
#include "record/record.hpp"
#include "record/report_style.hpp"

namespace hyops::record {
namespace {

std::string mark(const std::string& tone, const std::string& word) {
  return "<span class=\"mark " + tone + "\">" + mark_of_tone(tone) + " " + escaped(word) +
         "</span>";
}

std::string judged(const Json& summary, const char* key) {
  const std::string tone = objective_tone(summary, key);
  const char* word = tone == "good" ? "Target met" : tone == "bad" ? "Target missed" : "Not judged";
  return "<div class=\"judged " + tone + "\">" + mark_of_tone(tone) + " " + word + "</div>";
}

std::string target(const Json& summary, const char* key) {
  const bool known = summary.contains(key) && summary[key].is_number_integer();
  return known ? "Target: " + spell(summary[key].get<int64_t>()) + "." : "No target declared.";
}

// A table with a heading; where it would be empty, a sentence that says so.
struct Table {
  std::string html;
  bool any = false;
  explicit Table(std::initializer_list<const char*> heads) {
    html = "<div class=\"scroll\"><table><thead><tr>";
    for (const std::string head : heads)
      html += head.starts_with('#') ? "<th class=\"num\">" + head.substr(1) + "</th>"
                                    : "<th>" + head + "</th>";
    html += "</tr></thead><tbody>\n";
  }
  void row(std::initializer_list<std::string> cells) {
    any = true;
    html += "<tr>";
    for (const auto& cell : cells) html += cell.starts_with("<td") ? cell : "<td>" + cell + "</td>";
    html += "</tr>\n";
  }
  std::string end(const char* otherwise) const {
    return any ? html + "</tbody></table></div>\n"
               : "<p class=\"none\">" + std::string(otherwise) + "</p>\n";
  }
};

std::string num(const std::string& text) { return "<td class=\"num\">" + escaped(text) + "</td>"; }
std::string keep(const std::string& html) { return "<td class=\"keep\">" + html + "</td>"; }
std::string small(const std::string& text) {
  return text.empty() ? "" : "<small>" + escaped(text) + "</small>";
}
std::string code(const std::string& text) { return "<code>" + escaped(text) + "</code>"; }
std::string heading(const char* text) { return "<h2>" + std::string(text) + "</h2>\n"; }

std::string top(const Json& summary) {
  const Json& headline = summary["headline"];
  const std::string tone = get_string(headline, "tone", "open");
  const std::string kind = get_string(summary, "lane_kind");
  std::string out = "<header><p class=\"kicker\">Run record</p><h1>" +
                    escaped(get_string(summary, "title", get_string(summary, "blueprint"))) +
                    "</h1><p>" + code(get_string(summary, "blueprint")) + " " +
                    escaped(get_string(summary, "blueprint_version")) + " in lane <b>" +
                    escaped(get_string(summary, "lane")) + "</b>" +
                    (kind.empty()      ? ""
                     : kind == "drill" ? " (a drill)"
                                       : " (" + escaped(kind) + ")") +
                    "</p><p>" + date_of(get_int(summary, "started_ms")) + " to " +
                    (get_int(summary, "ended_ms") ? date_of(get_int(summary, "ended_ms"))
                                                  : std::string("no recorded end")) +
                    ", run " + code(get_string(summary, "run")) + "</p></header>\n";
  out += "<section class=\"verdict " + tone + "\"><div class=\"sign\" aria-hidden=\"true\">" +
         mark_of_tone(tone) + "</div><div><strong>" + escaped(get_string(headline, "word")) +
         "</strong><p>" + escaped(get_string(headline, "sentence")) + "</p>" +
         (get_string(summary, "reason").empty()
              ? ""
              : "<p>" + escaped(get_string(summary, "reason")) + "</p>") +
         "</div></section>\n";
  return out;
}

// Who measured it, and on what; nothing where no marker of that name is there.
std::string said(const Json& summary, const char* name) {
  std::string out;
  for (const auto& marker : summary["markers"])
    if (get_string(marker, "name") == name && marker.contains("by"))
      out = " Measured by " + escaped(get_string(marker, "by")) + ": " +
            escaped(get_string(marker, "source")) + ".";
  return out;
}

std::string cards(const Json& summary) {
  const bool back = summary["rto_measured_ms"].is_number_integer();
  const Json& rpo = summary["rpo"];
  const Json& endings = summary["endings"];
  std::string lost = "not measured";
  if (rpo.is_object() && rpo.contains("rows_lost"))
    lost = counted(get_int(rpo, "rows_lost"), "row");
  else if (rpo.is_object())
    lost = spell(get_int(rpo, "lost_ms"));
  std::string lost_more = rpo.is_object() && rpo.contains("lost_ms") && rpo.contains("rows_lost")
                              ? "The last " + spell(get_int(rpo, "lost_ms")) + " of writes. "
                              : "";
  std::string out = "<section class=\"cards\">";
  out += "<div class=\"card\"><div class=\"kicker\">Recovery time</div><b>" +
         (back ? spell(summary["rto_measured_ms"].get<int64_t>()) : "not measured") + "</b>" +
         judged(summary, "rto_met") + "<span>" + target(summary, "rto_ms") +
         (back ? " From the " + escaped(get_string(summary, "rto_from")) +
                     " to the first acknowledged write." + said(summary, "client.first_write")
               : "") +
         "</span></div>";
  out += "<div class=\"card\"><div class=\"kicker\">Data lost</div><b>" + lost + "</b>" +
         judged(summary, "rpo_met") + "<span>" + lost_more + target(summary, "rpo_ms") +
         said(summary, "client.rows") + "</span></div>";
  out += "<div class=\"card\"><div class=\"kicker\">Run took</div><b>" +
         spell(get_int(summary, "duration_ms")) + "</b><span>" +
         counted(summary["phases"].size(), "phase") + ", " +
         clock_of(get_int(summary, "started_ms")) + " to " +
         clock_of(get_int(summary, "last_event_ms")) + " UTC</span></div>";
  out += "<div class=\"card\"><div class=\"kicker\">Steps</div><b>" +
         std::to_string(get_int(endings, "ok") + get_int(endings, "adopted")) + " of " +
         std::to_string(summary["steps"].size()) + "</b><span>ended well";
  for (const char* ending : {"adopted", "failed", "unknown", "skipped", "not_run"})
    if (get_int(endings, ending))
      out += ", " + std::to_string(get_int(endings, ending)) + " " + ending_word(ending);
  return out + "</span></div></section>\n";
}

std::string authority(const Json& summary) {
  std::string out = heading("Who decided, who approved") + "<dl><dt>Started on</dt><dd>" +
                    escaped(authority_text(summary)) + "</dd>";
  if (summary.contains("decision") && summary["decision"].is_object()) {
    const Json& decision = summary["decision"];
    out += "<dt>Decision</dt><dd>issued " + date_of(get_int(decision, "issued_ms")) +
           ", good until " + date_of(get_int(decision, "expires_ms")) + ", target " +
           escaped(get_string(decision, "target", "-")) + "</dd>";
    if (decision.contains("signals") && decision["signals"].is_object() &&
        !decision["signals"].empty()) {
      out += "<dt>Signals</dt><dd>";
      for (const auto& [name, digest] : decision["signals"].items())
        out += escaped(name) + " " + code(value_text(digest)) + "<br>";
      out += "</dd>";
    }
    if (!get_string(decision, "policy").empty())
      out += "<dt>Policy</dt><dd>" + code(get_string(decision, "policy")) + "</dd>";
  }
  const Json& runner = summary["runner"];
  out += "<dt>Executed on</dt><dd>" +
         escaped(get_string(runner, "host", get_string(runner, "name", "-"))) +
         (get_string(runner, "plane").empty() ? ""
                                              : ", plane " + escaped(get_string(runner, "plane"))) +
         (get_string(runner, "version").empty()
              ? ""
              : ", hyops " + escaped(get_string(runner, "version"))) +
         "</dd>";
  if (const auto text = metadata_text(summary); !text.empty())
    out += "<dt>Runner's credentials</dt><dd>its metadata service was " + escaped(text) + "</dd>";
  out += "<dt>Plan</dt><dd>" + code(get_string(summary, "plan")) + "</dd>";
  if (!get_string(summary, "profile").empty())
    out += "<dt>Profile</dt><dd>" + code(get_string(summary, "profile")) + "</dd>";
  out += "</dl>\n";
  Table approvals({"Approver", "Accepted", "Good until", "Cost cap", "Approved plan"});
  for (const auto& one : summary["approvals"]) {
    Json cap{{"currency", summary.contains("cost") ? get_string(summary["cost"], "currency") : ""},
             {"cap", get_int(one, "cost_cap_micro", -1)}};
    approvals.row({"<b>" + escaped(get_string(one, "approver", "-")) + "</b>",
                   keep(date_of(get_int(one, "wall_ms"))), keep(date_of(get_int(one, "until_ms"))),
                   keep(one.contains("cost_cap_micro") ? escaped(money(cap, "cap")) : "-"),
                   code(get_string(one, "plan", get_string(one, "digest", "-")))});
  }
  out += approvals.end("No approval was accepted for this run.");
  const Json accepted = summary.value("accepted", Json::object());
  for (const auto& [rule, why] : accepted.items())
    out += "<p>Passed over: " + code(rule) + ", by " + escaped(get_string(why, "from")) + ": " +
           escaped(get_string(why, "reason")) + "</p>\n";
  for (const auto& gate : summary["gates"])
    out += "<p>" + clock_of(get_int(gate, "wall_ms")) + " UTC: gate before phase <b>" +
           escaped(get_string(gate, "phase")) + "</b> " +
           (get_string(gate, "event") == "gate.confirmed"
                ? "confirmed by " + escaped(get_string(gate, "by", "-"))
                : "opened") +
           "</p>\n";
  for (const auto& cancel : summary["cancel"])
    out += "<p>" + clock_of(get_int(cancel, "wall_ms")) + " UTC: cancel (" +
           escaped(get_string(cancel, "mode")) + ") asked for by " +
           escaped(get_string(cancel, "by", "-")) + "</p>\n";
  for (const auto& resumed : summary["resumed"])
    out += "<p>" + clock_of(get_int(resumed, "wall_ms")) + " UTC: " +
           (get_string(resumed, "event") == "run.abandoned"
                ? escaped(get_string(resumed, "by", "-")) + " stated that machine " +
                      escaped(get_string(resumed, "host", "-")) +
                      " is gone for good: " + escaped(get_string(resumed, "reason", "-"))
                : std::string("the run was resumed")) +
           "</p>\n";
  return out;
}

std::string steps(const Json& summary) {
  Table table({"Step", "Ended", "Done by", "#Started", "#Took", "#Tries", "#Probes", "Remarks"});
  for (const auto& step : summary["steps"]) {
    const std::string ending = get_string(step, "ending");
    const bool ran = get_int(step, "started_ms") > 0;
    std::string remarks = escaped(get_string(step, "reason"));
    if (step.contains("error"))
      remarks += (remarks.empty() ? "" : "<br>") + escaped(get_string(step["error"], "message")) +
                 " " + code(get_string(step["error"], "code", get_string(step["error"], "class")));
    if (step.contains("reconciled") && step["reconciled"].is_object())
      remarks += (remarks.empty() ? "" : "<br>") + escaped(reconciled_text(step["reconciled"]));
    const int64_t good = get_int(step["probes"], "ok"), bad = get_int(step["probes"], "failed");
    table.row(
        {keep("<b>" + escaped(get_string(step, "id")) + "</b>" + small(get_string(step, "module"))),
         keep(mark(tone_of_ending(ending), ending_word(ending))),
         escaped(get_string(step, "driver")) + small(get_string(step, "pack")),
         num(ran ? clock_of(get_int(step, "started_ms")) : "-"),
         num(ran ? spell(get_int(step, "ms")) : "-"),
         num(ran ? std::to_string(get_int(step, "attempts")) : "-"),
         num(good + bad ? std::to_string(good) + " of " + std::to_string(good + bad) : "-"),
         remarks});
  }
  return heading("Steps") + table.end("The plan has no steps.");
}

std::string not_run(const Json& summary) {
  Table table({"Step", "Ended", "Why"});
  for (const auto& one : summary["not_run"])
    table.row({"<b>" + escaped(get_string(one, "id")) + "</b>",
               keep(mark("open", ending_word(get_string(one, "ending")))),
               escaped(get_string(one, "reason"))});
  return heading("What was not run, and why") + table.end("Every step of the plan was run.");
}

std::string probes(const Json& summary) {
  Table table({"Time", "Step", "Probe", "Result", "Expected", "Found"});
  for (const auto& probe : summary["probes"])
    table.row({keep(clock_of(get_int(probe, "wall_ms"))), keep(escaped(get_string(probe, "step"))),
               escaped(get_string(probe, "probe")),
               keep(get_bool(probe, "ok") ? mark("good", "holds") : mark("bad", "does not hold")),
               probe.contains("expected") ? escaped(value_text(probe["expected"])) : "-",
               probe.contains("found") ? escaped(value_text(probe["found"])) : "-"});
  return heading("Everything that was verified") + table.end("No probe was recorded.");
}

std::string calls(const Json& summary) {
  Table table({"Time", "Step", "Call", "#Answer", "#Took", "#Bytes"});
  for (const auto& call : summary["http"]) {
    const bool http = get_string(call, "event") == "step.http";
    const std::string what = http ? get_string(call, "method") + " " + get_string(call, "url")
                                  : value_text(call.value("argv", Json()));
    table.row({keep(clock_of(get_int(call, "wall_ms"))), keep(escaped(get_string(call, "step"))),
               code(what),
               num(call.contains("status") ? value_text(call["status"])
                   : call.contains("exit") ? value_text(call["exit"])
                                           : "-"),
               num(call.contains("ms") ? spell(get_int(call, "ms")) : "-"),
               num(call.contains("bytes") ? std::to_string(get_int(call, "bytes")) : "-")});
  }
  return heading("Every external call") + table.end("No external call was made through the core.");
}

// Of access that was opened, or that another run left open.
std::string what_became(const Json& one) {
  const std::string event = get_string(one, "event"), what = escaped(get_string(one, "what")),
                    message = escaped(get_string(one, "message"));
  if (event == "access.opened") return "opened";
  if (event == "access.closed") return "closed";
  if (event == "access.reaped")
    return "closed by the reaper: " + what + ", opened by " + escaped(get_string(one, "opened_by"));
  if (event == "access.reap_failed") return "the reaper failed at " + what + ": " + message;
  if (event == "access.lost") return "lost: " + message;
  return "could not be closed: " + message;
}

// Of a secret that was resolved, or of all of them where the authority was moved or was out.
std::string what_of_secrets(const Json& one) {
  const std::string event = get_string(one, "event");
  std::vector<std::string> all;
  for (const auto& name : member(one, "names")) all.push_back(value_text(name));
  const std::string names = escaped(join(all));
  if (event == "secret.transition")
    return "from now on from " + escaped(get_string(one, "to")) + " instead of " +
           escaped(get_string(one, "from")) +
           (one.contains("by_run")
                ? ", as run " + escaped(get_string(one, "by_run")) + " moved them"
                : ", which knows " + (names.empty() ? "none" : names));
  if (event == "secret.kept")
    return "kept, as the authority did not answer: " + names + "; " +
           escaped(get_string(one, "reason"));
  return "<b>" + escaped(get_string(one, "name")) + "</b>";
}

std::string access(const Json& summary) {
  Table opened({"Time", "Event", "Step", "Endpoint"});
  for (const auto& one : summary["access"]) {
    std::vector<std::string> ways;
    for (const auto& to : member(one, "endpoints"))
      ways.push_back(get_string(to, "name") + " at " + get_string(to, "user") + "@" +
                     get_string(to, "address") + ":" + std::to_string(get_int(to, "port")));
    opened.row({keep(clock_of(get_int(one, "wall_ms"))), what_became(one),
                escaped(get_string(one, "step")), code(join(ways))});
  }
  Table secrets({"Time", "Secret", "Version", "Authority"});
  for (const auto& one : summary["secrets"])
    secrets.row({keep(clock_of(get_int(one, "wall_ms"))), what_of_secrets(one),
                 escaped(value_text(one.value("version", Json()))),
                 escaped(get_string(one, "authority", "-"))});
  return heading("Access sessions") + opened.end("No access session was opened.") +
         heading("Secrets used (names only)") + secrets.end("No secret was resolved.");
}

std::string cost(const Json& summary) {
  if (!summary.contains("cost") || !summary["cost"].is_object() || summary["cost"].empty())
    return {};
  const Json& cost = summary["cost"];
  std::string out = heading("Cost") + "<dl>";
  for (const auto& [key, words] : {std::pair{"estimate_micro", "Estimated for this run"},
                                   {"cap_micro", "Allowed for a run"},
                                   {"micro_per_hour", "Opened capacity, per hour"}})
    if (const auto text = money(cost, key); !text.empty())
      out += "<dt>" + std::string(words) + "</dt><dd>" + escaped(text) + "</dd>";
  if (cost.contains("unknown"))
    out += "<dt>Price unknown for</dt><dd>" + escaped(value_text(cost["unknown"])) + "</dd>";
  return out + "</dl>\n";
}

std::string check_it(const Json& summary) {
  const std::string key = get_string(summary["runner"], "key");
  return heading("How to check this record without our software") +
         "<p>In the folder of the record, with coreutils and minisign alone:</p><pre>sha256sum "
         "--strict -c SHA256SUMS\nminisign -V " +
         (key.empty() ? std::string("-p runner.pub") : "-P " + escaped(key)) +
         " -m SHA256SUMS -x SHA256SUMS.minisig\nsha256sum plan.json</pre><p>The first names every "
         "file that was changed or is missing; the second proves who "
         "signed the list (take the runner's public key from the lane, not from this page); the "
         "third gives the digest that was approved: " +
         code(get_string(summary, "plan")) +
         ". <code>hyops record verify .</code> checks all of it, and the chain of every "
         "event.</p>\n";
}

}  // namespace

std::string html_report(const Json& given) {
  const Json summary = completed(given);
  const std::string timeline = timeline_svg(summary);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\"><title>" +
      escaped(get_string(summary["headline"], "word") + ": " +
              get_string(summary, "title", get_string(summary, "blueprint")) + ", " +
              get_string(summary, "run")) +
      "</title><style>" + report_style + "</style></head><body>\n";
  out += top(summary) + cards(summary) + authority(summary);
  out += heading("Where the time went") + (timeline.empty()
                                               ? "<p class=\"none\">No phase was started.</p>\n"
                                               : "<div class=\"scroll\">" + timeline + "</div>\n");
  out += steps(summary) + not_run(summary) + probes(summary) + calls(summary) + access(summary) +
         cost(summary) + check_it(summary);
  const int64_t exported = get_int(summary, "exported_ms");
  return out + "<footer>Drawn from the record of run " + code(get_string(summary, "run")) +
         (exported ? ", made " + date_of(exported) : "") +
         ". All times are UTC, by the clock of the runner.</footer>\n</body></html>\n";
}

}  // namespace hyops::record
