// Small words that the HTML and the text report share: escaping, times, how an ending is called.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace hyops::record {

// The summary with every list and object that a report reads present and of its type: verdict.json
// may come from a stranger, and a report of half a record beats none.
Json completed(Json summary);

std::string escaped(
    std::string_view text);             // for HTML text and attributes; control characters dropped
std::string clock_of(int64_t wall_ms);  // "02:03:04" (UTC)
std::string date_of(int64_t wall_ms);   // "2026-03-01 02:03:04 UTC"
std::string spell(int64_t ms);          // a duration; "-" for negative ones
std::string value_text(const Json& value);  // a value for people: text as it is, all else as JSON
std::string ending_word(const std::string& ending);  // "not_run" -> "not run"
std::string money(const Json& cost,
                  const char* key);  // "0.42 EUR" from micro-units; empty: not there
const char* tone_of_ending(const std::string& ending);  // good, bad, warn, open
const char* mark_of_tone(const std::string& tone);      // a sign that is not a colour

// One sentence for each objective: "41.0 s, target 15m 0s: met", "not measured", ...
std::string rto_text(const Json& summary);
std::string rpo_text(const Json& summary);
std::string objective_tone(const Json& summary, const char* key);  // of rto_met, rpo_met
std::string authority_text(const Json& summary);                   // what the run was started on
// Whether its tools could read the runner's own credentials (K7); empty: no tool was run.
std::string metadata_text(const Json& summary);
std::string reconciled_text(const Json& body);  // how an unknown outcome was settled, and by whom

// The timeline as inline SVG.
std::string timeline_svg(const Json& summary);

}  // namespace hyops::record
