// profile.toml: a lane's policy. What is not written keeps the defaults of the struct, which are
// the careful choice: one approval by somebody else, unknown prices denied.
#include <algorithm>

#include "base/text.hpp"
#include "contract/document.hpp"
#include "contract/profile_rules.hpp"

namespace hyops::contract {
namespace {

// "5.00" -> 5000000 micro-units; nothing where that is not exact.
std::optional<int64_t> micro_units(const std::string& text) {
  const auto parts = split(text, '.');
  const auto digits = [](const std::string& part, size_t max) {
    return !part.empty() && part.size() <= max &&
           part.find_first_not_of("0123456789") == std::string::npos;
  };
  if (parts.size() > 2 || !digits(parts[0], 12) || (parts.size() == 2 && !digits(parts[1], 6)))
    return std::nullopt;
  std::string micro = parts.size() == 2 ? parts[1] : "";
  micro.resize(6, '0');
  return std::stoll(parts[0]) * 1'000'000 + std::stoll(micro);
}

// A profile adds to the obligations; what would take from one is refused where it is written.
void loosens(const Node& at, const std::string& what, const char* id, Source& source) {
  source.wrong(at, "contract.profile.loosens",
               what + ", and a profile may only tighten what " + id + " obliges to");
}

void read_binds(Table& table, Profile& profile, Source& source) {
  table.each("bind", [&](const Member& bind) {
    if (!is_contract_name(bind.key, 1))
      source.wrong(
          bind.line, bind.column, "contract.name.malformed",
          "\"" + printable(bind.key, 80) + "\" is no module's name like postgresql/restore");
    const std::string path = "bind.\"" + bind.key + "\"";
    if (!expect(bind.value, Node::Is::text, path, source)) return;
    check_name(&bind.value, bind.value.text, 1, path, source);
    profile.bind.emplace(bind.key, bind.value.text);
  });
}

void read_retry(Table& table, Profile& profile, Source& source) {
  static const std::vector<std::string> classes = {
      "invalid", "denied",    "conflict", "exhausted", "unavailable",
      "expired", "cancelled", "deadline", "partial",   "internal"};
  table.each("retry", [&](const Member& member) {
    const std::string path = "retry." + member.key;
    Node name = member.value;
    name.line = member.line;
    name.column = member.column;
    if (!one_of(name, member.key, classes, "the failure class", source)) return;
    if (!expect(member.value, Node::Is::table, path, source)) return;
    Table retry(member.value, path, source);
    int64_t attempts = 1;
    Retry out;
    if (retry.integer("attempts", attempts, 1, 100, Need::required))
      out.attempts = static_cast<int>(attempts);
    retry.duration("pause", out.pause_ms);
    retry.done();
    profile.retry[*failure_class(member.key)] = out;
  });
}

void read_limits(Table& table, Profile& profile, Source& source) {
  auto limits = table.table("limits");
  if (!limits) return;
  int64_t parallel = 0;
  if (limits->integer("parallel", parallel, 1, 1000)) profile.parallel = static_cast<int>(parallel);
  limits->duration("step_timeout", profile.step_timeout_ms);
  if (limits->duration("proof_age", profile.proof_age_ms) && profile.proof_age_ms > 3'600'000)
    loosens(*limits->get("proof_age"), "limits.proof_age is more than 1h", "L12", source);
  limits->each("resources", [&](const Member& member) {
    const std::string path = "limits.resources." + member.key;
    check_name(&member.value, member.key, 0, "the resource of " + path, source);
    if (!expect(member.value, Node::Is::integer, path, source)) return;
    if (member.value.integer < 1 || member.value.integer > 1000)
      source.wrong(member.value, "contract.value.range",
                   path + " is " + std::to_string(member.value.integer) + ", expected 1 to 1000");
    else
      profile.resource_limits.emplace(member.key, static_cast<int>(member.value.integer));
  });
  limits->done();
}

void read_phases(Table& table, const char* key, const std::string& path,
                 std::vector<std::string>& out, Source& source) {
  std::vector<std::string> all;
  for (int i = 0; i <= static_cast<int>(Phase::publish); ++i)
    all.emplace_back(name(static_cast<Phase>(i)));
  if (!table.read(key, out)) return;
  for (size_t i = 0; i < out.size(); ++i)
    one_of(table.get(key)->items[i], out[i], all, path, source);
}

void read_policy(Table& table, Profile& profile, Source& source) {
  if (auto approvals = table.table("approvals")) {
    int64_t required = 0;
    if (approvals->integer("required", required, 0, 20))
      profile.approvals_required = static_cast<int>(required);
    approvals->read("distinct_from_requester", profile.approver_is_not_requester);
    approvals->duration("valid", profile.approval_valid_ms);
    approvals->read("by", profile.approval_by);
    const bool live = std::find(profile.lane_kinds.begin(), profile.lane_kinds.end(), "live") !=
                      profile.lane_kinds.end();
    if (live && approvals->get("required") && profile.approvals_required == 0)
      loosens(*approvals->get("required"), "approvals.required is 0", "E8", source);
    if (live && !profile.approver_is_not_requester)
      loosens(*approvals->get("distinct_from_requester"),
              "approvals.distinct_from_requester is false", "L11", source);
    approvals->done();
  }
  if (auto connectivity = table.table("connectivity")) {
    connectivity->choice("expect", profile.connectivity, access_modes());
    if (const Node* at = connectivity->get("expect"))
      profile.places["connectivity.expect"] = source.place(*at);
    connectivity->done();
  }
  if (auto gates = table.table("gates")) {
    read_phases(*gates, "before", "gates.before", profile.gates_before, source);
    if (const Node* at = gates->get("before")) profile.places["gates.before"] = source.place(*at);
    gates->done();
  }
  if (auto validation = table.table("validation")) {
    validation->choice("depth", profile.validation_depth, {"basic", "standard", "full"});
    read_phases(*validation, "phases", "validation.phases", profile.validation_phases, source);
    validation->done();
  }
}

void read_cost(Table& table, Profile& profile, Source& source) {
  auto cost = table.table("cost");
  if (!cost) return;
  std::string budget, unknown = "deny";
  if (cost->read("currency", profile.cost_currency) &&
      (profile.cost_currency.size() != 3 ||
       profile.cost_currency.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos))
    source.wrong(*cost->get("currency"), "contract.value.choice",
                 "cost.currency is \"" + printable(profile.cost_currency, 20) +
                     "\", expected three capitals like EUR");
  if (cost->read("max_per_run", budget)) {
    profile.cost_max_micro = micro_units(budget);
    if (!profile.cost_max_micro)
      source.wrong(*cost->get("max_per_run"), "contract.value.money",
                   "cost.max_per_run is \"" + printable(budget, 40) +
                       "\", expected an amount like \"5.00\", at most six decimals");
    profile.places["cost.max_per_run"] = source.place(*cost->get("max_per_run"));
  }
  if (cost->choice("unknown", unknown, {"deny", "allow"}) && unknown != "deny")
    loosens(*cost->get("unknown"), "cost.unknown is \"allow\"", "G3", source);
  cost->done();
}

void read_naming(Table& table, Profile& profile, Source& source) {
  auto naming = table.table("naming");
  if (!naming) return;
  if (naming->read("pattern", profile.naming) && profile.naming.find("{name}") == std::string::npos)
    source.wrong(*naming->get("pattern"), "contract.value.pattern",
                 "naming.pattern is \"" + printable(profile.naming, 80) +
                     "\", expected {name} in it, or two things get one name");
  naming->done();
}

}  // namespace

std::map<std::string, std::map<std::string, Json>> read_defaults(Table& table, Source& source) {
  std::map<std::string, std::map<std::string, Json>> out;
  table.each("defaults", [&](const Member& module) {
    const std::string path = "defaults.\"" + module.key + "\"";
    if (!is_contract_name(module.key, 1))
      source.wrong(
          module.line, module.column, "contract.name.malformed",
          "\"" + printable(module.key, 80) + "\" is no module's name like postgresql/restore");
    if (!expect(module.value, Node::Is::table, path, source)) return;
    refuse_bare_project(module.value, path, source);
    for (const auto& input : module.value.members)
      out[module.key][input.key] = json_of(input.value);
  });
  return out;
}

std::optional<Profile> parse_profile(std::string_view text, const std::string& file,
                                     Diagnostics& problems) {
  Source source(file, problems);
  const auto document = parse_document(text, source);
  if (!document) return std::nullopt;
  Table table(*document, "", source);
  Profile profile;
  if (table.read("profile", profile.name, Need::required))
    check_name(table.get("profile"), profile.name, 0, "profile", source);
  table.read("title", profile.title, Need::required);
  if (table.read("lane_kinds", profile.lane_kinds, Need::required)) {
    const Node& list = *table.get("lane_kinds");
    if (list.items.empty())
      source.wrong(list, "contract.value.empty",
                   "lane_kinds is empty: no lane could use the profile");
    for (const auto& item : list.items)
      one_of(item, item.text, {"drill", "live"}, "lane_kinds", source);
  }
  read_binds(table, profile, source);
  profile.defaults = read_defaults(table, source);
  read_policy(table, profile, source);
  read_retry(table, profile, source);
  read_limits(table, profile, source);
  read_cost(table, profile, source);
  read_naming(table, profile, source);
  read_rules(table, profile, source);
  table.done();
  if (!source.clean()) return std::nullopt;
  profile.file = file;
  return profile;
}

std::optional<Profile> load_profile(const std::filesystem::path& file, Diagnostics& problems) {
  const auto text = read_text(file, problems);
  if (!text) return std::nullopt;
  return parse_profile(*text, file.string(), problems);
}

}  // namespace hyops::contract
