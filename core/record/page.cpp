// One spelling for what both reports say.
#include "record/page.hpp"

#include <cstdio>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace hyops::record {

Json completed(Json summary) {
  if (!summary.is_object()) summary = Json::object();
  for (const char* list : {"approvals", "phases", "steps", "not_run", "probes", "http", "secrets",
                           "access", "gates", "markers", "cancel", "resumed"}) {
    Json kept = Json::array();
    if (summary.contains(list) && summary[list].is_array())
      for (auto& entry : summary[list])
        if (entry.is_object()) kept.push_back(std::move(entry));
    summary[list] = std::move(kept);
  }
  for (const char* object : {"headline", "runner", "endings"})
    if (!summary.contains(object) || !summary[object].is_object()) summary[object] = Json::object();
  for (const char* absent : {"rto_measured_ms", "rto_met", "rpo", "rpo_met"})
    if (!summary.contains(absent)) summary[absent] = nullptr;
  for (auto& step : summary["steps"]) {
    if (!step.contains("probes") || !step["probes"].is_object()) step["probes"] = Json::object();
    if (step.contains("error") && !step["error"].is_object()) step.erase("error");
  }
  return summary;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') out += c;
    }
  }
  return out;
}

std::string clock_of(int64_t wall_ms) {
  return wall_ms > 0 ? to_rfc3339(wall_ms).substr(11, 8) : "-";
}

std::string date_of(int64_t wall_ms) {
  if (wall_ms <= 0) return "-";
  const std::string full = to_rfc3339(wall_ms);
  return full.substr(0, 10) + " " + full.substr(11, 8) + " UTC";
}

std::string spell(int64_t ms) { return ms < 0 ? "-" : show_duration(ms); }

std::string value_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "-";
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ending_word(const std::string& ending) {
  return ending == "not_run" ? "not run" : ending;
}

std::string money(const Json& cost, const char* key) {
  if (!cost.is_object() || !cost.contains(key) || !cost[key].is_number_integer()) return {};
  const int64_t micro = cost[key].get<int64_t>();
  char text[64];
  std::snprintf(text, sizeof text, "%lld.%02lld", static_cast<long long>(micro / 1'000'000),
                static_cast<long long>(micro % 1'000'000 / 10'000));
  return std::string(text) + " " + get_string(cost, "currency");
}

const char* tone_of_ending(const std::string& ending) {
  if (ending == "ok" || ending == "adopted") return "good";
  if (ending == "failed") return "bad";
  if (ending == "unknown") return "warn";
  return "open";
}

const char* mark_of_tone(const std::string& tone) {
  if (tone == "good") return "\u2713";
  if (tone == "bad") return "\u2715";
  if (tone == "warn") return "!";
  return "\u2013";
}

std::string objective_tone(const Json& summary, const char* key) {
  const auto met = summary.find(key);
  if (met == summary.end() || !met->is_boolean()) return "open";
  return met->get<bool>() ? "good" : "bad";
}

std::string rto_text(const Json& summary) {
  const bool target = summary.contains("rto_ms") && summary["rto_ms"].is_number_integer();
  const bool measured =
      summary.contains("rto_measured_ms") && summary["rto_measured_ms"].is_number_integer();
  std::string text = measured ? spell(summary["rto_measured_ms"].get<int64_t>()) + " from the " +
                                    get_string(summary, "rto_from") +
                                    " to the first write a client had acknowledged"
                              : "not measured: no client write was recorded";
  text += target ? "; target " + spell(summary["rto_ms"].get<int64_t>()) : "; no target declared";
  if (measured && target) text += summary["rto_met"] == true ? ": met" : ": missed";
  return text;
}

std::string rpo_text(const Json& summary) {
  const bool target = summary.contains("rpo_ms") && summary["rpo_ms"].is_number_integer();
  std::string text = "not measured";
  if (summary.contains("rpo") && summary["rpo"].is_object()) {
    const Json& rpo = summary["rpo"];
    text.clear();
    if (rpo.contains("rows_lost")) {
      const int64_t rows = get_int(rpo, "rows_lost");
      text = counted(rows, "acknowledged row") + " lost";
    }
    if (rpo.contains("rows_acknowledged"))
      text += " of " + std::to_string(get_int(rpo, "rows_acknowledged"));
    if (rpo.contains("lost_ms"))
      text += (text.empty() ? "" : ", ") + std::string("the last ") +
              spell(get_int(rpo, "lost_ms")) + " of writes";
  }
  text += target ? "; target " + spell(summary["rpo_ms"].get<int64_t>()) : "; no target declared";
  const std::string tone = objective_tone(summary, "rpo_met");
  if (tone != "open") text += tone == "good" ? ": met" : ": missed";
  return text;
}

std::string authority_text(const Json& summary) {
  if (summary.contains("decision") && summary["decision"].is_object()) {
    const Json& decision = summary["decision"];
    return "signed " + get_string(decision, "type") + " decision " + get_string(decision, "id") +
           (get_string(decision, "rationale").empty() ? ""
                                                      : ": " + get_string(decision, "rationale"));
  }
  if (summary.contains("request") && summary["request"].is_object()) {
    const Json& request = summary["request"];
    return "request by " + get_string(request, "by", "an operator") +
           (get_string(request, "reason").empty() ? "" : ": " + get_string(request, "reason"));
  }
  return "request by " + get_string(summary, "requester", "an operator");
}

std::string metadata_text(const Json& summary) {
  const std::string least = get_string(summary, "metadata");
  if (least.empty()) return {};
  std::string open, declared;
  for (const auto& step : summary["steps"]) {
    const std::string seen = get_string(step, "metadata");
    std::string& list = seen == "open" ? open : declared;
    if (seen == "open" || seen == "declared")
      list += (list.empty() ? "" : ", ") + get_string(step, "id", "-");
  }
  std::string text = "refused to every tool";
  if (least != "refused") text += " but those of steps";
  if (!declared.empty()) text += " " + declared + " (declared by their packs)";
  if (!open.empty())
    text += (declared.empty() ? " " : " and ") + open +
            ", where the runner could not refuse it: " + get_string(summary, "metadata_open", "-");
  return text;
}

std::string reconciled_text(const Json& body) {
  const std::string by = get_string(body, "by"), choice = get_string(body, "choice"),
                    seen = get_string(body, "seen");
  return "its outcome was unknown; " +
         (by.empty() ? "an observation found its effect " + seen
                     : by + " stated what became of it") +
         (choice.empty()      ? ""
          : choice == "adopt" ? ", and it was adopted"
          : choice == "retry" ? ", and it was run again"
                              : ": " + choice) +
         (get_string(body, "evidence").empty() ? "" : " (" + get_string(body, "evidence") + ")");
}

}  // namespace hyops::record
