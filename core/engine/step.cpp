#include "engine/step.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "engine/fence.hpp"
#include "engine/means.hpp"
#include "engine/reserve.hpp"
#include "plugin/stream_service.hpp"

namespace hyops::engine {
namespace {

constexpr int64_t cancel_tick_ms = 100;  // how late a wish to stop may be noticed in a pause
constexpr int most_unknowns = 4;         // in one go, of a step whose outcome is lost each time

const char* name(Sight::Seen seen) {
  return seen == Sight::Seen::present  ? "present"
         : seen == Sight::Seen::absent ? "absent"
                                       : "unclear";
}

Json error_json(const Error& error) {
  return {{"class", name(error.kind)},
          {"code", error.code},
          {"message", error.text()},
          {"next", error.next}};
}

}  // namespace

StepRunner::StepRunner(Shared& shared, contract::Catalog& catalog)
    : shared_(shared), catalog_(catalog) {
  using enum contract::Driver;
  for (const auto which : {process, ansible, terraform, packer, plugin})
    drivers_[which] = shared.setup.means->driver(which);
}

StepRunner::~StepRunner() = default;

bool opens_access(const plan::Step& step) {
  return step.interface == "hyops.access/1" && step.verb == "open";
}

Json StepRunner::retry_rule(const Error& error) const {
  return shared_.plan.policy["retry"].value(std::string(name(error.kind)), Json::object());
}

int64_t StepRunner::pause_after(const Error& error) const {
  return get_int(retry_rule(error), "pause_ms");
}

bool StepRunner::pause(int64_t ms) {
  const int64_t until = shared_.setup.clock().mono_ms() + ms;
  for (int64_t left = ms; shared_.cancellation.state() == Cancel::no;
       left = until - shared_.setup.clock().mono_ms()) {
    if (left <= 0) return true;
    shared_.setup.means->pause(std::min(left, cancel_tick_ms));
  }
  return false;
}

Driver& StepRunner::driver(contract::Driver which) { return *drivers_.at(which); }

Result<Call> StepRunner::call_for(const plan::Step& step, const Json& inputs, int attempt) {
  contract::Diagnostics problems;
  const contract::Pack* pack = nullptr;
  const contract::Module* module = nullptr;
  {
    const std::lock_guard lock(catalog_mutex_);
    pack = catalog_.pack(step.pack, {}, problems);
    module = catalog_.module(step.module, {}, problems);
  }
  if (!pack || !module) return Failure(problems.front());
  const RunId& run = shared_.journal.run();
  // The same for every attempt of this step in this run, and for nothing else.
  const std::string key =
      sha256_hex(run.value + "\n" + step.id + "\n" + shared_.plan_digest).substr(0, 32);
  Call call{step,
            *pack,
            *module,
            inputs,
            key,
            attempt,
            shared_.setup.step_folder(run.value, step.id) / std::to_string(attempt)};
  return call;
}

Status StepRunner::check_outputs(const Call& call, const Json& outputs) {
  for (const auto& [name, field] : call.module.outputs) {
    if (!outputs.contains(name))
      return fail("engine.outputs.missing",
                  "step " + call.step.id + " ended well but gave no output \"" + name + "\"");
    if (auto good = contract::check_value(field, outputs[name]); !good)
      return pass(good, "output " + name + " of step " + call.step.id);
  }
  return {};
}

// What a fence claims becomes a proof for this run alone.
Status StepRunner::prove_fence(const Call& call, Json& outputs) {
  if (call.step.phase != contract::Phase::fence) return {};
  auto set = shared_.journal.ledger().clock_set_ms();
  if (!set) return pass(set);
  for (const auto& name : call.module.effects.proofs) {
    // One that lifts what was fenced has nothing to prove, and its empty proof satisfies nobody.
    if (!call.module.outputs.count(name) || get_string(outputs, name.c_str()).empty()) continue;
    auto proof = make_proof(get_string(outputs, name.c_str()), call.step.id,
                            {shared_.plan, shared_.lane, shared_.journal.run().value,
                             shared_.setup.clock().wall_ms(), *set});
    if (!proof) return pass(proof, "output " + name + " of step " + call.step.id);
    outputs[name] = *proof;
  }
  return {};
}

// INTENT, the call, OUTCOME. Both are durable before anything follows from them.
Result<Outcome> StepRunner::attempt(Call& call, bool reattach,
                                    std::optional<int64_t> began_mono_ms) {
  auto& journal = shared_.journal;
  const int64_t now = shared_.setup.clock().mono_ms(),
                began = reattach ? std::min(now, began_mono_ms.value_or(now)) : now;
  if (!reattach) {
    // Before anything of this step is touched: a folder may by now be another core's.
    if (auto ours = journal.still_held(); !ours) return pass(ours);
    if (auto room = require_room(shared_.setup.home); !room) return Outcome::bad(room.error());
    // What an earlier core left in this folder belongs to no intent.
    std::error_code ignored;
    std::filesystem::remove_all(call.folder, ignored);
    auto input_digest = digest_of_json(call.inputs);
    if (!input_digest) return pass(input_digest);
    auto written = journal.write("step.intent", {{"step", call.step.id},
                                                 {"attempt", call.attempt},
                                                 {"key", call.key},
                                                 {"input_digest", *input_digest},
                                                 {"driver", contract::name(call.step.driver)},
                                                 {"pack", call.step.pack},
                                                 {"fencing_token", shared_.fencing_token},
                                                 {"inputs", call.inputs}});
    if (!written) return pass(written);
  }
  // What the step connects to may have been lost with its keeper, or with the machine.
  if (auto there =
          plugin::Streams(shared_.setup.streams(journal.run().value),
                          [this](const std::string& name) { return shared_.secrets.get(name); })
              .revive();
      !there)
    (void)journal.write("access.lost", {{"step", call.step.id}, {"message", there.error().text()}});
  Outcome outcome = reattach ? driver(call.step.driver).reattach(call, shared_)
                             : driver(call.step.driver).execute(call, shared_);
  outcome.outputs = journal.redact(outcome.outputs);  // they become the lane's state
  if (outcome.status == Outcome::Status::ok)
    if (auto good = prove_fence(call, outcome.outputs); !good) outcome = Outcome::bad(good.error());
  if (outcome.status == Outcome::Status::ok)
    if (auto good = check_outputs(call, outcome.outputs); !good)
      outcome = Outcome::bad(good.error());
  Json body{{"step", call.step.id},
            {"attempt", call.attempt},
            {"ms", shared_.setup.clock().mono_ms() - began},
            {"tool_ms", outcome.tool_ms}};
  body["status"] = outcome.status == Outcome::Status::ok       ? "ok"
                   : outcome.status == Outcome::Status::failed ? "failed"
                                                               : "unknown";
  if (outcome.metadata) body["metadata"] = process::name(*outcome.metadata);
  if (outcome.status == Outcome::Status::ok) body["outputs"] = outcome.outputs;
  if (outcome.error) body.update(error_json(*outcome.error));
  // An outcome that ends the step is written with its ending, in one commit.
  if (outcome.status == Outcome::Status::ok) {
    if (auto written = journal.write_all(
            {{"step.outcome", body},
             {"step.ended", {{"step", call.step.id}, {"ending", "ok"}, {"reason", ""}}}});
        !written)
      return pass(written);
  } else if (auto written = journal.write("step.outcome", body); !written) {
    return pass(written);
  }
  return outcome;
}

Result<StepEnd> StepRunner::end(const Call& call, std::string ending, std::string reason,
                                Json outputs) {
  auto written = shared_.journal.write(
      "step.ended", {{"step", call.step.id}, {"ending", ending}, {"reason", reason}});
  if (!written) return pass(written);
  return StepEnd{std::move(ending), std::move(reason), std::move(outputs)};
}

// An unknown outcome: look, then adopt, do it again under the same key, or leave it to a person.
// Never guess.
Settlement StepRunner::judge(const Call& call) {
  Settlement found{driver(call.step.driver).observe(call, shared_), {}, {}, call.key};
  Sight& sight = found.sight;
  sight.outputs = shared_.journal.redact(sight.outputs);
  if (sight.seen == Sight::Seen::present)
    if (auto proven = prove_fence(call, sight.outputs); !proven)
      sight = {Sight::Seen::unclear, {}, proven.error().message};
  if (sight.seen == Sight::Seen::present) {
    if (auto whole = check_outputs(call, sight.outputs); whole)
      found.choice = "adopt";
    else
      sight.evidence += "; but " + whole.error().message;
  } else if (sight.seen == Sight::Seen::absent) {
    found.choice = "retry";
  } else if (call.step.idempotent) {
    found.choice = "retry";
    sight.evidence +=
        "; pack " + call.pack.name + " is declared idempotent, so it is safe to repeat";
  }
  found.event =
      Json{{"step", call.step.id},     {"attempt", call.attempt},    {"key", call.key},
           {"seen", name(sight.seen)}, {"evidence", sight.evidence}, {"choice", found.choice}};
  if (found.choice == "adopt") found.event["outputs"] = sight.outputs;
  return found;
}

Result<StepEnd> StepRunner::adopt(const Call& call, const Settlement& found) {
  if (auto written = shared_.journal.write("step.reconciled", found.event); !written)
    return pass(written);
  return end(call, "adopted", found.sight.evidence, found.sight.outputs);
}

Result<std::optional<StepEnd>> StepRunner::settle(const Call& call, const Error& why,
                                                  bool& doubtful) {
  const Settlement found = judge(call);
  if (found.choice == "retry") {
    if (auto written = shared_.journal.write("step.reconciled", found.event); !written)
      return pass(written);
    doubtful = found.sight.seen == Sight::Seen::unclear;
    return std::optional<StepEnd>();
  }
  auto ended =
      found.choice == "adopt"
          ? adopt(call, found)
          : end(call, "unknown", why.message + "; " + found.sight.evidence, Json::object());
  if (!ended) return pass(ended);
  return std::optional(std::move(*ended));
}

// Not repeated although it could be: the ending says what the last look knows.
Result<StepEnd> StepRunner::give_up(const Call& call, const std::string& why, bool doubtful) {
  if (doubtful) return end(call, "unknown", why, Json::object());
  return end(call, "failed", why + "; a look found that it changed nothing", Json::object());
}

// The last attempt failed, which says nothing of an earlier one that nobody saw the end of.
Result<StepEnd> StepRunner::fail_for_good(const Call& call, const std::string& why, bool doubtful) {
  if (!doubtful) return end(call, "failed", why, Json::object());
  const Settlement found = judge(call);
  if (found.choice == "adopt") return adopt(call, found);
  const std::string whole =
      why + "; of an attempt before it the outcome was unknown: " + found.sight.evidence;
  if (found.sight.seen == Sight::Seen::unclear) return end(call, "unknown", whole, Json::object());
  if (auto written = shared_.journal.write("step.reconciled", found.event); !written)
    return pass(written);
  return end(call, "failed", whole, Json::object());
}

Result<StepEnd> StepRunner::run(const plan::Step& step, const Json& inputs,
                                const StepHistory& before) {
  int number = before.attempt;
  bool reattach = before.interrupted, look_first = !before.outcome_known && !before.interrupted;
  if (before.stated == "adopt" && before.ending != "adopted") {
    auto call = call_for(step, inputs, number);
    if (!call) return pass(call);
    return end(*call, "adopted", before.settled_by, before.outputs);
  }
  int unknowns = 0;
  bool doubtful = before.doubtful;
  for (int tries = 1;; ++tries) {
    if (!reattach && !look_first) ++number;
    auto call = call_for(step, inputs, std::max(1, number));
    if (!call) {
      if (auto written = shared_.journal.write(
              "step.ended",
              {{"step", step.id}, {"ending", "failed"}, {"reason", call.error().text()}});
          !written)
        return pass(written);
      return StepEnd{"failed", call.error().text(), Json::object()};
    }
    Outcome outcome =
        Outcome::lost(make_error("engine.tool.lost", "an earlier core left its outcome unknown"));
    if (!look_first) {
      auto tried = attempt(*call, reattach, before.began_mono_ms);
      if (!tried) return pass(tried);
      outcome = std::move(*tried);
    }
    reattach = look_first = false;
    if (outcome.status == Outcome::Status::ok) return StepEnd{"ok", "", std::move(outcome.outputs)};
    if (outcome.status == Outcome::Status::unknown) {
      auto ended = settle(*call, *outcome.error, doubtful);
      if (!ended) return pass(ended);
      if (*ended) return std::move(**ended);
      if (++unknowns == most_unknowns)
        return give_up(
            *call,
            "its outcome was lost in " + std::to_string(most_unknowns) + " attempts in a row",
            doubtful);
      --tries;
      // A host that is just being reset needs the time that its class is given.
      if (!pause(pause_after(*outcome.error)))
        return give_up(*call, "it was not repeated: the run was stopped", doubtful);
      continue;
    }
    const Error& error = *outcome.error;
    const int64_t pause_ms = pause_after(error);
    if (tries >= get_int(retry_rule(error), "attempts", 1) ||
        shared_.cancellation.state() != Cancel::no) {
      auto ended = fail_for_good(*call, error.text(), doubtful);
      if (ended)
        ended->stopped = ended->ending == "failed" && error.kind == FailureClass::cancelled &&
                         shared_.cancellation.state() != Cancel::no;
      return ended;
    }
    auto written = shared_.journal.write("step.retry", {{"step", step.id},
                                                        {"attempt", call->attempt},
                                                        {"pause_ms", pause_ms},
                                                        {"class", name(error.kind)}});
    if (!written) return pass(written);
    if (!pause(pause_ms))
      return fail_for_good(*call, error.text() + "; not retried: the run was stopped", doubtful);
  }
}

Result<Settlement> StepRunner::look(const plan::Step& step, const Json& inputs,
                                    const StepHistory& before) {
  auto call = call_for(step, inputs, std::max(1, before.attempt));
  if (!call) return pass(call);
  return judge(*call);
}

Result<Json> StepRunner::look_at_fence(const plan::Step& step, const Json& inputs,
                                       const StepHistory& before) {
  auto call = call_for(step, inputs, std::max(1, before.attempt));
  if (!call) return pass(call);
  Sight sight = driver(step.driver).observe(*call, shared_);
  if (sight.seen != Sight::Seen::present)
    return fail("engine.fence.stale",
                "the fence of step " + step.id +
                    " was looked at again, and is not seen in place: " + sight.evidence);
  sight.outputs = shared_.journal.redact(sight.outputs);
  if (auto proven = prove_fence(*call, sight.outputs); !proven) return pass(proven);
  auto written = shared_.journal.write(
      "fence.observed",
      {{"step", step.id}, {"evidence", sight.evidence}, {"outputs", sight.outputs}});
  if (!written) return pass(written);
  return std::move(sight.outputs);
}

Status StepRunner::close_access(const plan::Step& step, const Json& outputs) {
  plan::Step closing = step;
  closing.verb = "close";
  auto call = call_for(closing, {{"endpoints", outputs.value("endpoints", Json::array())}}, 1);
  if (!call) return pass(call);
  const Outcome outcome = driver(step.driver).execute(*call, shared_);
  if (outcome.status == Outcome::Status::ok) return {};
  return Failure(*outcome.error);
}

}  // namespace hyops::engine
