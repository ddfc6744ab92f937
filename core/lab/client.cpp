#include "lab/client.hpp"

#include <poll.h>

#include "base/clock.hpp"
#include "lab/site.hpp"

namespace hyops::lab {
namespace {

constexpr int64_t patience_ms = 60'000;

}  // namespace

Result<std::vector<Acknowledged>> client_log_now(const Lab& lab) {
  // The client may not have begun its log yet.
  if (auto there = lab.run(client_host, {"/usr/bin/touch", client_log}); !there) return pass(there);
  auto text = lab.run(client_host, {"/usr/bin/cat", client_log});
  if (!text) return pass(text);
  return read_client_log(*text);
}

Status wait_for_client(const Lab& lab, int64_t since, size_t rows) {
  const int64_t until = system_clock().mono_ms() + patience_ms;
  while (system_clock().mono_ms() < until) {
    auto log = client_log_now(lab);
    if (!log) return pass(log);
    size_t count = 0;
    for (const auto& line : *log) count += line.wall_ms >= since;
    if (count >= rows) return {};
    ::poll(nullptr, 0, 50);
  }
  return fail("lab.client", "the client got no write acknowledged within a minute");
}

Result<std::string> ask_database(const Lab& lab, const std::string& query) {
  auto answer = lab.run(client_host,
                        {"/usr/bin/env", "PGPASSFILE=/var/lib/hyops-client/pgpass", "/usr/bin/psql",
                         "-XAtq", "-h", "db.hyops.test", "-U", "app", "-d", "app", "-c", query});
  if (!answer) return pass(answer);
  while (answer->ends_with('\n')) answer->pop_back();
  return answer;
}

Status wait_for_archive(const Lab& lab) {
  auto written = ask_database(lab, "select pg_walfile_name(pg_current_wal_lsn())");
  if (!written) return pass(written);
  const int64_t until = system_clock().mono_ms() + patience_ms;
  while (system_clock().mono_ms() < until) {
    auto archived =
        ask_database(lab, "select coalesce(last_archived_wal, '') from pg_stat_archiver");
    if (!archived) return pass(archived);
    if (*archived >= *written) return {};
    ::poll(nullptr, 0, 100);
  }
  return fail("lab.client", "nothing that the client wrote was archived within a minute");
}

}  // namespace hyops::lab
