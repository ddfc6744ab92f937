// One verb at a time: what it answers, and what it must not do along the way.
#include "base/text.hpp"
#include "plugin/check/finding.hpp"

namespace hyops::plugin::check {
namespace {

// A call that has to succeed on what check.toml gives.
Finding succeeded(const std::string& verb, const Heard& heard) {
  if (heard.judged) return ok("");
  const bool own_fault = is_broken(heard.judged);
  return failed(verb + (own_fault ? "" : " has to succeed here (see check.toml)"),
                heard.judged.error());
}

// What the emitted documents of a verb hold, in the typed-input language; "" for a plain object.
struct Shape {
  const char *interface, *verb, *member, *type;
};
constexpr Shape shapes[] = {
    {"hyops.provider/1", "apply", "hosts", "list<host>"},
    {"hyops.provider/1", "observe", "present", "bool"},
    {"hyops.provider/1", "observe", "hosts", "list<host>"},
    {"hyops.egress/1", "observe", "present", "bool"},
    {"hyops.egress/1", "prove", "proven", "bool"},
    {"hyops.access/1", "open", "endpoints", "list<endpoint>"},
    {"hyops.access/1", "observe", "present", "bool"},
    {"hyops.access/1", "observe", "endpoints", "list<endpoint>"},
};

Finding fits(const Role& role, const std::string& verb, const Json& answer) {
  for (const auto& shape : shapes) {
    if (verb != shape.verb || std::string_view(role.interface) != shape.interface) continue;
    contract::Field field;
    field.name = shape.member;
    field.type = *contract::parse_type(shape.type);
    if (!answer.contains(shape.member)) return failed(verb + " emits no \"" + shape.member + "\"");
    if (auto good = contract::check_value(field, answer[shape.member]); !good)
      return failed(verb, good.error());
  }
  return ok("");
}

Finding answers_once(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    World world(subject);
    Running plugin = start(subject, world);
    if (!plugin) return plugin.why();
    Json emitted;
    for (const auto& verb : verbs_of(role.interface)) {
      const auto heard = plugin->call(role.interface, verb, given(role, verb, inputs, emitted));
      if (is_broken(heard.judged)) return failed(verb, heard.judged.error());
      if (verb == role.make && heard.judged) emitted = *heard.judged;
    }
    return ok("each of " + join(verbs_of(role.interface)));
  });
}

Finding outputs_fit(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    World world(subject);
    Running plugin = start(subject, world);
    if (!plugin) return plugin.why();
    Json emitted;
    for (const std::string verb : {role.pure, role.make, role.look, role.undo}) {
      if (verb.empty()) continue;
      const auto heard = plugin->call(role.interface, verb, given(role, verb, inputs, emitted));
      if (auto good = succeeded(verb, heard); good.outcome == Outcome::failed) return good;
      if (auto good = fits(role, verb, *heard.judged); good.outcome == Outcome::failed) return good;
      if (verb == role.make) emitted = *heard.judged;
    }
    for (const auto& name : inputs.value("names", Json::array()))
      if (std::string_view(role.make) == "resolve" && name.is_string() &&
          !world.sunk().contains(name.get<std::string>()))
        return failed("resolve did not put \"" + name.get<std::string>() + "\" into the sink");
    return ok("the outputs are those of " + std::string(role.interface));
  });
}

Finding plan_is_pure(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    World world(subject);
    Running plugin = start(subject, world);
    if (!plugin) return plugin.why();
    const auto heard = plugin->call(role.interface, role.pure, inputs);
    if (auto good = succeeded(role.pure, heard); good.outcome == Outcome::failed) return good;
    if (!world.writes().empty())
      return failed(std::string(role.pure) + " sent " + world.writes().front());
    return ok(std::string(role.pure) + " changed nothing");
  });
}

Finding plan_is_deterministic(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    const std::string plan = role.plan;
    if (plan.empty()) return skipped(std::string(role.interface) + " has no plan");
    std::string first;
    for (int helper = 0; helper < 2; ++helper) {
      World world(subject);
      Running plugin = start(subject, world);
      if (!plugin) return plugin.why();
      for (int again = 0; again < 3; ++again) {
        const auto heard = plugin->call(role.interface, plan, inputs);
        if (auto good = succeeded(plan, heard); good.outcome == Outcome::failed) return good;
        if (first.empty()) first = heard.document;
        if (heard.document != first)
          return failed(helper ? "another process plans other bytes"
                               : "it plans other bytes again");
      }
    }
    return ok("the same bytes in two processes");
  });
}

Finding keeps_secrets(const Subject& subject) {
  World world(subject);
  Running plugin = start(subject, world);
  if (!plugin) return plugin.why();
  const auto done = for_each_role(subject, [&](const Role& role, const Json& inputs) {
    Json emitted;
    for (const auto& verb : verbs_of(role.interface)) {
      const auto heard = plugin->call(role.interface, verb, given(role, verb, inputs, emitted));
      if (is_broken(heard.judged)) return failed(verb, heard.judged.error());
      if (verb == role.make && heard.judged) emitted = *heard.judged;
    }
    return ok("");
  });
  if (done.outcome == Outcome::failed) return done;
  world.heard("standard output", plugin->output());
  if (const auto where = world.leak(); !where.empty()) return failed("a secret stands in " + where);
  if (!world.planted()) return skipped("it was given no secret: check.toml can name some");
  return ok("in no log, answer, progress, request or output, plain or encoded");
}

}  // namespace

const std::vector<Check> verb_checks{
    {"answers-once", "Every verb emits once or fails once, then returns.", answers_once},
    {"outputs-fit", "What it emits has the members its interface names.", outputs_fit},
    {"plan-is-pure", "Planning writes nothing (access: prove; secret: probe).", plan_is_pure},
    {"plan-is-deterministic", "Equal inputs give equal bytes, in any process.",
     plan_is_deterministic},
    {"keeps-secrets", "No secret stands in a log, an answer, progress or a request.",
     keeps_secrets},
};

}  // namespace hyops::plugin::check
