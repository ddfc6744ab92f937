// Builds an image: the template is validated, then built; outputs come from its manifest.
#include "engine/drivers/tool.hpp"

namespace hyops::engine {
namespace {

class PackerDriver final : public ToolDriver {
 protected:
  Result<std::vector<Stage>> prepare(const Call& call, Shared&) override {
    Json variables = Json::object();
    for (const auto& [name, value] : call.inputs.items())
      if (call.module.inputs.at(name).type.kind != contract::Kind::secret) variables[name] = value;
    variables["hyops_manifest"] = (call.folder / "manifest.json").string();
    const std::string file = (call.folder / "variables.json").string();
    if (auto written = write_file(file, variables.dump(), 0600); !written) return pass(written);
    const std::string tool = executable("packer");
    const std::map<std::string, std::string> environment{
        {"CHECKPOINT_DISABLE", "1"},
        {"PACKER_NO_COLOR", "1"},
        {"PACKER_CACHE_DIR", (call.folder / "home/cache").string()}};
    return std::vector<Stage>{
        {"validate",
         {tool, "validate", "-var-file=" + file, call.pack.image_template},
         environment,
         false},
        {"build",
         {tool, "build", "-color=false", "-var-file=" + file, call.pack.image_template},
         environment}};
  }

  // Packer has no way to ask whether an image is there; the pack says whether to build it again.
  Result<std::vector<Stage>> prepare_observe(const Call&, Shared&) override {
    return std::vector<Stage>{};
  }

  Result<Json> collect(const Call& call, Shared&) override {
    auto text = read_file(call.folder / "manifest.json", 4u << 20);
    if (!text)
      return pass(text, "the template must write its manifest to {{user `hyops_manifest`}}");
    auto manifest = parse_json(*text, "the packer manifest", 4u << 20);
    if (!manifest) return pass(manifest);
    if (!manifest->contains("builds") || !(*manifest)["builds"].is_array() ||
        (*manifest)["builds"].empty())
      return fail("engine.outputs.missing",
                  "the packer manifest of step " + call.step.id + " names no build");
    const Json& build = (*manifest)["builds"].back();
    const Json custom = build.value("custom_data", Json::object());
    Json outputs = Json::object();
    for (const auto& [name, field] : call.module.outputs) {
      if (custom.is_object() && custom.contains(name))
        outputs[name] = custom[name];
      else if (build.contains(name))
        outputs[name] = build[name];
    }
    return outputs;
  }
};

}  // namespace

std::unique_ptr<Driver> make_packer_driver() { return std::make_unique<PackerDriver>(); }

}  // namespace hyops::engine
