// runner init|status: making this machine a runner of a plane (E2), and saying whether it is one;
// runner reap is in runner_reap.cpp.
#include <sys/stat.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/site.hpp"
#include "cli/system.hpp"
#include "process/spawn.hpp"
#include "trust/trust.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

// Names in lane.toml: letters, digits and hyphens.
bool is_plain_name(const std::string& name) {
  return is_name(name) && name.find_first_of("._") == std::string::npos;
}

std::vector<fs::path> files_of(const engine::Setup& setup) {
  const fs::path keys = setup.home / "keys";
  return {keys / "runner.key",
          keys / "runner.pub",
          keys / "runner.seal",
          keys / "runner.ssh",
          keys / "runner.ssh.pub",
          setup.home / "runner.json",
          setup.home / "runner.json.minisig"};
}

std::string first_two_words(
    const std::string& line) {  // of an OpenSSH public key: without its comment
  const auto words = split(line.substr(0, line.find('\n')), ' ');
  return words.size() < 2 ? std::string() : words[0] + " " + words[1];
}

std::string public_line(const fs::path& file) {
  auto text = read_file(file, 16384);
  return text ? first_two_words(*text) : std::string();
}

struct PublicParts {
  std::string key, seal, ssh, host_key;
};

// Where this installation's hyops is.
fs::path program_of(const Context& context) { return context.places.prefix / "bin/hyops"; }

std::string lane_snippet(const std::string& name, const std::string& plane,
                         const std::string& address, const PublicParts& parts,
                         const fs::path& program) {
  std::string out = "[runners." + name + "]\nplane = \"" + plane + "\"\nkey = \"" + parts.key +
                    "\"\nseal = \"" + parts.seal + "\"\n";
  const bool whole = !address.empty() && !parts.host_key.empty();
  out += std::string(whole ? "" : "# ") + "endpoint = { name = \"runner-" + name +
         "\", address = \"" + (address.empty() ? "ADDRESS" : address) +
         "\", port = 22, user = \"root\", host_key = \"" +
         (parts.host_key.empty() ? "ssh-ed25519 ..." : parts.host_key) + "\" }\n";
  if (program != contract::RunnerIdentity{}.hyops) out += "hyops = \"" + program.string() + "\"\n";
  return out;
}

Status make_ssh_key(const fs::path& file, const std::string& comment) {
  process::SpawnRequest request;
  request.argv = {"ssh-keygen", "-q", "-t",    "ed25519", "-N",
                  "",           "-C", comment, "-f",      file.string()};
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  auto made = process::run(request, 30'000);
  if (!made) return fail("cli.runner.keygen", "ssh-keygen cannot be run: " + made.error().message);
  if (made->exit.code != 0 || made->exit.signal != 0)
    return fail("cli.runner.keygen",
                "ssh-keygen ended with " + made->exit.text() + ": " + printable(made->err, 200));
  return {};
}

// All keys are made whole in a folder beside their place first: a failure leaves the machine as it
// was.
Result<PublicParts> make_keys(const fs::path& folder, const std::string& name) {
  auto key = trust::SecretKey::generate();
  if (!key) return pass(key);
  if (auto saved = key->save(folder / "runner.key", "hyops runner " + name); !saved)
    return pass(saved);
  auto seal = trust::SealKey::generate();
  if (!seal) return pass(seal);
  if (auto saved = seal->save(folder / "runner.seal"); !saved) return pass(saved);
  if (auto made = make_ssh_key(folder / "runner.ssh", "hyops runner " + name); !made)
    return pass(made);
  return PublicParts{key->public_key().text, seal->public_text(),
                     public_line(folder / "runner.ssh.pub"),
                     public_line("/etc/ssh/ssh_host_ed25519_key.pub")};
}

// What was there is kept aside, never deleted: bundles may still be sealed to the old key.
Status set_aside(const std::vector<fs::path>& files, const fs::path& folder) {
  if (auto made = make_folders(folder); !made) return made;
  for (const auto& file : files) {
    std::error_code problem;
    if (!fs::exists(fs::symlink_status(file, problem))) continue;
    fs::rename(file, folder / file.filename(), problem);
    if (problem)
      return fail_errno("file.write", "cannot set " + file.string() + " aside", problem.value());
  }
  return {};
}

Status put_in_place(const fs::path& from, const fs::path& keys) {
  for (const char* file :
       {"runner.pub", "runner.seal", "runner.ssh.pub", "runner.ssh", "runner.key"}) {
    std::error_code problem;
    fs::rename(from / file, keys / file, problem);
    if (problem)
      return fail_errno("file.write", "cannot put " + (keys / file).string() + " in place",
                        problem.value());
  }
  return {};
}

int init(Context& context, const po::variables_map& given) {
  const std::string name = option(given, "name"), plane = option(given, "plane"),
                    address = option(given, "address");
  for (const auto& [what, value] : {std::pair{"--name", name}, std::pair{"--plane", plane}})
    if (!is_plain_name(value))
      return context.report(
          make_error("cli.usage",
                     std::string(what) + " takes lower-case letters, digits and hyphens" +
                         (value.empty() ? ", and has to be given."
                                        : ", not \"" + printable(value, 80) + "\"."),
                     "hyops runner init --name NAME --plane PLANE"));
  if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos)
    return context.report(make_error(
        "cli.usage", "--address takes an IP address, not \"" + printable(address, 80) + "\".",
        "hyops runner init --help"));
  const engine::Setup setup = setup_of(context);
  const auto files = files_of(setup);
  bool there = false;
  for (const auto& file : files) {
    std::error_code problem;
    if (!fs::exists(fs::symlink_status(file, problem))) continue;
    there = true;
    if (!flag(given, "replace"))
      return context.report(make_error("cli.runner.exists", file.string() + " is there already"));
  }
  const fs::path keys = setup.home / "keys";
  if (auto made = make_folders(keys); !made) return context.report(made.error());
  auto fresh = TempDir::create(keys, "new");
  if (!fresh) return context.report(fresh.error());
  auto parts = make_keys(fresh->path(), name);
  if (!parts) return context.report(parts.error());
  const int64_t now = system_clock().wall_ms();
  const fs::path old = keys / ("replaced-" + std::to_string(now));
  if (there)
    if (auto done = set_aside(files, old); !done) return context.report(done.error());
  if (auto done = put_in_place(fresh->path(), keys); !done) return context.report(done.error());
  const engine::Attestation attestation{name, plane, HYOPS_VERSION, parts->key, now};
  if (auto written = engine::write_attestation(setup, attestation); !written)
    return context.report(written.error());
  const std::string snippet = lane_snippet(name, plane, address, *parts, program_of(context));
  context.answer({{"name", name},
                  {"plane", plane},
                  {"version", HYOPS_VERSION},
                  {"key", parts->key},
                  {"seal", parts->seal},
                  {"ssh", parts->ssh},
                  {"host_key", parts->host_key},
                  {"lane_toml", snippet},
                  {"replaced", there ? Json(old.string()) : Json()}});
  context.say("this machine is runner " + name + " of plane " + plane + " now\n");
  context.say("in each lane.toml that it serves:\n\n" + snippet);
  context.say("its SSH key, for the hosts it has to reach (fact runner_keys):\n\n" + parts->ssh +
              "\n");
  if (there) context.say("  the old keys are in " + old.string());
  context.say("  next: hyops lane new LANE --from FILE, then hyops doctor");
  return exit_ok;
}

int status(Context& context, const po::variables_map&) {
  const engine::Setup setup = setup_of(context);
  auto attestation = engine::read_attestation(setup);
  if (!attestation) return context.report(attestation.error());
  if (!*attestation) {
    context.answer({{"runner", nullptr}});
    context.say("this machine is no runner: runner-local work is refused here (E2)");
    context.say("  next: hyops runner init --name NAME --plane PLANE");
    return exit_failed;
  }
  const auto& runner = **attestation;
  auto seal = trust::SealKey::load(setup.seal_key());
  const PublicParts parts{runner.key, seal ? seal->public_text() : "",
                          public_line(setup.home / "keys/runner.ssh.pub"),
                          public_line("/etc/ssh/ssh_host_ed25519_key.pub")};
  const std::string snippet =
      lane_snippet(runner.name, runner.plane, "", parts, program_of(context));
  context.answer({{"runner",
                   {{"name", runner.name},
                    {"plane", runner.plane},
                    {"version", runner.version},
                    {"key", runner.key},
                    {"seal", parts.seal},
                    {"ssh", parts.ssh},
                    {"host_key", parts.host_key},
                    {"bootstrapped_ms", runner.bootstrapped_ms},
                    {"bootstrapped", to_rfc3339(runner.bootstrapped_ms)},
                    {"lane_toml", snippet}}}});
  context.say("runner " + printable(runner.name, 64) + "  plane " + printable(runner.plane, 64) +
              "  hyops " + printable(runner.version, 64) + "  since " +
              to_rfc3339(runner.bootstrapped_ms) + "\n");
  context.say(snippet);
  context.say("  ssh: " + parts.ssh);
  if (!seal) return context.report(seal.error());
  return exit_ok;
}

}  // namespace

void add_runner_commands(Commands& commands) {
  commands.push_back({"runner",
                      "init",
                      "--name NAME --plane PLANE",
                      "make this machine a runner of a plane",
                      "Makes the keys that sign its records, that secrets are sealed to, and that "
                      "it reaches hosts with, and the\n"
                      "signed attestation without which runner-local work is refused (E2). Prints "
                      "what lane.toml has to say of it.\n"
                      "  hyops runner init --name cloud --plane cloud --address 10.77.3.10",
                      {},
                      [](po::options_description_easy_init add) {
                        add("name", po::value<std::string>(), "its name in lanes and records")(
                            "plane", po::value<std::string>(), "the execution plane it stands in")(
                            "address", po::value<std::string>(),
                            "where it is reached, for the lines of lane.toml")(
                            "replace",
                            "make new keys although there are some; the old ones are set aside");
                      },
                      init});
  commands.push_back({"runner",
                      "status",
                      "",
                      "is this machine a runner, and which",
                      "Exit code 0 if it is one, 1 if not.",
                      {},
                      nullptr,
                      status});
  add_runner_reap_command(commands);
}

}  // namespace hyops::cli
