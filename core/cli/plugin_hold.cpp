// What the site owner holds fast: the plugins a runner or a lane was rehearsed with, and those that
// crashed too often to run again without a person's word.
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/plugin.hpp"
#include "cli/site.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

// What differs, in words to review.
std::vector<std::string> changes(const plugin::Lock& before, const plugin::Lock& after) {
  std::vector<std::string> out;
  const auto say = [](const plugin::Pin& pin) { return pin.version + " with " + pin.digest; };
  for (const auto& [id, pin] : after.pins) {
    const auto was = before.pins.find(id);
    if (was == before.pins.end())
      out.push_back(id + " is new: " + say(pin));
    else if (was->second.digest != pin.digest)
      out.push_back(id + " was " + say(was->second) + ", is " + say(pin));
  }
  for (const auto& [id, pin] : before.pins)
    if (!after.pins.count(id)) out.push_back(id + " is gone: " + say(pin));
  if (before.complete != after.complete)
    out.push_back(after.complete ? "what is not listed is refused from now on"
                                 : "what is not listed is no longer refused");
  return out;
}

Status remove_lock(const fs::path& file) {
  std::error_code problem;
  fs::remove(file, problem);
  if (problem) return fail("file.write", file.string() + ": " + problem.message());
  return {};
}

int lock(Context& context, const po::variables_map& given) {
  const std::string lane = option(given, "lane");
  if (!lane.empty())
    if (auto known = load_lane(context, lane); !known) return context.report(known.error());
  auto sources = plugin::standard_sources(context.places.prefix, context.places.home, lane);
  const fs::path file = sources.locks.back();  // the lane's where one is named
  if (flag(given, "remove")) {
    if (auto done = remove_lock(file); !done) return context.report(done.error());
    context.say(file.string() + " is gone; nothing is pinned by it");
    context.answer({{"file", file.string()}, {"removed", true}});
    return exit_ok;
  }
  sources.locks.pop_back();  // the old pins are no reason against the new ones
  auto registry = plugin::Registry::open(std::move(sources));
  if (!registry) return context.report(registry.error());
  auto before = plugin::read_lock(file);
  if (!before) return context.report(before.error());
  plugin::Lock after;
  after.complete = before->complete || flag(given, "complete");
  Json refused = Json::array();
  for (const auto& entry : registry->list()) {
    if (!entry.problem) {
      after.pins[entry.id] = {entry.version, entry.digest};
      continue;
    }
    const auto was = before->pins.find(entry.id);
    if (was != before->pins.end()) after.pins.insert(*was);
    refused.push_back(
        {{"plugin", entry.id}, {"code", entry.problem->code}, {"message", entry.problem->message}});
    context.say(entry.id + " is not pinned anew, for it is refused: " + entry.problem->text());
  }
  const auto differences = changes(*before, after);
  if (auto written = plugin::write_lock(file, after); !written)
    return context.report(written.error());
  for (const auto& difference : differences) context.say(difference);
  context.say(differences.empty() ? "nothing changed" : "pinned in " + file.string());
  context.answer({{"file", file.string()},
                  {"complete", after.complete},
                  {"changes", differences},
                  {"refused", refused}});
  return exit_ok;
}

int lift(Context& context, const po::variables_map& given) {
  auto registry = open_registry(context);
  if (!registry) return context.report(registry.error());
  const std::string id = option(given, "id"), by = requester(given);
  auto done = registry->quarantine().lift(id, by, option(given, "reason"));
  if (!done) return context.report(done.error());
  context.say(id + " may run again; the reason is kept with its crashes");
  context.answer({{"plugin", id}, {"by", by}, {"reason", option(given, "reason")}});
  return exit_ok;
}

}  // namespace

void add_plugin_holding_commands(Commands& commands) {
  commands.push_back(
      {"plugin",
       "lock",
       "",
       "pins the installed plugins, after a rehearsal",
       "Writes plugins.lock with the digest of every installed plugin that may run. From then on "
       "a plugin\nthat differs is refused, however well it is signed. Written again, it says what "
       "changed.\n"
       "example: hyops plugin lock --complete\n"
       "         hyops plugin lock --lane prod\n"
       "JSON: {file, complete, changes: [...], refused: [{plugin, code, message}]}",
       {},
       [](po::options_description_easy_init add) {
         add("lane", po::value<std::string>(), "pin for this lane only, beside the runner's pins")(
             "complete", "refuse plugins that are not listed as well; stays until --remove")(
             "remove", "take the pins away");
       },
       lock});
  commands.push_back(
      {"plugin",
       "lift",
       "ID",
       "lets a plugin in quarantine run again",
       "After three crashes a plugin is kept away from runs. `plugin describe` shows them; another "
       "version of\nit needs no lifting.\n"
       "example: hyops plugin lift com.acme.clouds --reason \"their API sends no nonsense any "
       "more\"",
       {"id"},
       [](po::options_description_easy_init add) {
         add("reason", po::value<std::string>()->required(), "why, kept with the crashes")(
             "by", po::value<std::string>(), "who says so; default: the login name");
       },
       lift});
}

}  // namespace hyops::cli
