#include "cli/site.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/lane_check.hpp"

namespace hyops::cli {

engine::Setup setup_of(const Context& context) {
  return {context.places.prefix, context.places.home, context.places.catalog};
}

Result<ledger::Ledger> use_ledger(const Context& context) {
  if (auto made = make_folders(context.places.home); !made) return pass(made);
  return ledger::Ledger::open(context.places.ledger());
}

Result<contract::Lane> load_lane(const Context& context, const std::string& name) {
  if (!is_name(name))
    return fail("file.name", "\"" + printable(name, 80) + "\" cannot be the name of a lane");
  const auto file = context.places.lane(name);
  if (!std::filesystem::exists(file))
    return fail("cli.lane.unknown", "there is no lane " + name + " on this machine." +
                                        did_you_mean(name, lane_names(context)));
  contract::Diagnostics problems;
  auto lane = contract::load_lane(file, problems);
  if (!lane) return Failure(std::move(problems.front()));
  // What is done in a lane is kept under its name: a file in the wrong folder acts for another
  // (G6).
  if (lane->name != name)
    return fail("cli.lane.name",
                file.string() + " is the file of lane " + lane->name + ", not of " + name);
  return std::move(*lane);
}

Result<plan::Plan> read_plan(const std::string& file) {
  auto text = read_file(file);
  if (!text) return pass(text);
  auto document = parse_json(*text, file);
  if (!document) return pass(document);
  if (document->contains("digest") && document->contains("plan") && (*document)["plan"].is_object())
    *document = Json((*document)["plan"]);
  return plan::parse_plan(*document);
}

Result<trust::SignedDocument> read_signed(const std::filesystem::path& file) {
  auto document = read_file(file, 1u << 20);
  if (!document) return pass(document);
  auto signature = read_file(file.string() + ".minisig", 65536);
  if (!signature) return pass(signature, "the signature of " + file.string() + " stands beside it");
  return trust::SignedDocument{file.stem().string(), std::move(*document), std::move(*signature)};
}

Result<std::vector<trust::SignedDocument>> read_approvals(const std::filesystem::path& where) {
  std::vector<std::filesystem::path> files;
  std::error_code problem;
  if (std::filesystem::is_regular_file(where, problem)) {
    files.push_back(where);
  } else {
    for (const auto& entry : std::filesystem::directory_iterator(where, problem))
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    if (problem)
      return fail("file.open",
                  "cannot read the approvals in " + where.string() + ": " + problem.message());
  }
  std::sort(files.begin(), files.end());
  std::vector<trust::SignedDocument> out;
  // One without its signature is one bad approval, named as such where they are judged; the others
  // still count.
  for (const auto& file : files) {
    auto document = read_file(file, 1u << 20);
    if (!document) return pass(document);
    out.push_back({file.stem().string(), std::move(*document),
                   read_file(file.string() + ".minisig", 65536).value_or("")});
  }
  return out;
}

Result<engine::Admission> read_admission(const po::variables_map& given) {
  auto text = read_file(option(given, "plan"));
  if (!text) return pass(text);
  auto plan = parse_json(*text, option(given, "plan"));
  if (!plan) return pass(plan);
  engine::Admission admission;
  admission.plan = std::move(*plan);
  admission.requester = requester(given);
  if (given.count("decision")) {
    auto decision = read_signed(option(given, "decision"));
    if (!decision) return pass(decision);
    admission.decision = std::move(*decision);
  }
  if (given.count("approvals")) {
    auto approvals = read_approvals(option(given, "approvals"));
    if (!approvals) return pass(approvals);
    admission.approvals = std::move(*approvals);
  }
  return admission;
}

std::string requester(const po::variables_map& given) {
  if (given.count("by")) return given["by"].as<std::string>();
  const passwd* me = ::getpwuid(::getuid());
  return me ? me->pw_name : std::to_string(::getuid());
}

}  // namespace hyops::cli
