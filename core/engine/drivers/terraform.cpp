// Runs a Terraform root module: init, a saved plan, exactly that plan applied, outputs read back.
#include <fstream>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "engine/drivers/tool.hpp"

namespace hyops::engine {
namespace {

namespace fs = std::filesystem;

class TerraformDriver final : public ToolDriver {
 protected:
  Result<std::vector<Stage>> prepare(const Call& call, Shared& shared) override {
    const fs::path state = state_folder(call, shared);
    if (auto made = make_folders(state); !made) return pass(made);
    Json variables = Json::object();
    for (const auto& [name, value] : call.inputs.items())
      if (call.module.inputs.at(name).type.kind != contract::Kind::secret) variables[name] = value;
    // The state's place is ours to say, whatever the pack declares: per lane and instance (G6).
    const Json backend{
        {"terraform",
         {{"backend", {{"local", {{"path", (state / "terraform.tfstate").string()}}}}}}}};
    const fs::path root = pack_copy(call) / call.pack.root;
    const std::pair<fs::path, std::string> files[] = {
        {root / "hyops_override.tf.json", backend.dump()},
        {root / "hyops.auto.tfvars.json", variables.dump()},
        {call.folder / "terraform.rc", ""}};
    for (const auto& [path, text] : files)
      if (auto written = write_file(path, text, 0600); !written) return pass(written);
    const std::string tool = executable("terraform"), at = "-chdir=" + root.string();
    const std::map<std::string, std::string> environment{
        {"TF_CLI_CONFIG_FILE", (call.folder / "terraform.rc").string()},
        {"TF_IN_AUTOMATION", "1"},
        {"CHECKPOINT_DISABLE", "1"},
        {"TF_DATA_DIR", (call.folder / "home/tf").string()}};
    const std::string saved = saved_plan(call).string();
    return std::vector<Stage>{
        {"init", {tool, at, "init", "-input=false", "-no-color"}, environment, false},
        {"plan",
         {tool, at, "plan", "-input=false", "-json", "-detailed-exitcode", "-out=" + saved},
         environment,
         false,
         {0, 2}},
        {"apply", {tool, at, "apply", "-input=false", "-json", saved}, environment},
        {"output", {tool, at, "output", "-json"}, environment, false}};
  }

  // Terraform itself knows: with nothing left to change the effect is there; else what a half-done
  // apply did stands in its state, and a new plan does the rest. Our lease of the lane keeps others
  // out, so the look needs no lock, and a dead one's is not in its way.
  Result<std::vector<Stage>> prepare_observe(const Call& call, Shared& shared) override {
    auto stages = prepare(call, shared);
    if (!stages) return pass(stages);
    Stage plan = (*stages)[1];
    plan.argv = {plan.argv[0],  plan.argv[1],        "plan", "-json", "-input=false",
                 "-lock=false", "-detailed-exitcode"};
    plan.good_codes = {0};
    plan.absent_codes = {2};
    return std::vector<Stage>{(*stages)[0], std::move(plan), (*stages)[3]};
  }

  // The saved plan is bound to this attempt: its digest is in the chain before it is applied (L10).
  Status after(const Stage& stage, const Call& call, Shared& shared) override {
    if (stage.name != "plan") return {};
    int64_t removed = 0;
    for (const auto& line : json_lines(call.folder / "plan/log.txt"))
      if (get_string(line, "type") == "change_summary")
        removed = get_int(line["changes"], "remove");
    if (removed > 0 && !call.step.irreversible)
      return fail("engine.terraform.destroys",
                  "Terraform would destroy " + std::to_string(removed) + " resources in step " +
                      call.step.id + ", which is not declared irreversible");
    for (const auto& [name, field] : call.module.inputs)
      if (field.type.kind == contract::Kind::secret)
        return fail("engine.terraform.secret",
                    "module " + call.module.name + " gives Terraform the secret " + name +
                        ", which would stand in its plan and state files");
    auto digest = digest_of_file(saved_plan(call));
    if (!digest) return pass(digest);
    return shared.journal.write("step.bound", {{"step", call.step.id},
                                               {"attempt", call.attempt},
                                               {"saved_plan", *digest},
                                               {"plan", shared.plan_digest}});
  }

  Result<Json> collect(const Call& call, Shared&) override {
    auto text = read_file(call.folder / "output/log.txt", 4u << 20);
    if (!text) return pass(text);
    auto said = parse_json(*text, "terraform output", 4u << 20);
    if (!said) return pass(said);
    Json outputs = Json::object();
    for (const auto& [name, output] : said->items()) outputs[name] = output.value("value", Json());
    return outputs;
  }

  std::vector<std::pair<std::string, Json>> findings(const Call& call, Shared& shared) override {
    std::vector<std::pair<std::string, Json>> events;
    for (const auto& line : json_lines(call.folder / "apply/log.txt")) {
      const std::string type = get_string(line, "type");
      Json body{{"step", call.step.id},
                {"attempt", call.attempt},
                {"message", printable(get_string(line, "@message"), 500)}};
      if (type == "apply_complete" || type == "apply_errored")
        body["resource"] = line["hook"]["resource"]["addr"];
      if (type == "apply_complete" || type == "apply_errored" || type == "change_summary" ||
          type == "diagnostic")
        events.emplace_back("step.terraform", std::move(body));
    }
    // Terraform writes this when it could not save its state: without it, what exists is forgotten.
    const fs::path errored = pack_copy(call) / call.pack.root / "errored.tfstate";
    if (fs::exists(errored)) {
      const fs::path kept =
          state_folder(call, shared) / ("errored-" + shared.journal.run().value + ".tfstate");
      std::error_code problem;
      fs::copy_file(errored, kept, fs::copy_options::overwrite_existing, problem);
      events.emplace_back("step.terraform",
                          Json{{"step", call.step.id},
                               {"attempt", call.attempt},
                               {"message", "Terraform could not save its state; it is kept as " +
                                               kept.filename().string()}});
    }
    return events;
  }

 private:
  static fs::path saved_plan(const Call& call) { return call.folder / "saved.tfplan"; }

  static fs::path state_folder(const Call& call, const Shared& shared) {
    std::string name = call.step.module + "#" + call.step.instance;
    for (char& c : name)
      if (c == '/') c = '.';
    return shared.setup.home / "lanes" / shared.plan.lane / "terraform" / name;
  }

  static std::vector<Json> json_lines(const fs::path& file) {
    std::vector<Json> out;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
      if (auto parsed = parse_json(line, "terraform event", 4u << 20);
          parsed && parsed->is_object())
        out.push_back(*parsed);
    return out;
  }
};

}  // namespace

std::unique_ptr<Driver> make_terraform_driver() { return std::make_unique<TerraformDriver>(); }

}  // namespace hyops::engine
