// The catalogue folder: finds files by name, loads each once, and knows near names for a miss.
#include <algorithm>

#include "base/text.hpp"
#include "contract/document.hpp"

namespace hyops::contract {
namespace {

namespace fs = std::filesystem;

void complain(std::string_view code, std::string message, const Place& at, Diagnostics& problems) {
  Error error = make_error(code, std::move(message));
  error.place = at;
  problems.push_back(std::move(error));
}

struct Entry {
  const char* word;    // "module"
  const char* code;    // contract.unknown.module
  const char* folder;  // "modules"
  fs::path file;
};

// The cached contract, or it is loaded. `cache` keeps an empty optional for a file that is wrong,
// so that its errors are told once; whoever asks later still learns that it cannot be used.
template <class Contract, class Load>
const Contract* find(std::map<std::string, std::optional<Contract>>& cache, const std::string& name,
                     const Entry& entry, const Catalog& catalog, const Place& at,
                     Diagnostics& problems, Load load) {
  const auto have = cache.find(name);
  if (have != cache.end()) {
    if (!have->second)
      complain("contract.file.broken",
               entry.file.string() + " has errors, so nothing can be said about its use", at,
               problems);
    return have->second ? &*have->second : nullptr;
  }
  std::error_code ignored;
  const bool named_well = is_contract_name(name, entry.word == std::string("profile") ? 0 : 1);
  if (!named_well || !fs::is_regular_file(entry.file, ignored)) {
    complain(entry.code,
             "there is no " + std::string(entry.word) + " \"" + printable(name, 80) +
                 "\" in the catalogue." + did_you_mean(name, catalog.names(entry.folder)),
             at, problems);
    return nullptr;
  }
  auto loaded = load(entry.file, problems);
  if (loaded && loaded->name != name) {
    complain("contract.name.mismatch",
             entry.file.string() + " calls itself \"" + loaded->name +
                 "\", but it stands where \"" + name + "\" belongs",
             {entry.file.string(), 1, 1}, problems);
    loaded.reset();
  }
  const auto& kept = cache.emplace(name, std::move(loaded)).first->second;
  return kept ? &*kept : nullptr;
}

}  // namespace

const Module* Catalog::module(const std::string& name, const Place& at, Diagnostics& problems) {
  const Entry entry{"module", "contract.unknown.module", "modules",
                    folder_ / "modules" / name / "module.toml"};
  return find(modules_, name, entry, *this, at, problems, load_module);
}

const Pack* Catalog::pack(const std::string& name, const Place& at, Diagnostics& problems) {
  const Entry entry{"pack", "contract.unknown.pack", "packs",
                    folder_ / "packs" / name / "pack.toml"};
  return find(packs_, name, entry, *this, at, problems, load_pack);
}

const Profile* Catalog::profile(const std::string& name, const Place& at, Diagnostics& problems) {
  const Entry entry{"profile", "contract.unknown.profile", "profiles",
                    folder_ / "profiles" / (name + ".toml")};
  return find(profiles_, name, entry, *this, at, problems, load_profile);
}

const Blueprint* Catalog::blueprint(const std::string& name, const Place& at,
                                    Diagnostics& problems) {
  const Entry entry{"blueprint", "contract.unknown.blueprint", "blueprints",
                    folder_ / "blueprints" / name / "blueprint.toml"};
  return find(blueprints_, name, entry, *this, at, problems, load_blueprint);
}

std::vector<std::string> Catalog::names(const std::string& kind) const {
  std::vector<std::string> out;
  std::error_code problem;
  if (kind == "profiles") {
    for (fs::directory_iterator it(folder_ / kind, problem), end; !problem && it != end;
         it.increment(problem))
      if (it->path().extension() == ".toml") out.push_back(it->path().stem().string());
  } else {
    const std::string file = kind.substr(0, kind.size() - 1) + ".toml";
    for (fs::directory_iterator group(folder_ / kind, problem), end; !problem && group != end;
         group.increment(problem)) {
      std::error_code inner;
      for (fs::directory_iterator it(group->path(), inner); !inner && it != end;
           it.increment(inner))
        if (fs::is_regular_file(it->path() / file, inner))
          out.push_back(group->path().filename().string() + "/" + it->path().filename().string());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace hyops::contract
