// Before any verb: that the shared object is what its manifest says and can be loaded at all.
#include <algorithm>

#include "base/text.hpp"
#include "plugin/check/elf.hpp"
#include "plugin/check/finding.hpp"

namespace hyops::plugin::check {
namespace {

// The code with which a fresh helper refuses to start it; empty: it starts.
Status try_start(const Subject& subject, int64_t* took_ms = nullptr) {
  World world(subject);
  auto session = Session::open(subject, world);
  if (!session) return pass(session);
  auto census = session->census();  // the helper is up: what follows is the plugin's time alone
  if (!census) return pass(census);
  auto created = session->create();
  if (took_ms) *took_ms = session->create_ms();
  return created;
}

Finding exports_one_symbol(const Subject& subject) {
  auto symbols = read_symbols(subject.manifest.folder / object_name);
  if (!symbols) return failed("it cannot be read", symbols.error());
  auto others = symbols->exported;
  const auto ours = std::remove(others.begin(), others.end(), "hyops_module");
  others.erase(ours, others.end());
  if (others.empty()) return ok("hyops_module");
  const size_t more = others.size() - 1;
  return failed("it also exports " + others.front() +
                (more ? " and " + std::to_string(more) + " more" : ""));
}

Finding loads_now(const Subject& subject) {
  const auto started = try_start(subject);
  if (!started && (started.error().code.starts_with("plugin.load") ||
                   started.error().code == "plugin.forbidden"))
    return failed("it cannot be loaded", started.error());
  return ok("loaded with RTLD_NOW | RTLD_LOCAL");
}

Finding says_who_it_is(const Subject& subject) {
  const auto started = try_start(subject);
  for (const char* code :
       {"plugin.symbol", "plugin.magic", "plugin.abi", "plugin.id", "plugin.version"})
    if (!started && started.error().code == code) return failed("it is not it", started.error());
  return ok(subject.manifest.id + " " + subject.manifest.version + ", as plugin.toml says");
}

Finding creates(const Subject& subject) {
  const auto started = try_start(subject);
  if (!started) return failed("create", started.error());
  return ok("created from its configuration, with " + join(subject.manifest.implements));
}

Finding scans_fast(const Subject& subject) {
  int64_t best = INT64_MAX;
  for (int n = 0; n < 5 && best >= 100;
       ++n) {  // the best of a few: a busy machine is not its fault
    int64_t took = 0;
    if (auto started = try_start(subject, &took); !started)
      return failed("it does not start", started.error());
    best = std::min(best, took);
  }
  const std::string took = "loaded and created in " + std::to_string(best) + " ms";
  return best < 100 ? ok(took) : failed(took + "; 100 ms is the most");
}

}  // namespace

const std::vector<Check> load_checks{
    {"loads-now", "Everything it needs is there when it is loaded with RTLD_NOW.", loads_now, true},
    {"says-who-it-is", "Magic, ABI, id and version are those of its manifest.", says_who_it_is,
     true},
    {"creates", "It accepts its configuration and has the interfaces it says.", creates, true},
    {"exports-one-symbol", "It exports hyops_module and nothing else.", exports_one_symbol},
    {"scan-under-100-ms", "It is loaded and created within 100 ms.", scans_fast},
};

}  // namespace hyops::plugin::check
