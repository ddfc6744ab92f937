// The judgement at the top of a record: were the objectives met, and what is the verdict in words.
#include "record/page.hpp"
#include "record/story.hpp"

namespace hyops::record {
namespace {

// Service is back with the first write that a client had acknowledged (marker
// "client.first_write").
const Json* find_marker(const Json& markers, const char* name) {
  const Json* last = nullptr;
  for (const auto& marker : markers)
    if (get_string(marker, "name") == name) last = &marker;
  return last;
}

std::string counted(int64_t number, const char* one, const char* many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

}  // namespace

// RTO runs from the decision, or where a person asked, from the start of the run, to the first
// acknowledged write. What nobody measured is null: never zero, never "met".
void Story::judge_objectives() {
  const int64_t decided = out_.contains("decision") ? get_int(out_["decision"], "issued_ms") : 0;
  const int64_t from = decided ? decided : started_;
  out_["rto_from"] = decided ? "decision" : "start of the run";
  out_["rto_measured_ms"] = nullptr;
  out_["rto_met"] = nullptr;
  // A client's clock cannot be held against the runner's where that one jumped in between.
  const bool comparable = decided != 0 || stepped_ == 0;
  if (const Json* back = find_marker(out_["markers"], "client.first_write"); back && comparable) {
    const int64_t ms = get_int(*back, "wall_ms") - from;
    out_["rto_measured_ms"] = ms;
    if (out_.contains("rto_ms") && out_["rto_ms"].is_number_integer() && ms >= 0)
      out_["rto_met"] = ms <= out_["rto_ms"].get<int64_t>();
  }
  out_["rpo"] = nullptr;
  out_["rpo_met"] = nullptr;
  for (const auto& marker : out_["markers"]) {
    if (!marker.contains("rows_lost") && !marker.contains("lost_ms")) continue;
    Json rpo = Json::object();
    for (const char* member : {"rows_lost", "rows_acknowledged", "lost_ms"})
      if (marker.contains(member) && marker[member].is_number_integer())
        rpo[member] = marker[member];
    if (rpo.contains("lost_ms") && out_.contains("rpo_ms") && out_["rpo_ms"].is_number_integer())
      out_["rpo_met"] = rpo["lost_ms"].get<int64_t>() <= out_["rpo_ms"].get<int64_t>();
    else if (rpo.contains("rows_lost") && rpo["rows_lost"] == 0)
      out_["rpo_met"] = true;  // nothing lost is inside every target
    out_["rpo"] = std::move(rpo);
  }
}

void Story::judge_verdict() {
  const std::string status = get_string(out_, "status"), given = get_string(out_, "verdict");
  const Json& endings = out_["endings"];
  const int64_t good = get_int(endings, "ok") + get_int(endings, "adopted");
  const int64_t failed = get_int(endings, "failed"), unknown = get_int(endings, "unknown");
  const int64_t not_run = get_int(endings, "not_run") + get_int(endings, "skipped");
  const int64_t all = static_cast<int64_t>(out_["steps"].size());
  std::string word, sentence, tone = "bad";
  const std::string done =
      std::to_string(good) + " of " + counted(all, "step", "steps") + " ended well";
  if (goes_on_) {
    word = "Still running";
    tone = "open";
    sentence = "The run was still going on when this record was made; " + done + " so far.";
  } else if (status == "ok" && failed == 0 && unknown == 0) {
    const bool late = out_["rto_met"] == false, lossy = out_["rpo_met"] == false;
    word = late || lossy ? "Completed, outside its objectives" : "Completed";
    tone = late || lossy ? "warn" : "good";
    sentence =
        done + (not_run ? "; " + std::to_string(not_run) + " did not have to run" : "") + ".";
    if (out_["rto_measured_ms"].is_number_integer() && !late)
      sentence +=
          " Service was back " + spell(out_["rto_measured_ms"].get<int64_t>()) + " after the " +
          get_string(out_, "rto_from") +
          (out_["rto_met"] == true ? ", inside the target of " + spell(get_int(out_, "rto_ms"))
                                   : "") +
          ".";
    if (late) sentence += " Service was back later than the recovery time objective allows.";
    if (lossy) sentence += " More was lost than the recovery point objective allows.";
    if (out_.contains("rto_ms") && out_["rto_measured_ms"].is_null())
      sentence += " The recovery time was not measured.";
  } else if (status == "cancelled") {
    word = "Cancelled";
    tone = "warn";
    sentence = "The run was stopped on request; " + done +
               (failed ? ", " + std::to_string(failed) + " were stopped half-way" : "") + ", " +
               std::to_string(not_run) + " did not run.";
  } else if (status == "failed" || failed > 0) {
    word = "Failed";
    sentence = counted(failed, "step", "steps") + " failed; " + done + ", " +
               std::to_string(not_run) + " did not run.";
    if (unknown)
      sentence += " The outcome of " + counted(unknown, "step", "steps") + " is unknown.";
  } else {
    word = "Outcome unknown";
    sentence = "The outcome of " + counted(unknown, "step", "steps") +
               " is unknown; a person has to look before anything else is done. " + done + ".";
  }
  if (out_.contains("rotate")) {
    std::string names;
    for (const auto& [name, where] : out_["rotate"].items())
      names += (names.empty() ? "" : ", ") + name;
    sentence += " ROTATE " + names +
                ": found in plain in the runner's ledger or logs, and taken out of this record.";
    if (tone == "good") tone = "warn";
  }
  if (given.empty()) out_["verdict"] = goes_on_ ? "running" : status.empty() ? "unknown" : status;
  out_["headline"] = {{"word", word}, {"sentence", sentence}, {"tone", tone}};
}

}  // namespace hyops::record
