// How a blueprint looks to people, to Graphviz and to programs; and the schemas that editors use.
#include <algorithm>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "cli/blueprint.hpp"

namespace hyops::cli {
namespace {

using namespace contract;

constexpr int phase_count = static_cast<int>(Phase::publish) + 1;

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

Json bound(const Binding& binding) {
  return binding.from ? Json{{"from", binding.from->text()}} : Json{{"value", binding.literal}};
}

Json document(const Blueprint& blueprint) {
  Json phases = Json::array();
  for (int i = 0; i < phase_count; ++i) {
    Json steps = Json::array();
    for (const auto& step : blueprint.steps) {
      if (static_cast<int>(step.phase) != i) continue;
      Json inputs = Json::object();
      for (const auto& [name, binding] : step.inputs) inputs[name] = bound(binding);
      steps.push_back({{"id", step.id},
                       {"module", step.module},
                       {"instance", step.instance},
                       {"needs", needs_of(step)},
                       {"inputs", inputs}});
      if (step.timeout_ms) steps.back()["timeout_ms"] = *step.timeout_ms;
    }
    if (!steps.empty())
      phases.push_back({{"phase", std::string(name(static_cast<Phase>(i)))}, {"steps", steps}});
  }
  Json out{{"blueprint", blueprint.name},
           {"version", blueprint.version},
           {"title", blueprint.title},
           {"twin", blueprint.twin},
           {"decision", blueprint.decision},
           {"execution_plane", blueprint.execution_plane},
           {"phases", phases}};
  if (blueprint.rto_ms) out["rto_ms"] = *blueprint.rto_ms;
  if (blueprint.rpo_ms) out["rpo_ms"] = *blueprint.rpo_ms;
  return out;
}

void say_head(Context& context, const Blueprint& blueprint) {
  const auto time = [](const std::optional<int64_t>& ms) {
    return ms ? show_duration(*ms) : std::string("not declared");
  };
  context.say(blueprint.name + " " + blueprint.version);
  context.say(blueprint.title);
  if (!blueprint.doc.empty()) context.say(blueprint.doc);
  context.say("");
  context.say("  started by   " + (blueprint.decision.empty()
                                       ? std::string("an operator's request")
                                       : "a decision: " + join(blueprint.decision)));
  context.say("  runs         " + blueprint.execution_plane);
  context.say("  RTO, RPO     " + time(blueprint.rto_ms) + ", " + time(blueprint.rpo_ms));
  context.say("  twin         " + (blueprint.twin.empty() ? std::string("none") : blueprint.twin));
}

void say_step(Context& context, const Step& step) {
  std::string line = "  " + padded(step.id, 22) + " " + padded(step.module, 24);
  if (step.timeout_ms) line += "  at most " + show_duration(*step.timeout_ms);
  context.say(line.substr(0, line.find_last_not_of(' ') + 1));
  if (const auto needs = needs_of(step); !needs.empty()) context.say("      needs " + join(needs));
  size_t width = 0;
  for (const auto& [name, ignored] : step.inputs) width = std::max(width, name.size());
  for (const auto& [name, binding] : step.inputs) {
    const std::string value =
        binding.from
            ? "<- " + binding.from->text()
            : "=  " + printable(
                          binding.literal.dump(-1, ' ', false, Json::error_handler_t::replace), 90);
    context.say("      " + padded(name, width) + " " + value);
  }
}

// Loads, and refuses to draw what does not check: a picture of a wrong blueprint is believed
// anyway.
int with_blueprint(Context& context, const po::variables_map& given,
                   const std::function<int(const Blueprint&)>& draw) {
  Catalog catalog(context.places.catalog);
  Diagnostics problems;
  const auto blueprint = find_blueprint(catalog, option(given, "blueprint"), problems);
  if (blueprint) check_blueprint(*blueprint, catalog, problems);
  return problems.empty() && blueprint ? draw(*blueprint) : context.report(problems);
}

int show_blueprint(Context& context, const po::variables_map& given) {
  return with_blueprint(context, given, [&](const Blueprint& blueprint) -> int {
    context.answer(document(blueprint));
    say_head(context, blueprint);
    for (int i = 0; i < phase_count; ++i) {
      const auto phase = static_cast<Phase>(i);
      bool first = true;
      for (const auto& step : blueprint.steps) {
        if (step.phase != phase) continue;
        if (first) context.say("\n" + std::string(name(phase)));
        first = false;
        say_step(context, step);
      }
    }
    return exit_ok;
  });
}

void draw_text(Context& context, const Blueprint& blueprint) {
  size_t width = 0;
  for (const auto& step : blueprint.steps) width = std::max(width, step.id.size());
  for (int i = 0; i < phase_count; ++i) {
    bool first = true;
    for (const auto& step : blueprint.steps) {
      if (static_cast<int>(step.phase) != i) continue;
      const auto needs = needs_of(step);
      const std::string phase = first ? std::string(name(step.phase)) : "";
      first = false;
      context.say(padded(phase, 10) + "| " +
                  (needs.empty() ? step.id : padded(step.id, width) + " <- " + join(needs)));
    }
    if (!first) context.say("          |");
  }
}

void draw_dot(Context& context, const Blueprint& blueprint) {
  context.say("digraph \"" + blueprint.name + "\" {\n  rankdir=LR;\n  node [shape=box];");
  for (int i = 0; i < phase_count; ++i) {
    std::string cluster;
    for (const auto& step : blueprint.steps)
      if (static_cast<int>(step.phase) == i)
        cluster += "    \"" + step.id + "\" [label=\"" + step.id + "\\n" + step.module + "\"];\n";
    const std::string phase(name(static_cast<Phase>(i)));
    if (!cluster.empty())
      context.say("  subgraph \"cluster_" + phase + "\" {\n    label=\"" + phase + "\";\n" +
                  cluster + "  }");
  }
  for (const auto& step : blueprint.steps)
    for (const auto& need : needs_of(step))
      context.say("  \"" + need + "\" -> \"" + step.id + "\";");
  context.say("}");
}

int graph(Context& context, const po::variables_map& given) {
  const std::string format = context.json ? "json" : option(given, "format", "text");
  if (format != "text" && format != "dot" && format != "json")
    return context.report(make_error(
        "cli.usage",
        "there is no format \"" + printable(format, 40) + "\"; there are text, dot and json.",
        "hyops blueprint graph --help"));
  return with_blueprint(context, given, [&](const Blueprint& blueprint) -> int {
    if (format == "text") {
      draw_text(context, blueprint);
    } else if (format == "dot") {
      draw_dot(context, blueprint);
    } else {
      Json edges = Json::array(), steps = Json::array();
      for (const auto& step : blueprint.steps) {
        steps.push_back(
            {{"id", step.id}, {"module", step.module}, {"phase", std::string(name(step.phase))}});
        for (const auto& need : needs_of(step)) edges.push_back({{"from", need}, {"to", step.id}});
      }
      context.json = true;
      context.answer({{"blueprint", blueprint.name}, {"steps", steps}, {"edges", edges}});
    }
    return exit_ok;
  });
}

// A schema is JSON whether or not --json is said.
int print_schema(Context& context, const po::variables_map& given) {
  const std::string wanted = option(given, "subject");
  context.json = true;
  if (const auto schema = file_schema(wanted)) {
    context.answer(*schema);
    return exit_ok;
  }
  Catalog catalog(context.places.catalog);
  Diagnostics problems;
  const Module* module = catalog.module(wanted, {"command line", 0, 0}, problems);
  if (!module) {
    context.json = flag(given, "json");
    if (wanted.find('/') == std::string::npos)
      return context.report(make_error(
          "cli.usage",
          "there is no kind \"" + printable(wanted, 60) +
              "\"; there are module, pack, profile, lane, blueprint, lock and the names of "
              "modules." +
              did_you_mean(wanted, {"module", "pack", "profile", "lane", "blueprint", "lock"}),
          "hyops schema export --help"));
    return context.report(problems);
  }
  Json inputs = json_schema(module->inputs), outputs = json_schema(module->outputs);
  inputs.erase("$schema");
  outputs.erase("$schema");
  context.answer({{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                  {"title", module->name},
                  {"description", module->title},
                  {"type", "object"},
                  {"additionalProperties", false},
                  {"properties", {{"inputs", inputs}, {"outputs", outputs}}}});
  return exit_ok;
}

}  // namespace

Command blueprint_show() {
  return {"blueprint",
          "show",
          "BLUEPRINT",
          "shows a blueprint's phases, steps and what their inputs come from",
          "  hyops blueprint show dr/postgresql-failover",
          {"blueprint"},
          nullptr,
          show_blueprint};
}

Command blueprint_graph() {
  return {"blueprint",
          "graph",
          "BLUEPRINT",
          "draws phases and dependencies",
          "  hyops blueprint graph dr/postgresql-failover --format dot | dot -Tsvg",
          {"blueprint"},
          [](po::options_description_easy_init add) {
            add("format", po::value<std::string>(), "text (default), dot or json");
          },
          graph};
}

Command schema_export() {
  return {
      "schema",
      "export",
      "KIND|MODULE",
      "prints the JSON Schema of a contract file or of a module's inputs and outputs",
      "KIND is module, pack, profile, lane, blueprint or lock.\n\n  hyops schema export blueprint\n"
      "  hyops schema export postgresql/restore",
      {"subject"},
      nullptr,
      print_schema};
}

}  // namespace hyops::cli
