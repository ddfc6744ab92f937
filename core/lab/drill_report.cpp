#include "lab/drill_report.hpp"

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::lab {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : printable(text, 2000)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

constexpr const char* style = R"css(
body{font:15px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .2rem}h3{font-size:1rem;margin:.8rem 0 .2rem}ul{margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #ccc}
.verdict{font-size:1.2rem;font-weight:600;padding:.6rem .9rem;border:2px solid;border-radius:.3rem;margin:1rem 0}
.held{border-color:#1a7f37}.not{border-color:#b42318}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem .3rem 0;vertical-align:top;border-bottom:1px solid #eee}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}a{color:#0550ae}
@media print{body{margin:0;max-width:none}a{color:#1a1a1a}}
)css";

std::string rto_text(const Json& about) {
  const int64_t rto = get_int(about, "rto_ms", -1);
  return rto < 0 ? "never" : show_duration(rto);
}

std::string phase_rows(const Json& summary) {
  std::string rows;
  for (const auto& phase : summary.value("phases", Json::array()))
    rows += "<tr><td>" + escaped(get_string(phase, "name")) + "</td><td class=n>" +
            show_duration(get_int(phase, "ms")) + "</td></tr>";
  return rows;
}

std::string operation_html(const Json& facts, const char* name, const char* title) {
  if (!facts.contains(name)) return {};
  const Json& about = facts[name];
  const Json summary = about.value("summary", Json::object());
  std::string out = "<h2>" + std::string(title) + "</h2><table>";
  const auto row = [&](const char* what, const std::string& value) {
    out += "<tr><td>" + std::string(what) + "</td><td class=n>" + escaped(value) + "</td></tr>";
  };
  if (about.contains("rto_ms"))
    row("from the decision to the client's first acknowledged write",
        rto_text(about) +
            (get_int(summary, "rto_ms") ? " of " + show_duration(get_int(summary, "rto_ms")) : ""));
  if (about.contains("outage_ms"))
    row("the client was without service for", show_duration(get_int(about, "outage_ms")));
  if (about.contains("rows_lost"))
    row("acknowledged rows lost", std::to_string(get_int(about, "rows_lost")) + " of " +
                                      std::to_string(get_int(about, "rows_acknowledged")));
  out += "</table><table><tr><th>phase</th><th class=n>took</th></tr>" + phase_rows(summary) +
         "</table>";
  return out + "<p><a href=\"" + name +
         "/report.html\">The whole record of this run</a>: who decided and approved, every step, "
         "probe and call.</p>";
}

constexpr std::pair<const char*, const char*> story_parts[] = {
    {"known", "What was known when it struck"},
    {"unknown", "What nobody could know"},
    {"done", "What was done"}};

std::string fault_html(const Json& facts) {
  if (!facts.contains("fault")) return {};
  const Json& fault = facts["fault"];
  std::string out = "<h2>The fault " + escaped(get_string(fault, "name")) + " at step " +
                    escaped(get_string(fault, "step")) + "</h2><p>" +
                    escaped(get_string(fault, "meaning")) + "</p>";
  for (const auto& [part, title] : story_parts) {
    out += "<h3>" + std::string(title) + "</h3><ul>";
    const Json sentences = fault.value(part, Json::array());
    for (const auto& sentence : sentences)
      out += "<li>" + escaped(sentence.get<std::string>()) + "</li>";
    out += sentences.empty() ? "<li>nothing</li></ul>" : "</ul>";
  }
  return out;
}

}  // namespace

std::string drill_html(const Json& facts) {
  const bool passed = get_bool(facts, "passed");
  std::string out =
      "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
      "content=\"width=device-width\"><title>hyops drill</title><style>" +
      std::string(style) +
      "</style><h1>Disaster-recovery drill</h1><p>The primary site was lost, its database "
      "recovered at another site, and "
      "brought home. A client outside wrote numbered rows all the time; its log is the "
      "judge.</p><div class=\"verdict " +
      (passed ? "held" : "not") + "\">" +
      (passed ? "Passed: every assertion held"
              : "Not passed: see the assertions that did not hold") +
      "</div>";
  out += operation_html(facts, "failover", "Failover to the DR target");
  out += fault_html(facts);
  out += operation_html(facts, "failback", "Failback, offline, from the on-prem appliance");
  out += "<h2>Assertions</h2><table><tr><th></th><th>what</th><th>found</th></tr>";
  for (const auto& check : facts.value("checks", Json::array()))
    out += std::string("<tr><td>") + (get_bool(check, "held") ? "held" : "<b>not held</b>") +
           "</td><td>" + escaped(get_string(check, "what")) + "</td><td>" +
           escaped(get_string(check, "found")) + "</td></tr>";
  return out + "</table></html>\n";
}

std::string drill_text(const Json& facts) {
  std::string out;
  for (const auto& [name, title] :
       {std::pair{"failover", "failover"}, std::pair{"failback", "failback"}}) {
    if (!facts.contains(name) || !facts[name].contains("rto_ms")) continue;
    const Json& about = facts[name];
    out += std::string(title) + ": RTO " + rto_text(about) + ", without service " +
           show_duration(get_int(about, "outage_ms")) + ", rows lost " +
           std::to_string(get_int(about, "rows_lost")) + " of " +
           std::to_string(get_int(about, "rows_acknowledged")) + "\n";
    const Json summary = about.value("summary", Json::object());
    for (const auto& phase : summary.value("phases", Json::array())) {
      std::string phase_name = get_string(phase, "name");
      phase_name.resize(12, ' ');
      out += "    " + phase_name + show_duration(get_int(phase, "ms")) + "\n";
    }
  }
  if (facts.contains("fault"))
    for (const auto& [part, title] : story_parts) {
      out += std::string(title) + ":\n";
      for (const auto& sentence : facts["fault"].value(part, Json::array()))
        out += "    " + sentence.get<std::string>() + "\n";
    }
  size_t held = 0, all = 0;
  for (const auto& check : facts.value("checks", Json::array())) {
    ++all;
    held += get_bool(check, "held");
    if (!get_bool(check, "held"))
      out += "NOT HELD: " + get_string(check, "what") + " (" + get_string(check, "found") + ")\n";
  }
  return out + std::to_string(held) + " of " + std::to_string(all) +
         " assertions held: the drill " + (get_bool(facts, "passed") ? "passed" : "did NOT pass") +
         "\n";
}

Status write_drill_report(const std::filesystem::path& folder, const Json& facts) {
  auto text = canonical(facts);
  if (!text) return pass(text);
  if (auto written = write_file(folder / "drill.json", *text + "\n"); !written) return written;
  return write_file(folder / "drill.html", drill_html(facts));
}

}  // namespace hyops::lab
