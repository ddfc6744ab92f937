// What a run may touch and cost, summed up from its steps: once when it is planned, and again where
// it is admitted, so that nobody approves less than what runs.
#include <set>

#include "plan/plan.hpp"

namespace hyops::plan {
namespace {

using Names = std::set<std::string>;

void touch(Names& into, const Json& value, const char* member) {
  if (value.is_string())
    into.insert(value.get<std::string>());
  else if (value.is_object() && value.contains(member))
    into.insert(get_string(value, member));
  else if (value.is_array())
    for (const auto& item : value) touch(into, item, member);
}

class Sum {
 public:
  explicit Sum(const contract::Profile& profile) : profile_(profile) {}

  void add(const Step& step, const contract::Module& module) {
    each(step, module.effects.hosts, [&](const Json& value) {
      touch(hosts_, value, "name");
      if (value.is_array())
        for (const auto& host : value) touch(addresses_, host, "address");
    });
    each(step, module.effects.dns_names, [&](const Json& value) { touch(dns_, value, "name"); });
    for (const auto& [name, input] : step.inputs)
      if (input.type.find("secret") != std::string::npos && input.known)
        touch(secrets_, input.value, "name");
    if (!step.authority.empty()) authorities_.insert(step.authority + " (" + step.plugin + ")");
    for (const auto& file : module.effects.files) files_.insert(file);
    if (step.metadata)
      metadata_.insert("step " + step.id + ": its tools may read the runner's own credentials");
    if (module.effects.irreversible) irreversible_.insert("step " + step.id + ": " + module.title);
    if (step.forecast.is_object())
      add_forecast(step);
    else if (step.phase == contract::Phase::place)
      unpriced_.insert(step.id);
  }

  Effects result() const {
    Effects out;
    out.blast_radius = {{"hosts", hosts_},    {"addresses", addresses_},
                        {"dns_names", dns_},  {"secrets", secrets_},
                        {"files", files_},    {"irreversible", irreversible_},
                        {"unknown", unknown_}};
    if (!authorities_.empty()) out.blast_radius["secret_authority"] = authorities_;
    if (!metadata_.empty()) out.blast_radius["metadata"] = metadata_;
    // An estimate for one day: capacity that a run opens carries an end, and a day is what nobody
    // notices (G3).
    out.cost = {{"currency", profile_.cost_currency},
                {"micro_per_hour", micro_per_hour_},
                {"estimate_micro", micro_per_hour_ * 24},
                {"unpriced", unpriced_}};
    if (profile_.cost_max_micro) out.cost["cap_micro"] = *profile_.cost_max_micro;
    return out;
  }

 private:
  template <class Known>
  void each(const Step& step, const std::vector<std::string>& names, const Known& known) {
    for (const auto& name : names) {
      const auto input = step.inputs.find(name);
      if (input != step.inputs.end() && input->second.known)
        known(input->second.value);
      else if (input != step.inputs.end())
        unknown_.insert("step " + step.id + ": " + name + " from " + input->second.reference);
      else if (step.outputs.count(name) && step.forecast.is_null())
        unknown_.insert("step " + step.id + ": its output " + name);
    }
  }

  void add_forecast(const Step& step) {
    const Json hosts = step.forecast.value("hosts", Json::array());
    touch(hosts_, hosts, "name");
    for (const auto& host : hosts)
      if (host.is_object() && host.contains("address") && host["address"].is_string())
        addresses_.insert(host["address"]);
    if (step.interface != "hyops.provider/1" || step.verb != "apply") return;
    const Json cost = step.forecast.value("cost", Json());
    if (cost.is_object() && cost.contains("micro_per_hour") &&
        cost["micro_per_hour"].is_number_integer() &&
        get_string(cost, "currency", profile_.cost_currency) == profile_.cost_currency)
      micro_per_hour_ += cost["micro_per_hour"].get<int64_t>();
    else
      unpriced_.insert(step.id);
  }

  const contract::Profile& profile_;
  Names hosts_, addresses_, dns_, secrets_, authorities_, files_, metadata_, irreversible_,
      unknown_, unpriced_;
  int64_t micro_per_hour_ = 0;
};

}  // namespace

Effects effects_of(const Plan& plan, const contract::Profile& profile, contract::Catalog& catalog,
                   contract::Diagnostics& problems) {
  Sum sum(profile);
  for (const auto& step : plan.steps)
    if (const auto* module = catalog.module(step.module, {}, problems)) sum.add(step, *module);
  return sum.result();
}

}  // namespace hyops::plan
