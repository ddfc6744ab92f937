// Planning, of as many steps as anybody has and of far more, to see that the cost grows with them
// and not faster.
#include "support/site.hpp"

#include "parts.hpp"

namespace hyops::bench {
namespace {

enum class Shape { chain, wide };

// A file holds at most 1 MiB, so the blueprint is made in memory; all else is read from files.
contract::Blueprint generated(const contract::Blueprint& written, int steps, Shape shape) {
  contract::Blueprint blueprint = written;
  blueprint.steps.clear();
  for (int i = 0; i < steps; ++i) {
    contract::Step step;
    step.id = step.instance = "s" + std::to_string(i);
    step.module = "test/say";
    contract::Binding text;
    text.literal = "hello";
    if (shape == Shape::chain && i > 0)
      text.from = contract::Reference{contract::Reference::Of::step, "s" + std::to_string(i - 1),
                                      "", "", "said"};
    step.inputs["text"] = std::move(text);
    blueprint.steps.push_back(std::move(step));
  }
  return blueprint;
}

class Planner {
 public:
  Planner() : catalog_(site_.setup.catalog) {
    site_.tool("say",
               "[inputs.text]\ntype = \"string\"\nrequired = true\n[outputs.said]\ntype = "
               "\"string\"\n[effects]\n",
               "");
    site_.blueprint(
        "[[step]]\nid = \"s\"\nmodule = \"test/say\"\nphase = \"data\"\ninputs = { text = "
        "\"hello\" }\n");
    contract::Diagnostics problems;
    lane_ = contract::load_lane(site_.setup.lane_file("drill"), problems);
    written_ = catalog_.blueprint("test/flow", {}, problems);
    if (!lane_ || !written_)
      give_up(problems.empty() ? "no plan could be asked for" : problems[0].text());
  }

  const contract::Blueprint& written() const { return *written_; }

  plan::Plan plan(const contract::Blueprint& blueprint) {
    plan::Question question;
    question.blueprint = &blueprint;
    question.lane = &*lane_;
    question.target = "cloud";
    question.origin = {{"request", {{"by", "oncall"}, {"reason", "bench"}}}};
    // Steps of process packs: nothing is asked of the world.
    const plan::World world{[](const std::string&) { return Result<Json>(Json()); },
                            [](const contract::Pack&, const Json&) { return Result<Json>(Json()); },
                            [](const std::string&) { return Result<std::string>(""); }};
    contract::Diagnostics problems;
    auto plan = plan::resolve(question, catalog_, world, problems);
    if (!plan) give_up(problems[0].text());
    return std::move(*plan);
  }

  void judge(const plan::Plan& plan) {
    contract::Diagnostics problems;
    plan::judge(plan, *catalog_.profile(plan.profile, {}, problems), problems, &*lane_, written_);
    if (!problems.empty()) give_up(problems[0].text());
  }

 private:
  tests::Site site_;
  contract::Catalog catalog_;
  std::optional<contract::Lane> lane_;
  const contract::Blueprint* written_ = nullptr;
};

Samples samples(int rounds, const std::function<void()>& act) {
  Samples out;
  act();
  for (int i = 0; i < rounds; ++i) out.add(time_ms(act));
  return out;
}

void measure(Table& table, Planner& planner, Shape shape, const std::string& name) {
  constexpr int small = 500, big = 100'000;
  const auto few = generated(planner.written(), small, shape),
             many = generated(planner.written(), big, shape);
  const Samples of_few = samples(20, [&] { planner.plan(few); });
  table.add({"plan of 500 steps, " + name, "ms", of_few, "", {}, "< 20 ms", of_few.median() < 20});
  const plan::Plan planned = planner.plan(few);
  const Samples judged = samples(20, [&] { planner.judge(planned); });
  table.add({"policy check of 500 steps, " + name, "ms", judged, "planning them", of_few, "< 20 ms",
             judged.median() < 20});
  const Samples of_many = samples(3, [&] { planner.plan(many); });
  table.add({"plan of 100,000 steps, " + name, "ms", of_many, "200 x that of 500 (linear = 1.0)",
             of_few.times(big / small), "< 2,000 ms", of_many.median() < 2000});
  const plan::Plan plan = planner.plan(many);
  const Samples document = samples(3, [&] { need(plan::digest(plan)); });
  table.add({"its document and digest, 100,000 steps, " + name,
             "ms",
             document,
             "planning them",
             of_many,
             "",
             {}});
}

}  // namespace

void measure_plans(Table& table) {
  Planner planner;
  measure(table, planner, Shape::chain, "a chain");
  measure(table, planner, Shape::wide, "side by side");
}

}  // namespace hyops::bench
