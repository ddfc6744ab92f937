// The timeline of a run: one row per step in its phase, on a time axis that people can read off.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "record/page.hpp"

namespace hyops::record {
namespace {

constexpr double width = 1000, labels = 250, right = 90, row = 24, phase_row = 26;

// Steps of 1, 2, 5 and their like in seconds, minutes and hours; about seven of them.
int64_t tick_ms(int64_t span) {
  for (const int64_t ms :
       {10,      20,        50,        100,       200,        500,        1000,      2000,
        5000,    10'000,    15'000,    30'000,    60'000,     120'000,    300'000,   600'000,
        900'000, 1'800'000, 3'600'000, 7'200'000, 14'400'000, 28'800'000, 86'400'000})
    if (span / ms <= 8) return ms;
  return span / 8 + 1;
}

std::string offset_text(int64_t ms) {
  char text[32];
  if (ms == 0) return "0";
  if (ms % 1000)
    std::snprintf(text, sizeof text, "+%.*f s", ms % 100 ? 2 : 1, static_cast<double>(ms) / 1000.0);
  else if (ms < 60'000)
    std::snprintf(text, sizeof text, "+%lld s", static_cast<long long>(ms / 1000));
  else if (ms < 3'600'000)
    std::snprintf(text, sizeof text, "+%lld:%02lld", static_cast<long long>(ms / 60'000),
                  static_cast<long long>(ms / 1000 % 60));
  else
    std::snprintf(text, sizeof text, "+%lldh%02lld", static_cast<long long>(ms / 3'600'000),
                  static_cast<long long>(ms / 60'000 % 60));
  return text;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// SVG written front to back: few shapes, all with the same handful of attributes.
struct Drawing {
  std::string out;
  void rect(double x, double y, double w, double h, const std::string& kind,
            const std::string& title = {}) {
    out += "<rect class=\"" + kind + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" +
           number(w) + "\" height=\"" + number(h) + "\"";
    out += title.empty() ? "/>" : "><title>" + escaped(title) + "</title></rect>";
  }
  void text(double x, double y, const std::string& words, const std::string& kind,
            const char* anchor = "start") {
    out += "<text class=\"" + kind + "\" x=\"" + number(x) + "\" y=\"" + number(y) +
           "\" text-anchor=\"" + anchor + "\">" + escaped(words) + "</text>";
  }
  void line(double x, double y1, double y2, const std::string& kind) {
    out += "<line class=\"" + kind + "\" x1=\"" + number(x) + "\" x2=\"" + number(x) + "\" y1=\"" +
           number(y1) + "\" y2=\"" + number(y2) + "\"/>";
  }
};

std::string shortened(std::string text, size_t most) {
  if (text.size() <= most) return text;
  return text.substr(0, most - 3) + "...";
}

}  // namespace

std::string timeline_svg(const Json& summary) {
  struct Bar {
    const Json* step;
    const Json* phase;
  };
  std::vector<Bar> bars;
  int64_t from = get_int(summary, "started_ms"), to = get_int(summary, "last_event_ms");
  for (const auto& phase : summary["phases"]) {
    bars.push_back({nullptr, &phase});
    for (const auto& step : summary["steps"])
      if (get_string(step, "phase") == get_string(phase, "name") && get_int(step, "started_ms") > 0)
        bars.push_back({&step, &phase});
  }
  if (bars.empty() || from <= 0) return {};
  int64_t back = 0, decided = 0;
  for (const auto& marker : summary["markers"])
    if (get_string(marker, "name") == "client.first_write") back = get_int(marker, "wall_ms");
  if (get_string(summary, "rto_from") == "decision")
    decided = get_int(summary["decision"], "issued_ms");
  // The decision belongs on the axis unless it was so much earlier that it would flatten everything
  // else.
  if (decided > 0 && decided < from && from - decided < 4 * (to - from + 1000)) from = decided;
  to = std::max({to, back, from + 1});
  const int64_t span = to - from;
  const double plot = width - labels - right;
  const auto at = [&](int64_t ms) {
    return labels + plot * static_cast<double>(std::clamp<int64_t>(ms - from, 0, span)) /
                        static_cast<double>(span);
  };

  double height = 34;
  for (const auto& bar : bars) height += bar.step ? row : phase_row;
  Drawing draw;
  const int64_t tick = tick_ms(span);
  for (int64_t ms = 0; ms <= span; ms += tick) {
    draw.line(at(from + ms), 24, height, "grid");
    draw.text(at(from + ms), 16, offset_text(ms), "axis", "middle");
  }
  double y = 30;
  for (const auto& bar : bars) {
    if (!bar.step) {
      const int64_t begin = get_int(*bar.phase, "started_ms"),
                    end = get_int(*bar.phase, "ended_ms");
      draw.rect(0, y, width, phase_row - 4, "band");
      draw.rect(at(begin), y + 8, std::max(2.0, at(end) - at(begin)), 6, "phase");
      draw.text(8, y + 15, get_string(*bar.phase, "name"), "phasename");
      draw.text(width - 4, y + 15, spell(get_int(*bar.phase, "ms")), "phasetime", "end");
      y += phase_row;
      continue;
    }
    const std::string ending = get_string(*bar.step, "ending"), id = get_string(*bar.step, "id");
    const int64_t begin = get_int(*bar.step, "started_ms"),
                  end = get_int(*bar.step, "ended_ms", to);
    const std::string words =
        (ending == "ok" ? "" : ending_word(ending) + ", ") + spell(get_int(*bar.step, "ms"));
    draw.text(22, y + 15, shortened(id, 34), "step");
    draw.rect(at(begin), y + 3, std::max(2.5, at(end) - at(begin)), row - 8,
              std::string("bar ") + tone_of_ending(ending),
              id + ": " + ending_word(ending) + ", " + spell(get_int(*bar.step, "ms")));
    const bool inside = at(end) > width - right + 2 - 70 && at(end) - at(begin) > 120;
    draw.text(inside ? at(end) - 6 : at(end) + 6, y + 15, words, inside ? "on" : "time",
              inside ? "end" : "start");
    y += row;
  }
  const auto flag = [&](int64_t ms, const char* words) {
    if (ms <= 0 || ms < from || ms > to) return;
    draw.line(at(ms), 22, height, "flag");
    draw.text(std::min(at(ms) + 5, width - right + 10), height + 14, words, "flagname",
              at(ms) > width / 2 ? "end" : "start");
  };
  flag(decided, "decision");
  flag(back, "service back");
  return "<svg class=\"timeline\" viewBox=\"0 0 1000 " + number(height + 22) +
         "\" role=\"img\" aria-label=\"Timeline of the run by phase and step\">" + draw.out +
         "</svg>\n";
}

}  // namespace hyops::record
