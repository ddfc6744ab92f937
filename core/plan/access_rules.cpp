#include "plan/access_rules.hpp"

#include "base/text.hpp"
#include "plan/rule_terms.hpp"

namespace hyops::plan {
namespace {

using contract::Phase;

bool is_blank(const Json& text) {
  return !text.is_string() ||
         text.get_ref<const std::string&>().find_first_not_of(" \t") == std::string::npos;
}

// Where data lives no outside looks in; the same words as in the plugin.
bool is_database(const std::string& role) {
  for (const char* word : {"sql", "database", "mariadb", "mongo", "redis", "etcd"})
    if (role.find(word) != std::string::npos) return true;
  return role == "db";
}

bool allows_break_glass(const contract::Profile& profile) {
  const auto session = profile.defaults.find("access/session");
  if (session == profile.defaults.end()) return false;
  const auto said = session->second.find("break_glass");
  return said != session->second.end() && said->second == true;
}

// How the lane configures the plugin of a step.
const Json& settings_of(const contract::Lane& lane, const Step& step) {
  static const Json none = Json::object();
  const auto found = lane.plugins.find(step.plugin);
  return found == lane.plugins.end() || !found->second.is_object() ? none : found->second;
}

bool holds(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

void declared_egress(const Judged& judged, const Report& report) {
  const auto& plan = judged.plan;
  const Step* reaches = find_step(plan, [](const Step& step) { return !step.mode.empty(); });
  const bool egress =
      find_step(plan, [](const Step& step) { return step.module.starts_with("egress/"); });
  if (plan.execution_plane == "runner-local" && step_of(plan, Phase::place) && reaches && !egress)
    report(at(*reaches),
           "the blueprint places hosts for runner-local access but declares no egress step; an "
           "offline target declares it with mode \"none\"");
}

void no_overlay_alone(const Judged& judged, const Report& report) {
  if (is_dr(judged.plan) && judged.profile.connectivity == "private-overlay")
    report("profile.connectivity.expect",
           "profile " + judged.profile.name +
               " expects connectivity private-overlay, and the far end of an overlay may be what "
               "was lost: it is never the only path of a DR blueprint");
}

void named_bastion(const Judged& judged, const Report& report) {
  if (!judged.lane) return;
  for (const auto& step : judged.plan.steps) {
    const Json& settings = settings_of(*judged.lane, step);
    if (step.mode != "bastion-explicit" || settings.value("bastion", Json()).is_object()) continue;
    const std::string field = "lane.plugins." + step.plugin + ".";
    if (!get_bool(settings, "ssh_proxy_jump_auto")) {
      report(field + "bastion", "step " + step.id + " goes through a bastion, and lane " +
                                    judged.lane->name + " names none: it is never inferred");
      continue;
    }
    const Step* placed = source_of(judged.plan, step, "hosts");
    const Json zone = placed ? value_of(*placed, "zone") : Json(),
               zones = settings.value("jump_zones", Json::array());
    if (zone.is_string() && std::find(zones.begin(), zones.end(), zone) == zones.end())
      report(field + "jump_zones",
             "step " + step.id + " would take a jump host by itself in zone " +
                 printable(zone.get<std::string>(), 60) +
                 ", which is none of the site's own or the lab's that lane " + judged.lane->name +
                 " declares: its bastion has to be named");
  }
}

// Which platforms a mode is for is declared by its pack, and so is where placement places.
void mode_of_the_platform(const Judged& judged, const Report& report) {
  for (const auto& step : judged.plan.steps) {
    if (step.mode.empty() || step.platforms.empty()) continue;
    std::vector<std::string> stand;
    if (const Step* placed = source_of(judged.plan, step, "hosts"))
      stand = placed->platforms;
    else if (judged.lane)
      if (const auto said = judged.lane->facts.find("platform");
          said != judged.lane->facts.end() && said->second.is_string())
        stand = {said->second.get<std::string>()};
    const bool there = !stand.empty() && std::all_of(stand.begin(), stand.end(), [&](auto& one) {
      return holds(step.platforms, one);
    });
    if (!there)
      report(at(step), "step " + step.id + " reaches hosts by " + step.mode + ", which is for " +
                           join(step.platforms, " and ") + " alone, and its hosts stand on " +
                           (stand.empty() ? "no platform that was declared" : join(stand)));
  }
}

void no_public_access(const Judged& judged, const Report& report) {
  if (is_live(judged.plan) && judged.profile.connectivity == "public-ephemeral")
    report("profile.connectivity.expect",
           "profile " + judged.profile.name +
               " expects connectivity public-ephemeral in the live lane " + judged.plan.lane +
               "; it is for drills");
}

// A step that opens a port to the outside. The plugin judges again what it is given.
void narrow_public_access(const Judged& judged, const Report& report) {
  const auto& profile = judged.profile;
  for (const auto& step : judged.plan.steps) {
    if (step.mode != "public-ephemeral") continue;
    const std::string opens = "step " + step.id + " opens a port to the outside";
    if (!allows_break_glass(profile))
      report(at(step, "break_glass"), opens + ", and the defaults of access/session in profile " +
                                          profile.name + " do not say break_glass = true");
    if (profile.approvals_required < 1 || !profile.approver_is_not_requester)
      report("profile.approvals.required", opens + ", and profile " + profile.name +
                                               " wants no approval by somebody else than who asks");
    if (is_blank(value_of(step, "public_reason")))
      report(at(step, "public_reason"), opens + " without a public_reason");
    const Json sources = value_of(step, "public_sources");
    if (!sources.is_array() || sources.empty())
      report(at(step, "public_sources"), opens + " and names no public_sources");
    else
      for (const auto& source : sources)
        if (source.get<std::string>().ends_with("/0"))
          report(at(step, "public_sources"),
                 "step " + step.id + " lets everybody in: " + source.dump());
    const Step* placed = source_of(judged.plan, step, "hosts");
    const Json role = placed ? value_of(*placed, "role") : Json();
    if (role.is_string() && is_database(role.get<std::string>()))
      report(at(step, "hosts"), "step " + step.id + " opens a port of a database, the hosts of " +
                                    "step " + placed->id + ": it never is");
  }
}

void no_public_address(const Judged& judged, const Report& report) {
  for (const auto& step : judged.plan.steps)
    if (says(step, "address", "public") && is_blank(value_of(step, "public_reason")))
      report(at(step, "address"),
             "step " + step.id + " asks for a public address without a public_reason");
}

void nothing_made_public(const Judged& judged, const Report& report) {
  for (const auto& step : judged.plan.steps)
    if (says(step, "address", "public") && step.inputs.at("address").from == "operator")
      report(at(step, "address"), "step " + step.id +
                                      " would get a public address by a word at planning; "
                                      "nothing that was reviewed declares it");
}

// Break-glass is declared by the profile in words of its own, and judged by the rule above.
void access_as_declared(const Judged& judged, const Report& report) {
  for (const auto& step : judged.plan.steps)
    if (!step.mode.empty() && step.mode != judged.profile.connectivity &&
        step.mode != "public-ephemeral")
      report(at(step), "step " + step.id + " reaches hosts by " + step.mode + ", and profile " +
                           judged.profile.name + " declares " + judged.profile.connectivity);
}

}  // namespace hyops::plan
