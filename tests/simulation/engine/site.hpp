// What stands on disk for all seeds: two runners with their keys and lanes, and the catalogue as it
// ships, under a profile that asks for everything the engine can be asked for.
#pragma once

#include <filesystem>

#include "base/file.hpp"
#include "base/text.hpp"
#include "engine/admission.hpp"
#include "record/record.hpp"
#include "trust/trust.hpp"
#include "world.hpp"

namespace hyops::simulation {

namespace fs = std::filesystem;

class Site {
 public:
  Site()
      : folder_(TempDir::create(
                    fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path(),
                    "hyops-simulation")
                    .value()),
        key_(trust::SecretKey::generate().value()),
        alice_(trust::SecretKey::generate().value()),
        catalog(path() / "catalog") {
    ask_for_everything();
    for (const char* zone : {"cloud", "onprem"}) {
      engine::Setup setup{HYOPS_BUILD_DIR, path() / zone, path() / "catalog"};
      if (!make_folders(setup.home / "keys") || !make_folders(setup.home / "lanes/drill") ||
          !key_.save(setup.signing_key(), "runner") ||
          !engine::write_attestation(setup, {zone, zone, "0", key_.public_key().text, 1}) ||
          !write_file(setup.lane_file("drill"), lane_text(1)))
        std::abort();
    }
    contract::Diagnostics problems;
    lane = contract::load_lane(path() / "cloud/lanes/drill/lane.toml", problems);
    if (!lane) std::abort();
  }

  engine::Setup setup(const std::string& zone, const engine::Means& means) const {
    return {HYOPS_BUILD_DIR, path() / zone, path() / "catalog", &means};
  }
  const fs::path& path() const { return folder_.path(); }
  fs::path ledger() const { return path() / "ledger.db"; }

  // As good as new, for the next seed.
  void clear() const {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", ".leases"})
      fs::remove(ledger().string() + suffix, ignored);
    for (const char* zone : {"cloud", "onprem"}) fs::remove_all(path() / zone / "runs", ignored);
  }

  trust::SignedDocument approval(const plan::Plan& plan, int64_t now_ms) const {
    trust::Approval approval;
    approval.approver = "alice";
    approval.decision = engine::origin_digest(plan).value();
    approval.plan = plan::digest(plan).value().value;
    approval.lane = plan.lane;
    approval.blast_radius = digest_of_json(plan.blast_radius).value();
    approval.cost_cap_micro = 1'000'000;
    approval.from_ms = now_ms - 1000;
    approval.until_ms = now_ms + 600'000;
    approval.nonce = random_token();
    const std::string document = trust::to_document(approval).value();
    return {"alice", document, alice_.sign(document, "approval").value()};
  }

  bool verify(const fs::path& record, std::string& why) const {
    auto seen = record::verify(
        record, [&](std::string_view message, std::string_view signature) -> Result<std::string> {
          auto good = trust::verify(message, signature, {key_.public_key()});
          if (!good) return pass(good);
          return "runner";
        });
    why = !seen ? seen.error().text() : seen->findings.empty() ? "" : seen->findings[0].what;
    return seen && seen->clean;
  }

 private:
  // What ships asks less of the engine than others' blueprints will: a gate, a resource, a
  // promotion that must not be repeated unseen, and a failover that brings standbys with it, more
  // of them than may be worked on at once.
  void ask_for_everything() const {
    fs::copy(HYOPS_SOURCE_DIR "/catalog", path() / "catalog", fs::copy_options::recursive);
    edit("profiles/drill.toml", {{"before = []", "before = [\"cutover\"]"},
                                 {"parallel = 4", "parallel = 3\nresources = { repository = 2 }"}});
    edit("packs/postgresql/promote-debian/pack.toml", {{"idempotent = true", ""}});
    const fs::path blueprints = path() / "catalog/blueprints";
    fs::create_directory(blueprints / "simulated");
    fs::copy(blueprints / "dr/postgresql-failover", blueprints / "simulated/fleet-failover");
    const std::string file = "blueprints/simulated/fleet-failover/blueprint.toml";
    edit(file, {{"\"dr/postgresql-failover\"", "\"simulated/fleet-failover\""},
                {"twin      = \"dr/postgresql-failback\"\n", ""},
                {"needs = [\"restore\"]",
                 "needs = [\"restore\", \"restore-1\", \"restore-2\", "
                 "\"restore-3\", \"restore-4\"]"}});
    std::string text = read_file(path() / "catalog" / file, 65536).value();
    for (const char* number : {"1", "2", "3", "4"}) text += standby(number);
    if (!write_file(path() / "catalog" / file, text)) std::abort();
  }
  void edit(const std::string& file,
            const std::vector<std::pair<std::string, std::string>>& changes) const {
    std::string text = read_file(path() / "catalog" / file, 65536).value();
    for (const auto& [from, to] : changes) {
      const size_t at = text.find(from);
      if (at == std::string::npos) std::abort();
      text.replace(at, from.size(), to);
    }
    if (!write_file(path() / "catalog" / file, text)) std::abort();
  }
  static std::string standby(const std::string& number) {
    const auto step = [&](const std::string& id, const char* module, const char* phase,
                          const std::string& rest) {
      return "[[step]]\nid = \"" + id + "-" + number + "\"\nmodule = \"" + module +
             "\"\nphase = \"" + phase + "\"\ninstance = \"standby-" + number + "\"\n" + rest + "\n";
    };
    const std::string hosts = "hosts = { from = \"access-" + number + ".endpoints\" }";
    return step("host", "compute/host", "place",
                "needs = [\"egress\"]\ninputs = { name = \"standby-" + number +
                    "\", zone = { from = \"lane.dr_zone\" }, role = \"postgresql\", count = 1, "
                    "address = \"private\", authorized_keys = { from = \"lane.runner_keys\" } }") +
           step("access", "access/session", "access",
                "inputs = { hosts = { from = \"host-" + number + ".hosts\" } }") +
           step("secrets", "secrets/sync", "secrets",
                "inputs = { " + hosts +
                    ", repository_key = { from = \"lane.repository_key\" }, repository_cipher = "
                    "{ from = \"lane.repository_cipher\" }, app_password = { from = "
                    "\"lane.app_password\" } }") +
           step("restore", "postgresql/restore", "data",
                "needs = [\"secrets-" + number + "\"]\nresources = [\"repository\"]\ninputs = { " +
                    hosts +
                    ", repository = { from = \"lane.repository\" }, stanza = { from = "
                    "\"lane.stanza\" }, clients = { from = \"lane.client_networks\" } }");
  }

  std::string lane_text(int64_t epoch) const {
    const std::string host_key = get_string(World::host_json("repository", "edge"), "host_key");
    const std::string api = "api = \"http://10.77.2.1:7077\"\ntoken = \"lab-token\"\n";
    return "lane = \"drill\"\nkind = \"drill\"\nprofile = \"drill\"\nepoch = " +
           std::to_string(epoch) + "\n[approvers]\nalice = \"" + alice_.public_key().text +
           "\"\n[secrets]\nauthority = \"hyops.secrets.offline-bundle\"\nconfig = { bundle = "
           "\"/nowhere\" }\n[secrets.standby]\nauthority = \"hyops.secrets.offline-bundle\"\n"
           "config = { bundle = \"/elsewhere\" }\n[plugins.\"hyops.local.compute\"]\n" +
           api + "[plugins.\"hyops.local.egress\"]\n" + api +
           "[plugins.\"hyops.access.runner-local\"]\n[facts]\ndr_secrets = \"standby\"\n"
           "primary_site = \"onprem\"\nprimary_zone = \"onprem\"\ndr_zone = \"cloud\"\n"
           "edge_zone = \"edge\"\nedge_networks = [\"10.77.2.0/24\"]\nprimary_networks = "
           "[\"10.77.1.0/24\"]\ndr_networks = [\"10.77.3.0/24\"]\nclient_networks = "
           "[\"10.77.0.0/16\"]\nrunner_networks = [\"10.77.0.0/16\"]\nprimary_allow = []\n"
           "dr_allow = [\"198.51.100.10/32:80\"]\nprimary_egress = \"none\"\ndr_egress = \"nat\"\n"
           "runner_keys = []\negress_canaries = [\"198.51.100.10:22\"]\nstanza = "
           "\"main\"\ndns_api = \"http://10.77.2.53:8081\"\n"
           "dns_authority = \"10.77.2.53\"\ncontrol_sites = { dispatch = \"edge\", records = "
           "\"edge\", decisions = \"edge\" }\ndns_zone = \"hyops.test\"\ndb_name = "
           "\"db.hyops.test\"\nrepository_key = \"repository-key\"\nrepository_cipher = "
           "\"repository-cipher\"\napp_password = \"app-password\"\ndns_api_key = "
           "\"dns-api-key\"\nrepository = { name = \"repository\", address = \"10.77.2.20\", "
           "port = 22, user = \"root\", host_key = \"" +
           host_key + "\", expires_ms = 0 }\n";
  }

  TempDir folder_;
  trust::SecretKey key_, alice_;

 public:
  contract::Catalog catalog;                               // for planning; each core reads its own
  std::map<std::string, std::optional<plan::Plan>> plans;  // by blueprint
  std::optional<contract::Lane> lane;
};

}  // namespace hyops::simulation
