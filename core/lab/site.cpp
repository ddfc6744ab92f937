#include "lab/site.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"

namespace hyops::lab {
namespace {

constexpr const char* hyops = "/usr/bin/hyops";
constexpr const char* home = "/var/lib/hyops";

std::string quoted(const std::string& text) {
  return Json(text).dump();
}  // a TOML basic string is a JSON string

}  // namespace

Status Site::build() {
  if (auto ok = place_runners(); !ok) return pass(ok, "while placing the runners");
  if (auto ok = make_keys(); !ok) return pass(ok, "while making keys");
  if (auto ok = install_lane(); !ok) return pass(ok, "while installing the lane");
  if (auto ok = seal_secrets(); !ok) return pass(ok, "while sealing secrets");
  say_("repository and DNS authority at the edge");
  Operation edge{"edge/services", "edge", "", "what must outlive the primary site", {}, true, {}};
  auto built = carry_out(edge);
  if (!built) return pass(built);
  if (built->status != "ok") return fail("lab.site", "edge/services ended " + built->status);
  auto state = lab_.json(dispatcher, {hyops, "state", "show", "access/session#repository", "--lane",
                                      lane_name, "--json"});
  if (!state) return pass(state);
  const Json& value = state->contains("value") ? (*state)["value"] : *state;
  if (!value.contains("endpoints") || value["endpoints"].empty())
    return fail("lab.site", "edge/services published no repository endpoint");
  repository_ = value["endpoints"][0];
  if (auto ok = install_lane(); !ok) return pass(ok, "while installing the lane");
  say_("primary database at the primary site");
  Operation primary{"onprem/postgresql", "onprem", "", "the ordinary state", {}, false, {}};
  built = carry_out(primary);
  if (!built) return pass(built);
  if (built->status != "ok") return fail("lab.site", "onprem/postgresql ended " + built->status);
  return {};
}

Status Site::place_runners() {
  auto folder = TempDir::create("/dev/shm");
  if (!folder) return pass(folder);
  std::filesystem::path operator_key;
  const std::pair<const char*, const char*> all[] = {
      {"edge", "10.77.2.10"}, {"onprem", "10.77.1.10"}, {"cloud", "10.77.3.10"}};
  for (const auto& [zone, address] : all) {
    const std::string host = std::string("runner-") + zone;
    auto placed = lab_.place(zone, host, "runner", operator_key, address);
    if (!placed) return pass(placed);
    auto made =
        lab_.json(host, {hyops, "runner", "init", "--name", zone, "--plane", zone, "--json"});
    if (!made) return pass(made);
    const Json& about =
        made->contains("runner") && (*made)["runner"].is_object() ? (*made)["runner"] : *made;
    runners_[zone] = {zone,
                      zone,
                      host,
                      get_string(*placed, "address"),
                      get_string(*placed, "host_key"),
                      get_string(about, "key"),
                      get_string(about, "seal"),
                      get_string(about, "ssh")};
    if (runners_[zone].key.empty() || runners_[zone].seal.empty() || runners_[zone].ssh.empty())
      return fail("lab.site", "hyops runner init on " + host + " did not show its public keys");
    if (std::string(zone) == "edge") {
      // The operator's key is made where it is used and never leaves that host (K3); runners know
      // its public half.
      const std::string file = std::string(home) + "/keys/operator.ssh";
      if (auto key = lab_.run(host, {"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                                     "operator", "-f", file});
          !key)
        return pass(key);
      auto text = lab_.run(host, {"/usr/bin/cat", file + ".pub"});
      if (!text) return pass(text);
      operator_key = folder->path() / "operator.pub";
      if (auto kept = write_file(operator_key, *text); !kept) return kept;
    }
  }
  auto client = lab_.place("edge", client_host, "debian", {}, "10.77.2.20");
  if (!client) return pass(client);
  return {};
}

Status Site::make_keys() {
  for (const auto& [name, text] :
       {std::pair{"approver", &approver_key_}, std::pair{"decider", &decider_key_}}) {
    auto made = lab_.json(dispatcher, {hyops, "key", "new", name, "--kind", "sign", "--json"});
    if (!made) return pass(made);
    const Json& about =
        made->contains("key") && (*made)["key"].is_object() ? (*made)["key"] : *made;
    *text = get_string(about, "public", get_string(about, "key"));
    if (text->empty())
      return fail("lab.site", "hyops key new did not show the public key: " + made->dump());
  }
  return {};
}

Status Site::seal_secrets() {
  // The key pair is made on a tmpfs, sealed to the runners, and gone.
  const std::string pair = "/dev/shm/repository-key";
  if (auto made = lab_.run(dispatcher, {"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                                        "-C", "repository", "-f", pair});
      !made)
    return pass(made);
  auto key = lab_.run(dispatcher, {"/usr/bin/cat", pair});
  if (auto removed = lab_.run(dispatcher, {"/usr/bin/rm", "-f", pair, pair + ".pub"}); !removed)
    return pass(removed);
  if (!key) return pass(key);
  secrets_ = {{"repository-key", *key},
              {"repository-cipher", random_token(24)},
              {"app-password", random_token()},
              {"dns-api-key", random_token()}};
  for (const char* zone : {"edge", "onprem", "cloud"}) {
    auto token = lab_.token(zone);
    if (!token) return pass(token);
    secrets_[std::string("lab-token-") + zone] = *token;
  }
  for (const char* bundle : {"drill", "drill-standby"})
    if (auto sealed = seal_bundle(bundle); !sealed) return sealed;
  return {};
}

// To all runners, which find it at the place that the lane names.
Status Site::seal_bundle(const std::string& name) {
  const std::string file = "/var/lib/hyops/" + name + ".sealed";
  std::vector<std::string> seal{hyops, "secret",  "seal", "--name", name, "--version",
                                "1",   "--valid", "7d",   "--out",  file};
  for (const auto& [zone, runner] : runners_) seal.insert(seal.end(), {"--to-runner", runner.seal});
  if (auto sealed = lab_.run(dispatcher, seal, Json(secrets_).dump()); !sealed) return pass(sealed);
  auto bundle = lab_.run(dispatcher, {"/usr/bin/cat", file});
  if (!bundle) return pass(bundle);
  for (const auto& [zone, runner] : runners_)
    if (auto kept = lab_.write(runner.host, "/var/lib/hyops/secrets/" + name + ".sealed", *bundle);
        !kept)
      return kept;
  return {};
}

std::string Site::lane_text() const {
  std::string text =
      "lane = \"drill\"\nkind = \"drill\"\nprofile = \"drill\"\nepoch = 1\n\n[approvers]\nalice "
      "= " +
      quoted(approver_key_) + "\n\n[deciders]\nedge = " + quoted(decider_key_) + "\n";
  std::string keys;
  for (const auto& [zone, runner] : runners_) {
    text += "\n[runners." + zone + "]\nplane = " + quoted(zone) + "\nkey = " + quoted(runner.key) +
            "\nseal = " + quoted(runner.seal) + "\nendpoint = { name = " + quoted(runner.host) +
            ", address = " + quoted(runner.address) +
            ", port = 22, user = \"root\", host_key = " + quoted(runner.host_key) + " }\n";
    keys += (keys.empty() ? "" : ", ") + quoted(runner.ssh);
  }
  const std::string apis =
      "api = \"http://10.77.2.1:7077\"\ntoken = \"lab-token-edge\"\nzone = \"edge\"\n"
      "zones = { onprem = \"http://10.77.1.1:7077\", cloud = \"http://10.77.3.1:7077\" }\n"
      "tokens = { onprem = \"lab-token-onprem\", cloud = \"lab-token-cloud\" }\n";
  text +=
      "\n[secrets]\nauthority = \"hyops.secrets.offline-bundle\"\nconfig = { bundle = "
      "\"/var/lib/hyops/secrets/drill.sealed\" }\n"
      "[secrets.standby]\nauthority = \"hyops.secrets.offline-bundle\"\nconfig = { bundle = "
      "\"/var/lib/hyops/secrets/drill-standby.sealed\" }\n"
      "\n[plugins.\"hyops.local.compute\"]\n" +
      apis + "\n[plugins.\"hyops.local.egress\"]\n" + apis +
      "fence_api = \"http://10.77.2.1:7077\"\nfence_token = \"lab-token-edge\"\n"
      "\n[facts]\nprimary_site = \"onprem\"\nprimary_zone = \"onprem\"\ndr_zone = "
      "\"cloud\"\nedge_zone = \"edge\"\nedge_networks = [\"10.77.2.0/24\"]\n"
      "primary_networks = [\"10.77.1.0/24\"]\ndr_networks = [\"10.77.3.0/24\"]\nclient_networks = "
      "[\"10.77.0.0/16\"]\ndr_secrets = \"standby\"\nrunner_networks = [\"10.77.0.0/16\"]\n"
      "primary_allow = []\ndr_allow = [\"198.51.100.10/32:80\"]\nprimary_egress = "
      "\"none\"\ndr_egress = \"nat\"\negress_canaries = [\"198.51.100.10:80\", "
      "\"198.51.100.10:22\"]\n"
      "runner_keys = [" +
      keys +
      "]\nstanza = \"main\"\ndns_api = \"http://10.77.2.53:8081\"\ndns_authority = \"10.77.2.53\"\n"
      "control_sites = { dispatch = \"edge\", records = \"edge\", decisions = \"edge\" }\n"
      "dns_zone = \"hyops.test\"\ndb_name = \"db.hyops.test\"\nrepository_key = "
      "\"repository-key\"\nrepository_cipher = \"repository-cipher\"\n"
      "app_password = \"app-password\"\ndns_api_key = \"dns-api-key\"\n";
  if (repository_.is_object())
    text += "repository = { name = " + quoted(get_string(repository_, "name")) +
            ", address = " + quoted(get_string(repository_, "address")) +
            ", port = " + std::to_string(get_int(repository_, "port", 22)) +
            ", user = " + quoted(get_string(repository_, "user", "root")) +
            ", host_key = " + quoted(get_string(repository_, "host_key")) + ", expires_ms = 0 }\n";
  return text + lane_more_;
}

Status Site::add_to_lane(const std::string& text) {
  lane_more_ += text;
  return install_lane();
}

Status Site::install_lane() {
  const std::string text = lane_text();
  for (const auto& [zone, runner] : runners_)
    if (auto kept = lab_.write(runner.host, "/var/lib/hyops/lanes/drill/lane.toml", text); !kept)
      return kept;
  return {};
}

Status Site::start_client(const std::filesystem::path& prefix) {
  if (auto kept = lab_.write(client_host, "/var/lib/hyops-client/pgpass",
                             "*:*:*:*:" + secrets_.at("app-password") + "\n");
      !kept)
    return kept;
  auto program = read_file(prefix / "share/hyops/catalog/drill/client.py");
  if (!program) return pass(program);
  if (auto kept = lab_.write(client_host, "/var/lib/hyops-client/client.py", *program); !kept)
    return kept;
  auto started = lab_.run(client_host, {"/usr/bin/python3", "/var/lib/hyops-client/client.py",
                                        "--detach", "--log", client_log, "--passfile",
                                        "/var/lib/hyops-client/pgpass", "--limit-ms", "3000"});
  if (!started) return pass(started);
  return {};
}

Status Site::stop_client() {
  // The client notes nothing but its log; it is the only python of that host that has the log open.
  auto stopped =
      lab_.run(client_host, {"/usr/bin/pkill", "-TERM", "-f", "/var/lib/hyops-client/client.py"});
  if (!stopped) return pass(stopped);
  return {};
}

Result<std::string> Site::decide(const std::string& type, const std::string& target,
                                 const std::string& rationale) {
  const std::string file = "/var/lib/hyops/decision-" + type + ".json",
                    folder = "/var/lib/hyops/observed-" + type;
  // What the dispatcher's own eyes see of the primary database and of its site's API, from the
  // edge.
  const std::pair<const char*, std::vector<std::string>> looks[] = {
      {"primary-database", {"/usr/bin/pg_isready", "-t", "2", "-h", "db.hyops.test"}},
      {"primary-site",
       {"/usr/bin/curl", "-s", "-o", "/dev/null", "-m", "2", "-w", "%{http_code}",
        "http://10.77.1.1:7077/v1/images"}}};
  std::vector<std::string> signals;
  for (const auto& [name, argv] : looks) {
    auto seen = lab_.run(dispatcher, argv);
    const Json observation{{"signal", name},
                           {"vantage", dispatcher},
                           {"observed_ms", system_clock().wall_ms()},
                           {"answers", seen.has_value()},
                           {"answer", seen ? *seen : seen.error().message.substr(0, 200)}};
    signals.push_back(folder + "/" + name + ".json");
    if (auto kept = lab_.write(dispatcher, signals.back(), observation.dump()); !kept)
      return pass(kept);
  }
  const std::string policy = "/var/lib/hyops/decision-policy.txt";
  if (auto kept = lab_.write(
          dispatcher, policy,
          "failover: neither the primary database nor its site's API answers from the edge\n"
          "failback: the site's API answers again, and a person asked for it\n");
      !kept)
    return pass(kept);
  auto issued = lab_.run(dispatcher, {hyops,
                                      "decision",
                                      "issue",
                                      "--type",
                                      type,
                                      "--lane",
                                      lane_name,
                                      "--target",
                                      target,
                                      "--rationale",
                                      rationale,
                                      "--repository",
                                      "main@repository",
                                      "--valid",
                                      "30m",
                                      "--key",
                                      "/var/lib/hyops/keys/decider.key",
                                      "--policy",
                                      policy,
                                      "--to",
                                      file,
                                      "--signals",
                                      signals[0],
                                      signals[1]});
  if (!issued) return pass(issued);
  return file;
}

Result<Site::Outcome> Site::carry_out(const Operation& operation) {
  const std::string work = "/var/lib/hyops/operation-" + std::to_string(++operations_);
  const std::string plan = work + "/plan.json", approvals = work + "/approvals";
  if (auto made = lab_.run(dispatcher, {"/usr/bin/mkdir", "-p", approvals}); !made)
    return pass(made);
  std::vector<std::string> words{hyops,
                                 "plan",
                                 operation.blueprint,
                                 "--lane",
                                 lane_name,
                                 "--target",
                                 operation.target,
                                 "--by",
                                 "oncall",
                                 "--to",
                                 plan};
  if (operation.decision.empty())
    words.insert(words.end(), {"--reason", operation.reason});
  else
    words.insert(words.end(), {"--decision", operation.decision});
  for (const auto& input : operation.inputs) words.insert(words.end(), {"--input", input});
  if (auto planned = lab_.run(dispatcher, words); !planned) return pass(planned);

  words = {hyops,     "approval", "sign",       plan,    "--lane",
           lane_name, "--as",     "alice",      "--key", "/var/lib/hyops/keys/approver.key",
           "--valid", "1h",       "--cost-cap", "5.00",  "--to",
           approvals};
  if (!operation.decision.empty()) words.insert(words.end(), {"--decision", operation.decision});
  if (auto approved = lab_.run(dispatcher, words); !approved) return pass(approved);

  words = {
      hyops,  "run",         operation.local ? "start" : operation.carried ? "order" : "dispatch",
      plan,   "--approvals", approvals,
      "--by", "oncall"};
  if (!operation.decision.empty()) words.insert(words.end(), {"--decision", operation.decision});
  std::string host = dispatcher;
  if (operation.carried) {
    // What a person does with a USB stick: the order is signed documents, none of them secret.
    const std::string order = work + "/order.json";
    words.insert(words.end(), {"--to", order});
    if (auto written = lab_.run(dispatcher, words); !written) return pass(written);
    auto text = lab_.run(dispatcher, {"/usr/bin/cat", order});
    if (!text) return pass(text);
    host = runners_.at(operation.target).host;
    if (auto kept = lab_.write(host, order, *text); !kept) return pass(kept);
    words = {hyops, "run", "start", order};
  }
  int out[2] = {-1, -1};
  Fd read_end, write_end;
  if (operation.watch) {
    words.push_back("--json");
    if (::pipe2(out, O_CLOEXEC) != 0)
      return fail_errno("process.spawn", "cannot make a pipe", errno);
    read_end = Fd(out[0]);
    write_end = Fd(out[1]);
  }
  auto child =
      lab_.start(host, words, operation.watch ? write_end.get() : STDOUT_FILENO, STDERR_FILENO);
  if (!child) return pass(child);
  write_end.reset();
  if (operation.watch) {
    std::string buffer;
    char chunk[65536];
    for (ssize_t got = 0; (got = ::read(read_end.get(), chunk, sizeof chunk)) > 0;) {
      buffer.append(chunk, static_cast<size_t>(got));
      for (size_t end; (end = buffer.find('\n')) != std::string::npos; buffer.erase(0, end + 1))
        if (auto event = parse_json(std::string_view(buffer).substr(0, end), "an event");
            event && event->is_object() && event->contains("type"))
          operation.watch(*event);
    }
  }
  auto ended = child->wait(-1);
  if (!ended) return pass(ended);
  Outcome outcome;
  outcome.exit_code = (*ended)->signal ? 128 + (*ended)->signal : (*ended)->code;
  auto row = lab_.json(host, {hyops, "run", "show", "last", "--json"});
  if (!row) return pass(row, "the run left no trace on " + host);
  const Json& about = row->contains("run") && (*row)["run"].is_object() ? (*row)["run"] : *row;
  outcome.run = get_string(about, "id", get_string(about, "run"));
  outcome.status = get_string(about, "status");
  if (operation.carried) {
    auto collected = lab_.run(dispatcher, {hyops, "run", "collect", outcome.run});
    if (!collected) return pass(collected);
  }
  return outcome;
}

}  // namespace hyops::lab
