// Tools against what the catalogue's packs want: found, too old or absent, and which packs that
// hits.
#include <future>
#include <map>
#include <set>

#include "base/text.hpp"
#include "cli/doctor.hpp"
#include "contract/load.hpp"
#include "process/spawn.hpp"

namespace hyops::cli {
namespace {

struct Wanted {
  std::set<std::string> packs;
  std::map<std::string, std::set<std::string>> versions;  // ">=2.14" -> packs
};

struct Found {
  std::string path, version;  // path empty: absent; version empty: it does not tell
};

std::vector<int> numbers(std::string_view version) {
  std::vector<int> out;
  for (const auto& part : split(version, '.')) {
    int number = 0;
    for (const char c : part) {
      if (c < '0' || c > '9' || number > 100'000'000) return out;
      number = number * 10 + (c - '0');
    }
    out.push_back(number);
  }
  return out;
}

// The first thing in the output that looks like 2.14 or 2.14.3.
std::string first_version(const std::string& text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t at = 0; at < text.size(); ++at) {
    if (!digit(text[at]) || (at > 0 && (digit(text[at - 1]) || text[at - 1] == '.'))) continue;
    size_t end = at;
    while (end < text.size() && (digit(text[end]) || (text[end] == '.' && end + 1 < text.size() &&
                                                      digit(text[end + 1]))))
      ++end;
    const std::string word = text.substr(at, end - at);
    if (word.find('.') != std::string::npos) return word;
    at = end;
  }
  return {};
}

bool satisfies(const std::string& version, const std::string& wanted) {
  if (!wanted.starts_with(">=")) return true;  // packs write no other form
  return version.empty() || numbers(version) >= numbers(std::string_view(wanted).substr(2));
}

Found look_for(const std::string& tool) {
  const auto path = process::find_executable(tool, process::default_path);
  if (!path) return {};
  process::SpawnRequest request;
  request.argv = {path->string(), "--version"};
  // Some tools write below HOME when asked for their version.
  request.environment = {{"PATH", process::default_path},
                         {"LANG", "C.UTF-8"},
                         {"HOME", "/nonexistent"},
                         {"CHECKPOINT_DISABLE", "1"}};
  const auto said = process::run(request, 15'000);
  return {path->string(),
          said && said->exit.code == 0 ? first_version(said->out + "\n" + said->err) : ""};
}

std::string list_packs(const std::set<std::string>& packs) {
  return (packs.size() == 1 ? "pack " : "packs ") + join({packs.begin(), packs.end()});
}

std::map<std::string, Wanted> wanted_tools(const Context& context, Diagnosis& diagnosis) {
  std::map<std::string, Wanted> out;
  contract::Catalog catalog(context.places.catalog);
  const auto names = catalog.names("packs");
  if (names.empty())
    diagnosis.bad("catalog", "there are no packs in " + context.places.catalog.string(),
                  "Name the catalogue with --catalog.");
  size_t broken = 0;
  for (const auto& name : names) {
    contract::Diagnostics problems;
    const auto* pack = catalog.pack(name, {}, problems);
    if (!pack) {
      ++broken;
      diagnosis.bad(
          "catalog",
          "pack " + name + ": " + (problems.empty() ? "cannot be read" : problems.front().text()),
          "Repair it; hyops blueprint check names everything wrong.");
      continue;
    }
    for (const auto& [tool, version] : pack->tools) {
      out[tool].packs.insert(name);
      out[tool].versions[version].insert(name);
    }
  }
  if (!names.empty() && broken == 0)
    diagnosis.ok("catalog", std::to_string(names.size()) + " packs are well-formed");
  return out;
}

}  // namespace

void examine_tools(const Context& context, Diagnosis& diagnosis) {
  auto wanted = wanted_tools(context, diagnosis);
  std::map<std::string, std::future<Found>>
      looking;  // a slow `--version` does not wait for another one
  for (const auto& [tool, of] : wanted)
    looking[tool] = std::async(std::launch::async, look_for, tool);
  for (auto& [tool, of] : wanted) {
    const Found found = looking[tool].get();
    if (found.path.empty()) {
      diagnosis.warn("tools",
                     tool + " is not on this machine: " + list_packs(of.packs) + " cannot run here",
                     "Install " + tool + ", or use a profile that binds other packs.");
      continue;
    }
    std::set<std::string> hit;
    std::string needs;
    for (const auto& [version, packs] : of.versions)
      if (!satisfies(found.version, version))
        hit.insert(packs.begin(), packs.end()), needs = version;
    if (!hit.empty())
      diagnosis.warn("tools",
                     tool + " is " + found.version + ", and " + needs +
                         " is wanted: " + list_packs(hit) + " cannot run here",
                     "Install a newer " + tool + ".");
    else
      diagnosis.ok("tools",
                   tool + (found.version.empty() ? "" : " " + found.version) + " in " + found.path);
  }
  for (const char* tool : {"ssh", "ssh-keygen"})
    if (!process::find_executable(tool, process::default_path))
      diagnosis.warn("tools",
                     std::string(tool) + " is not on this machine: no host can be reached from it",
                     "apt-get install openssh-client");
}

}  // namespace hyops::cli
