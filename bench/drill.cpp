// The drill's recovery time beside that of a script written by hand for the same site, after the
// same fault, judged by the same client.
#include <unistd.h>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "lab/client.hpp"
#include "lab/guard.hpp"
#include "lab/site.hpp"
#include "parts.hpp"

namespace hyops::bench {
namespace {

namespace fs = std::filesystem;

constexpr int rounds = 3;
constexpr const char* by_hand = "/dev/shm/by-hand";  // on the cloud runner: a tmpfs

// Secrets and keys as the script expects them; whoever recovers by hand has them there as well.
void lay_out(const lab::Lab& lab, const lab::Site& site) {
  const lab::Runner& runner = site.runners().at("cloud");
  const auto& secrets = site.secrets();
  const std::string repository = get_string(site.repository(), "address"),
                    pinned = repository + " " + get_string(site.repository(), "host_key") + "\n";
  const std::pair<const char*, std::string> files[] = {
      {"edge-token", "Authorization: Bearer " + secrets.at("lab-token-edge")},
      {"cloud-token", "Authorization: Bearer " + secrets.at("lab-token-cloud")},
      {"dns-key", "X-API-Key: " + secrets.at("dns-api-key")},
      {"runner.pub", runner.ssh},
      {"repository-address", repository},
      {"repository-host-key", pinned},
      {"to-host/repository-key", secrets.at("repository-key")},
      {"to-host/repository-known-host", pinned},
      {"to-host/repository-cipher.conf",
       "[global]\nrepo1-cipher-pass=" + secrets.at("repository-cipher") + "\n"},
      {"to-host/app-password", secrets.at("app-password")},
      {"recover.sh", need(read_file(fs::path(HYOPS_SOURCE_DIR) / "bench/recover.sh"))}};
  for (const auto& [name, text] : files)
    need(lab.write(runner.host, std::string(by_hand) + "/" + name, text));
  need(lab.run(runner.host, {"/usr/bin/cp", "/var/lib/hyops/keys/runner.ssh",
                             std::string(by_hand) + "/runner.key"}));
}

int64_t rto_by_hand(const lab::Lab& lab, const fs::path& prefix) {
  need(lab.up(prefix));
  lab::Site site(lab, [](const std::string&) {});
  need(site.build());
  need(site.start_client(prefix));
  need(lab::wait_for_client(lab, system_clock().wall_ms(), 5));
  need(lab::wait_for_archive(lab));
  lay_out(lab, site);
  need(lab.fault({"zone-loss", "onprem"}));
  need(site.decide("failover", "cloud", "recovered by hand"));
  const int64_t decided = system_clock().wall_ms();
  need(lab.run("runner-cloud", {"/bin/sh", std::string(by_hand) + "/recover.sh", by_hand}));
  need(lab::wait_for_client(lab, system_clock().wall_ms(), 5));
  const auto gap = lab::outage(need(lab::client_log_now(lab)), decided);
  need(site.stop_client());
  return gap.served_ms - decided;
}

// Seconds from the decision to the client's first acknowledged write. In a child, so that the lab
// is taken down also where something gives up half-way.
double recover_by_hand(const fs::path& prefix, const fs::path& folder, const fs::path& result) {
  const lab::Lab lab(prefix / "libexec/hyops/hyops-labd", folder, "bench");
  need(lab.down());
  const auto clean_up = [&] { (void)lab.down(); };
  const int code = lab::guarded(
      [&] {
        need(write_file(result, std::to_string(rto_by_hand(lab, prefix))));
        return 0;
      },
      clean_up);
  clean_up();
  if (code != 0) give_up("the recovery by hand did not end well");
  const int64_t rto = std::stoll(need(read_file(result)));
  if (rto <= 0) give_up("the recovery by hand brought no service back");
  return static_cast<double>(rto) / 1000;
}

double recover_by_hyops(const fs::path& prefix, const fs::path& folder, const fs::path& record) {
  run_bare({{(prefix / "bin/hyops").string(), "drill", "--failover-only", "--record",
             record.string(), "--lab", folder.string(), "--name", "bench"},
            {}});
  const Json drill = Json::parse(need(read_file(record / "drill.json")), nullptr, false);
  const int64_t rto = get_int(drill.value("failover", Json::object()), "rto_ms");
  if (rto <= 0) give_up("the drill measured no recovery time");
  return static_cast<double>(rto) / 1000;
}

}  // namespace

void measure_drill(Table& table) {
  if (::geteuid() != 0) return table.skip("the drill", "the lab needs root");
  const auto folder = need(TempDir::create(fs::temp_directory_path(), "hyops-bench"));
  const fs::path prefix = folder.path() / "installed", lab = folder.path() / "lab";
  const auto cmake = tool("cmake");
  if (!cmake) return table.skip("the drill", "there is no cmake to install it with");
  run_bare({{*cmake, "--install", built(""), "--prefix", prefix.string()}, {}});
  Samples ours, theirs;
  for (int i = 0; i < rounds; ++i) {
    ours.add(recover_by_hyops(prefix, lab, folder.path() / ("record-" + std::to_string(i))));
    theirs.add(recover_by_hand(prefix, lab, folder.path() / "by-hand"));
  }
  Row row{"the drill's failover: decision to the client's first acknowledged write",
          "s",
          ours,
          "recover.sh, written by hand for this site, run on the same runner",
          theirs,
          "<= 1.1 x",
          {}};
  row.held = row.ratio() <= 1.1;
  table.add(std::move(row));
}

}  // namespace hyops::bench
