#include "cli/picture.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace hyops::cli {

bool ended_well(const std::string& ending) {
  return ending == "ok" || ending == "adopted" || ending == "skipped";
}

Paint paint_of(const std::string& status) {
  if (ended_well(status)) return Paint::good;
  if (status == "failed" || status == "unknown") return Paint::bad;
  return status == "running" ? Paint::strong : Paint::warn;
}

Picture::Picture(const Json& plan, const RunId& run)
    : run_(run.value), target_(get_string(plan, "target")) {
  const Json none = Json::object();
  const Json& blueprint = plan.is_object() && plan.contains("blueprint") ? plan["blueprint"] : none;
  title_ = get_string(blueprint, "name") + "  lane " + get_string(plan, "lane");
  if (plan.is_object() && plan.contains("rto_ms")) rto_ms_ = get_int(plan, "rto_ms");
  if (!plan.is_object() || !plan.contains("steps") || !plan["steps"].is_array()) return;
  for (const auto& one : plan["steps"]) {
    const std::string id = get_string(one, "id"), name = get_string(one, "phase");
    order_.push_back(id);
    steps_[id].phase = name;
    ++phase(name).total;
    widest_ = std::clamp<size_t>(id.size(), widest_, 28);
  }
}

Picture::Phase& Picture::phase(const std::string& name) {
  for (auto& known : phases_)
    if (known.name == name) return known;
  phases_.emplace_back();
  phases_.back().name = name;
  return phases_.back();
}

Picture::Step& Picture::step(const std::string& id) {
  const auto known = steps_.find(id);
  if (known != steps_.end()) return known->second;
  order_.push_back(id);
  return steps_[id];
}

std::string Picture::after(int64_t wall_ms) const {
  return "+" + short_time(started_ms_ ? wall_ms - started_ms_ : 0);
}

Line Picture::line(int64_t wall_ms, std::vector<Span> rest) const {
  Line out{{cell(after(wall_ms), 9), Paint::faint}};
  out.insert(out.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  return out;
}

std::vector<Line> Picture::take(const std::string& type, const Json& body, int64_t wall_ms) {
  if (type == "clock.stepped") stepped_ms_ += get_int(body, "by_ms");
  wall_ms -= stepped_ms_;  // what was shown so far is on the clock as it went at first
  if (!started_ms_) started_ms_ = wall_ms;
  const std::string status = get_string(body, "status");
  if (type.starts_with("step.") || type == "access.close_failed")
    return take_step(type, body, wall_ms);
  if (type == "run.started" || type == "run.resumed") {
    // RTO counts from the first start; a resumed run does not get its time back.
    if (type == "run.started") started_ms_ = wall_ms;
    status_ = "running";
    ended_ms_ = 0;
    waits_.clear();
    if (body.contains("rto_ms")) rto_ms_ = get_int(body, "rto_ms");
    std::string text = "run " + run_ + (type == "run.started" ? " started: " : " resumed: ") +
                       get_string(body, "blueprint") + " in lane " + get_string(body, "lane");
    if (body.contains("runner"))
      if (const std::string name = get_string(body["runner"], "name"); !name.empty())
        text += " on runner " + name + " (" + get_string(body["runner"], "plane") + ")";
    if (rto_ms_) text += ", RTO " + round_time(*rto_ms_);
    return {line(wall_ms, {{text, Paint::strong}})};
  }
  if (type == "run.ended" || type == "run.waiting") {
    status_ = status;
    ended_ms_ = wall_ms;
    for (auto& [id, one] : steps_) one.running = false;
    std::string text = "run " + run_ + " " + status + " after " + short_time(wall_ms - started_ms_);
    if (rto_ms_ && type == "run.ended" && status == "ok")
      text += wall_ms - started_ms_ <= *rto_ms_ ? ", within its RTO of " + round_time(*rto_ms_)
                                                : ", past its RTO of " + round_time(*rto_ms_);
    return {line(wall_ms, {{text, paint_of(status)}})};
  }
  if (type == "phase.started") {
    Phase& now = phase(get_string(body, "phase"));
    now.status = "running";
    if (!now.started_ms) now.started_ms = wall_ms;
    now.ended_ms = 0;
    return {};
  }
  if (type == "phase.ended") {
    Phase& now = phase(get_string(body, "phase"));
    now.status = status;
    now.ended_ms = wall_ms;
    return {line(wall_ms, {{"phase " + cell(now.name, 10), Paint::plain},
                           {status, paint_of(status)},
                           {"  " + short_time(wall_ms - now.started_ms), Paint::faint}})};
  }
  if (type == "gate.opened") {
    const std::string gate = get_string(body, "phase");
    waits_ = "a person confirms phase " + gate + ": hyops run confirm " + run_ + " " + gate +
             " --by NAME";
    return {line(wall_ms, {{"waits: ", Paint::warn}, {waits_, Paint::plain}})};
  }
  if (type == "gate.confirmed") {
    waits_.clear();
    return {line(wall_ms,
                 {{"phase " + get_string(body, "phase") + " confirmed by " + get_string(body, "by"),
                   Paint::good}})};
  }
  if (type == "approval.accepted")
    return {line(wall_ms, {{"approved by " + get_string(body, "approver"), Paint::good}})};
  if (type == "secret.resolved")
    return {line(wall_ms, {{"secret " + get_string(body, "name") + " resolved by " +
                                get_string(body, "authority"),
                            Paint::faint}})};
  if (type == "secret.transition")
    return {line(
        wall_ms,
        {{"secrets come from " + get_string(body, "to") + " now, " + get_string(body, "plugin") +
              (body.contains("by_run") ? ", moved by run " + get_string(body, "by_run") : ""),
          Paint::good}})};
  if (type == "secret.kept")
    return {line(wall_ms, {{"the secret authority did not answer; what it gave before still lasts",
                            Paint::warn}})};
  if (type == "publish.failed")
    return {line(wall_ms, {{"outputs not published: ", Paint::bad},
                           {get_string(body, "message"), Paint::plain}})};
  if (type == "run.abandoned")
    return {line(wall_ms, {{get_string(body, "by") + " stated that machine " +
                                get_string(body, "host") + " is gone for good",
                            Paint::warn}})};
  if (type == "clock.stepped")
    return {line(wall_ms, {{"the wall clock of the runner jumped by " +
                                std::to_string(get_int(body, "by_ms") / 1000) + " s",
                            Paint::warn}})};
  if (type == "run.stopping")
    return {line(wall_ms, {{get_bool(body, "now")
                                ? "stopping the steps that run"
                                : "stopping after the steps that run; to stop those, too: Ctrl-C "
                                  "again, or hyops run cancel " +
                                      run_ + " --now",
                            Paint::warn}})};
  if (type == "cancel.requested")
    return {line(wall_ms, {{"a person asked to stop the run", Paint::warn}})};
  if (type == "plugin.log" &&
      (get_string(body, "level") == "warn" || get_string(body, "level") == "error"))
    return {
        line(wall_ms, {{get_string(body, "step") + ": " + get_string(body, "text"), Paint::warn}})};
  return {};
}

std::vector<Line> Picture::take_step(const std::string& type, const Json& body, int64_t wall_ms) {
  const std::string id = get_string(body, "step");
  if (type == "access.close_failed")
    return {line(wall_ms, {{"access of " + id + " not closed: ", Paint::bad},
                           {get_string(body, "message"), Paint::plain}})};
  if (!type.starts_with("step.") || id.empty()) return {};
  Step& one = step(id);
  if (type == "step.intent") {
    one.attempt = static_cast<int>(get_int(body, "attempt", 1));
    if (!one.started_ms || !one.ending.empty()) one.started_ms = wall_ms;
    one.running = true;
    one.permille = -1;
    one.ended_ms = one.retry_at_ms = 0;
    one.note.clear();
    one.ending.clear();
  } else if (type == "step.outcome") {
    one.running = get_string(body, "status") == "unknown";
    if (one.running) one.note = "outcome unknown, looking at what it did";
    one.ended_ms = wall_ms;
  } else if (type == "step.retry") {
    const int64_t pause = get_int(body, "pause_ms");
    one.retry_at_ms = wall_ms + pause;
    return {line(wall_ms,
                 {{"phase " + cell(one.phase, 10) + cell(id, static_cast<int>(widest_)) + "  ",
                   Paint::plain},
                  {"retry", Paint::warn},
                  {" in " + round_time(pause) + " after attempt " +
                       std::to_string(get_int(body, "attempt")) + ": " + get_string(body, "class"),
                   Paint::plain}})};
  } else if (type == "step.reconciled") {
    return {line(
        wall_ms,
        {{"phase " + cell(one.phase, 10) + cell(id, static_cast<int>(widest_)) + "  ",
          Paint::plain},
         {get_string(body, "choice"), Paint::warn},
         {": looked and found it " + get_string(body, "seen") + "; " + get_string(body, "evidence"),
          Paint::plain}})};
  } else if (type == "step.probe" && !get_bool(body, "ok")) {
    return {
        line(wall_ms, {{"phase " + cell(one.phase, 10) + cell(id, static_cast<int>(widest_)) + "  ",
                        Paint::plain},
                       {"probe failed", Paint::bad},
                       {": " + get_string(body, "probe"), Paint::plain}})};
  } else if (type == "step.ended") {
    const bool had = !one.ending.empty(), was_good = ended_well(one.ending);
    one.ending = get_string(body, "ending");
    one.running = false;
    one.retry_at_ms = 0;
    if (!one.phase.empty()) {  // the same step may end again in a resumed run
      Phase& of = phase(one.phase);
      of.done += (ended_well(one.ending) ? 1 : 0) - (had && was_good ? 1 : 0);
      of.bad += (ended_well(one.ending) ? 0 : 1) - (had && !was_good ? 1 : 0);
    }
    return {ended(id, one, body, wall_ms)};
  }
  return {};
}

Line Picture::ended(const std::string& id, const Step& one, const Json& body,
                    int64_t wall_ms) const {
  const std::string reason = get_string(body, "reason");
  std::vector<Span> rest{
      {"phase " + cell(one.phase, 10) + cell(id, static_cast<int>(widest_)) + "  ", Paint::plain},
      {one.ending, paint_of(one.ending)}};
  if (one.started_ms && one.ending != "not_run")
    rest.push_back({"  " + short_time(wall_ms - one.started_ms), Paint::faint});
  if (one.attempt > 1) rest.push_back({"  attempt " + std::to_string(one.attempt), Paint::plain});
  if (!reason.empty()) rest.push_back({"  " + reason, Paint::plain});
  return line(wall_ms, std::move(rest));
}

void Picture::progress(const std::string& id, int permille, const std::string& note) {
  const auto known = steps_.find(id);
  if (known == steps_.end()) return;
  if (permille >= 0) known->second.permille = std::min(permille, 1000);
  if (!note.empty()) known->second.note = printable(note, 200);
}

std::vector<std::pair<std::string, int>> Picture::running() const {
  std::vector<std::pair<std::string, int>> out;
  for (const auto& id : order_)
    if (const auto& one = steps_.at(id); one.running) out.emplace_back(id, one.attempt);
  return out;
}

}  // namespace hyops::cli
