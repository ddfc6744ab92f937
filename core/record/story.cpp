// Puts events together into steps, phases, approvals and calls; every step of the plan gets its end
// (G4).
#include "record/story.hpp"

#include <algorithm>

namespace hyops::record {
namespace {

void copy_members(const Json& from, Json& to, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto found = from.find(name); found != from.end()) to[name] = *found;
}

// What stood between a step and the metadata service is what stood there least: "open" after all
// else, "declared" after "refused" (K7).
void see_metadata(Json& step, const Json& body) {
  const std::string seen = get_string(body, "metadata"), before = get_string(step, "metadata");
  if (seen == "open" || (seen == "declared" && before != "open") ||
      (!seen.empty() && before.empty()))
    step["metadata"] = seen;
  if (const std::string why = get_string(body, "metadata_open"); !why.empty())
    step["metadata_open"] = why;
}

std::string name_or_text(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end()) return {};
  return found->is_object() ? get_string(*found, "name") : get_string(object, key);
}

}  // namespace

Story::Story(const Json& about, const Json& plan, const Json& decision, const Json& approvals) {
  out_ = {{"summary", 1},
          {"approvals", Json::array()},
          {"approval_documents", approvals},
          {"probes", Json::array()},
          {"http", Json::array()},
          {"secrets", Json::array()},
          {"access", Json::array()},
          {"gates", Json::array()},
          {"markers", Json::array()},
          {"cancel", Json::array()},
          {"resumed", Json::array()}};
  copy_members(about, out_, {"run", "lane", "requester", "status", "exported_ms", "redacted"});
  out_["plan"] = get_string(about, "plan");
  out_["blueprint"] = name_or_text(plan, "blueprint").empty() ? get_string(about, "blueprint")
                                                              : name_or_text(plan, "blueprint");
  if (plan.contains("blueprint") && plan["blueprint"].is_object())
    out_["blueprint_version"] = get_string(plan["blueprint"], "version");
  out_["profile"] = name_or_text(plan, "profile");
  copy_members(plan, out_,
               {"title", "lane_kind", "epoch", "execution_plane", "target", "cost", "blast_radius",
                "rto_ms", "rpo_ms", "accepted"});
  out_["runner"] = {{"name", get_string(about, "runner")}};
  if (decision.is_object())
    out_["decision"] = decision;
  else
    copy_members(plan, out_, {"decision", "request"});
  started_ = get_int(about, "created_ms");
  const auto steps = plan.find("steps");
  if (steps == plan.end() || !steps->is_array()) return;
  for (const auto& planned : *steps) {
    Json& step_out = step(get_string(planned, "id")).out;
    copy_members(planned, step_out, {"module", "driver", "phase", "needs", "irreversible"});
    step_out["pack"] = name_or_text(planned, "pack");
  }
}

Story::Step& Story::step(const std::string& id) {
  const auto [at, fresh] = steps_.try_emplace(id);
  if (fresh) {
    order_.push_back(id);
    at->second.out = {{"id", id},
                      {"attempts", 0},
                      {"ms", 0},
                      {"outputs", Json::object()},
                      {"probes", {{"ok", 0}, {"failed", 0}}},
                      {"calls", 0}};
  }
  return at->second;
}

Story::Phase& Story::phase(const std::string& name) {
  const auto found = std::find_if(phases_.begin(), phases_.end(),
                                  [&](const Phase& one) { return one.name == name; });
  if (found != phases_.end()) return *found;
  phases_.push_back({name, {}, 0, 0});
  return phases_.back();
}

void Story::take(std::string_view type, int64_t wall_ms, const Json& body) {
  if (type == "clock.stepped") stepped_ += get_int(body, "by_ms");
  // Durations are taken on the clock as it went at first, whatever it was set to since.
  const int64_t at_ms = wall_ms - stepped_;
  last_ = at_ms;
  const auto keep = [&](const char* list) {
    Json entry = body;
    if (!entry.contains("wall_ms")) entry["wall_ms"] = wall_ms;
    entry["event"] = type;
    out_[list].push_back(std::move(entry));
  };
  if (type.starts_with("step.")) {
    take_step(type, at_ms, body);
    if (type == "step.probe") keep("probes");
    if (type == "step.http" || type == "step.exec") keep("http");
  } else if (type == "run.started") {
    started_ = at_ms;
    ended_ = 0;
    if (body.contains("runner") && body["runner"].is_object())
      out_["runner"].update(body["runner"]);
    copy_members(body, out_,
                 {"fencing_token", "rto_ms", "rpo_ms", "epoch", "requester", "lane_kind"});
    for (const char* origin : {"decision", "request"})
      if (body.contains(origin) && body[origin].is_object() && !out_.contains(origin))
        out_[origin] = body[origin];
    if (body.contains("reason") && !out_.contains("decision") && !out_.contains("request"))
      out_["request"] = {{"by", get_string(out_, "requester")}, {"reason", body["reason"]}};
  } else if (type == "run.resumed") {
    ended_ = 0;
    keep("resumed");
    for (const char* of_the_end_it_had : {"ended_status", "verdict", "reason"})
      out_.erase(of_the_end_it_had);
  } else if (type == "run.abandoned") {
    keep("resumed");
  } else if (type == "run.ended") {
    ended_ = at_ms;
    out_["ended_status"] = get_string(body, "status");
    copy_members(body, out_, {"verdict", "reason"});
  } else if (type == "phase.started") {
    Phase& entered = phase(get_string(body, "phase"));
    if (!entered.started) entered.started = at_ms;
    entered.ended = 0;
  } else if (type == "phase.ended") {
    Phase& left = phase(get_string(body, "phase"));
    left.ended = at_ms;
    left.status = get_string(body, "status");
  } else if (type == "publish.failed") {
    out_["reason"] = "What the run produced could not be published: " + get_string(body, "message");
  } else if (type == "approval.accepted") {
    keep("approvals");
  } else if (type.starts_with("gate.")) {
    keep("gates");
  } else if (type.starts_with("access.")) {
    keep("access");
  } else if (type == "secret.resolved" || type == "secret.transition" || type == "secret.kept") {
    Json entry{{"wall_ms", wall_ms}, {"event", type}};
    // Names, and nothing else.
    copy_members(
        body, entry,
        {"name", "version", "authority", "step", "names", "from", "to", "by_run", "reason"});
    if (body.contains("plugin")) entry["authority"] = body["plugin"];
    out_["secrets"].push_back(std::move(entry));
  } else if (type == "cancel.requested") {
    keep("cancel");
  } else if (type == "marker") {
    keep("markers");
  } else if (type == "secret.leaked") {
    out_["rotate"][get_string(body, "name")] = body.value("where", Json::array());
  }
}

void Story::take_step(std::string_view type, int64_t at_ms, const Json& body) {
  Step& one = step(get_string(body, "step"));
  if (type == "step.intent") {
    one.intent = true;
    one.outcome = false;
    one.ended = 0;  // what an earlier attempt ended as says nothing about this one
    for (const char* earlier : {"ending", "reason"}) one.out.erase(earlier);
    if (!one.started) one.started = at_ms;
    one.out["attempts"] =
        std::max<int64_t>(get_int(one.out, "attempts") + 1, get_int(body, "attempt"));
    copy_members(body, one.out, {"driver", "pack", "key", "input_digest"});
    if (one.out["pack"].is_object()) one.out["pack"] = get_string(one.out["pack"], "name");
  } else if (type == "step.outcome") {
    one.outcome = true;
    one.ended = at_ms;
    see_metadata(one.out, body);
    const std::string status = get_string(body, "status");
    one.out["ms"] = get_int(one.out, "ms") + get_int(body, "ms");
    if (body.contains("outputs") && body["outputs"].is_object())
      one.out["outputs"] = body["outputs"];
    one.out.erase("error");
    if (status == "ok" || status == "adopted") return;
    Json error = Json::object();
    copy_members(body, error, {"class", "code", "message", "next"});
    one.out["error"] = std::move(error);
  } else if (type == "step.probe") {
    Json& count = one.out["probes"][get_bool(body, "ok") ? "ok" : "failed"];
    count = count.get<int64_t>() + 1;
  } else if (type == "step.metadata_open") {
    see_metadata(one.out, {{"metadata", "open"}});
    one.out["metadata_open"] = get_string(body, "why");
  } else if (type == "step.http" || type == "step.exec") {
    see_metadata(one.out, body);
    one.out["calls"] = get_int(one.out, "calls") + 1;
  } else if (type == "step.reconciled") {
    one.out["reconciled"] = body;  // what an observation showed, or a person said, became of it
    if (body.contains("outputs") && body["outputs"].is_object())
      one.out["outputs"] = body["outputs"];
  } else if (type == "step.retry") {
    one.out["retries"].push_back(body);
  } else if (type == "step.ended") {
    one.ended = at_ms;
    copy_members(body, one.out, {"ending", "reason"});
  }
}

Json Story::tell() {
  if (out_.contains("ended_status")) {
    out_["status"] = out_["ended_status"];
    out_.erase("ended_status");
  }
  const std::string status = get_string(out_, "status");
  goes_on_ = ended_ == 0 && (status == "running" || status == "waiting" || status == "planned");
  end_steps();
  out_["started_ms"] = started_;
  out_["started"] = to_rfc3339(started_);
  const int64_t until = ended_ ? ended_ : std::max(last_, started_);
  out_["ended_ms"] = ended_ ? Json(ended_) : Json();
  out_["ended"] = ended_ ? Json(to_rfc3339(ended_)) : Json();
  out_["last_event_ms"] = until;
  out_["duration_ms"] = until - started_;
  out_["phases"] = phases_json();
  judge_objectives();
  judge_verdict();
  return std::move(out_);
}

void Story::end_steps() {
  Json steps = Json::array(), not_run = Json::array(), counts = Json::object();
  for (const auto& id : order_) {
    Step& one = steps_[id];
    Json& out = one.out;
    if (!out.contains("ending")) {
      const char* so_far = goes_on_ ? "; the run was still going on when this record was made" : "";
      out["ending"] = one.intent ? "unknown" : "not_run";
      out["reason"] =
          one.intent && one.outcome
              ? std::string("its last attempt ended, and nothing was decided after it") + so_far
          : one.intent ? std::string("it was started, and no outcome was recorded") + so_far
          : goes_on_   ? "not reached yet: the run was still going on when this record was made"
                       : "the run stopped before it";
    }
    if (one.started) out["started_ms"] = one.started;
    if (one.ended) out["ended_ms"] = one.ended;
    if (get_int(out, "ms") == 0 && one.started && one.ended) out["ms"] = one.ended - one.started;
    see_metadata(out_, out);  // of the run: what stood there least in any step
    const std::string ending = get_string(out, "ending");
    counts[ending] = get_int(counts, ending.c_str()) + 1;
    if (ending == "not_run" || ending == "skipped")
      not_run.push_back({{"id", id}, {"ending", ending}, {"reason", get_string(out, "reason")}});
    steps.push_back(out);
  }
  out_["steps"] = std::move(steps);
  out_["not_run"] = std::move(not_run);
  out_["endings"] = std::move(counts);
}

Json Story::phases_json() const {
  Json list = Json::array();
  for (const auto& one : phases_) {
    Json ids = Json::array();
    for (const auto& id : order_)
      if (get_string(steps_.at(id).out, "phase") == one.name) ids.push_back(id);
    const int64_t end = one.ended ? one.ended : ended_ ? ended_ : last_;
    list.push_back({{"name", one.name},
                    {"status", one.status.empty() ? "unknown" : one.status},
                    {"started_ms", one.started},
                    {"ended_ms", end},
                    {"ms", end - one.started},
                    {"steps", ids}});
  }
  return list;
}

}  // namespace hyops::record
