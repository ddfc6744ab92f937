// Creating, destroying, and what is left behind in the process that did it.
#include "base/text.hpp"
#include "plugin/check/elf.hpp"
#include "plugin/check/finding.hpp"

namespace hyops::plugin::check {
namespace {

Finding unknown_interface_is_null(const Subject& subject) {
  World world(subject);
  Running plugin = start(subject, world);
  if (!plugin) return plugin.why();
  for (const char* id : {"hyops.nobody/1", "hyops.provider/999", "hyops.provider", ""}) {
    auto known = plugin->knows(id);
    if (!known) return failed(std::string("asked for \"") + id + "\"", known.error());
    if (*known) return failed(std::string("it has a table for \"") + id + "\"");
  }
  return ok("null for interfaces that nobody knows");
}

Finding tables_are_whole(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json&) {
    for (const auto& verb : verbs_of(role.interface)) {
      World world(subject);
      world.offline = true;
      Running plugin = start(subject, world);
      if (!plugin) return plugin.why();
      // Whatever becomes of it: a verb that is not there is refused by the helper itself.
      const auto heard = plugin->call(role.interface, verb, Json::object(), {.left_ms = 200});
      if (!heard.judged && heard.judged.error().code == "plugin.verb")
        return failed(verb, heard.judged.error());
    }
    return ok(join(verbs_of(role.interface)));
  });
}

// A value that no field of this type takes.
Json wrong_value(const contract::Field& field) {
  return field.type.kind == contract::Kind::boolean ? Json("neither") : Json(true);
}

Finding rejects_wrong_config(const Subject& subject) {
  const Manifest& manifest = subject.manifest;
  Json wrong = subject.config;
  wrong["hyops-check-no-such-setting"] = 1;
  if (check_config(manifest, wrong)) return failed("its schema takes a setting that is not in it");
  std::vector<std::string> raw{"", "[]", "null", "not json", "{\"half\":"};
  for (const auto& [name, field] : manifest.inputs) {
    wrong = subject.config;
    wrong[name] = wrong_value(field);
    if (check_config(manifest, wrong))
      return failed("its schema takes " + wrong[name].dump() + " for " + name);
    raw.push_back(wrong.dump());
  }
  for (size_t i = 0; i < raw.size(); ++i) {
    World world(subject);
    auto session = Session::open(subject, world);
    if (!session) return failed("no helper", session.error());
    const auto created = session->create(raw[i]);
    const bool is_object = i >= 5;  // the core lets no wrong type through; it must only survive it
    if (created && !is_object) return failed("create accepted " + Json(raw[i]).dump());
    if (created || (created.error().code == "plugin.create" &&
                    created.error().message.find('[') != std::string::npos))
      continue;
    if (created.error().code == "plugin.create")
      return failed("create returned null for " + Json(raw[i]).dump() + " without a code");
    return failed("create with " + printable(Json(raw[i]).dump(), 80), created.error());
  }
  return ok("refused " + std::to_string(raw.size()) + " wrong configurations");
}

Finding does_not_leak(const Subject& subject) {
  constexpr int times = 1000;
  constexpr int64_t heap_slack = 16 * 1024;  // a leak of one byte a time is twice that
  World world(subject);
  world.offline = true;
  Running plugin = start(subject, world);
  if (!plugin) return plugin.why();
  if (auto warm = plugin->cycle(10); !warm) return failed("create and destroy", warm.error());
  const auto before = plugin->census();
  if (!before) return failed("destroy", before.error());
  if (auto done = plugin->cycle(times); !done) return failed("create and destroy", done.error());
  const auto after = plugin->census();
  if (!after) return failed("destroy", after.error());
  const std::string each = " in " + std::to_string(times) + " times";
  if (after->fds > before->fds)
    return failed(std::to_string(after->fds - before->fds) + " descriptors were left open" + each);
  if (after->threads > before->threads)
    return failed(std::to_string(after->threads - before->threads) + " threads were left" + each);
  if (after->heap > before->heap + heap_slack)
    return failed(std::to_string(after->heap - before->heap) + " bytes were never freed" + each);
  return ok("nothing left" + each);
}

Finding no_stray_threads(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    World world(subject);
    Running plugin = start(subject, world);
    if (!plugin) return plugin.why();
    Json emitted;
    for (const std::string verb : {role.pure, role.make, role.look, role.undo})
      if (!verb.empty()) {
        auto heard = plugin->call(role.interface, verb, given(role, verb, inputs, emitted));
        if (is_broken(heard.judged)) return failed(verb, heard.judged.error());
        if (verb == role.make && heard.judged) emitted = *heard.judged;
      }
    if (auto destroyed = plugin->destroy(); !destroyed) return failed("destroy", destroyed.error());
    const auto left = plugin->census();
    if (!left) return failed("destroy", left.error());
    if (left->threads > 0)
      return failed(std::to_string(left->threads) + " threads outlive the instance");
    return ok("none outlives the instance");
  });
}

Finding no_fork_or_exec(const Subject& subject) {
  auto symbols = read_symbols(subject.manifest.folder / object_name);
  if (!symbols) return failed("it cannot be read", symbols.error());
  for (const char* starts :
       {"fork", "vfork", "_Fork", "execv", "execve", "execvp", "execvpe", "execl", "execlp",
        "execle", "fexecve", "posix_spawn", "posix_spawnp", "system", "popen", "clone", "daemon"})
    if (std::binary_search(symbols->imported.begin(), symbols->imported.end(), starts))
      return failed(std::string("it calls ") + starts + "(): hyops.exec/1 is for that");
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    for (const auto& verb : verbs_of(role.interface)) {
      World world(subject);
      world.offline = true;
      Running plugin = start(subject, world);
      if (!plugin) return plugin.why();
      const auto heard = plugin->call(role.interface, verb, inputs, {.left_ms = 200});
      if (!heard.judged && heard.judged.error().code == "plugin.forbidden")
        return failed(verb, heard.judged.error());
    }
    return ok("started nothing");
  });
}

Finding writes_nothing(const Subject& subject) {
  World world(subject);
  Running plugin = start(subject, world);
  if (!plugin) return plugin.why();
  const auto done = for_each_role(subject, [&](const Role& role, const Json& inputs) {
    Json emitted;
    for (const std::string verb : {role.pure, role.make, role.look, role.undo})
      if (!verb.empty()) {
        auto heard = plugin->call(role.interface, verb, given(role, verb, inputs, emitted));
        if (is_broken(heard.judged)) return failed(verb, heard.judged.error());
        if (verb == role.make && heard.judged) emitted = *heard.judged;
      }
    return ok("");
  });
  if (done.outcome == Outcome::failed) return done;
  const std::string said = plugin->output();
  if (said.empty()) return ok("standard output and error stayed empty");
  return failed("nobody reads what it writes, hyops.log/1 is for that: " +
                Json(printable(said, 60)).dump());
}

}  // namespace

const std::vector<Check> life_checks{
    {"unknown-interface-is-null", "It has no table under an id that it does not implement.",
     unknown_interface_is_null},
    {"tables-are-whole", "Every verb of every interface is there.", tables_are_whole},
    {"rejects-wrong-config", "What its schema does not allow is refused, with a code.",
     rejects_wrong_config},
    {"creates-1000-times", "Creating and destroying leaves no descriptor, thread or memory.",
     does_not_leak},
    {"no-stray-threads", "No thread outlives the instance.", no_stray_threads},
    {"no-fork-or-exec", "It starts no process.", no_fork_or_exec},
    {"writes-nothing-to-stdout", "Standard output and error stay empty.", writes_nothing},
};

}  // namespace hyops::plugin::check
