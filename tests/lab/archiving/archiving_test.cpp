// An archive that was away for a moment, against a real PostgreSQL whose archiver has given up by
// then.
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/json.hpp"
#include "process/spawn.hpp"

namespace hyops {
namespace {

namespace fs = std::filesystem;

// Everything of it is in mounts and a PID namespace that end with the shell.
constexpr const char* server = R"sh(
mount -t tmpfs hyops-test /run
mount -t tmpfs hyops-test /var/lib/postgresql
mkdir -p /run/postgresql /var/lib/postgresql/15
chown postgres /run/postgresql /var/lib/postgresql/15
as() { setpriv --reuid postgres --regid postgres --clear-groups -- "$@"; }
bin=/usr/lib/postgresql/15/bin data=/var/lib/postgresql/15/main
as $bin/initdb -D $data -A trust >/dev/null
cat >>$data/postgresql.conf <<C
archive_mode = on
archive_command = 'test -e /run/postgresql/archive'
listen_addresses = ''
unix_socket_directories = '/run/postgresql'
fsync = off
C
as $bin/pg_ctl -D $data -w -l $data/log start >/dev/null
exec /usr/bin/python3 "$0"
)sh";

class Archiving : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || !fs::exists("/usr/lib/postgresql/15/bin/initdb"))
      GTEST_SKIP() << "this needs root and PostgreSQL 15";
  }

  // What a program of a pack answers that is made of the shared fragments and this.
  Json told(const std::string& program) {
    std::string text;
    for (const char* name : {"on_host.py", "cluster.py", "archiving.py"}) {
      text += read_file(fs::path(HYOPS_SOURCE_DIR) / "catalog/shared" / name).value() + "\n";
      if (text.find("\ngiven = ") == std::string::npos) text += "\ngiven = {}\n";
    }
    EXPECT_TRUE(write_file(folder_.path() / "program.py", text + program));
    process::SpawnRequest request;
    request.argv = {
        "/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child",
        "--mount-proc",     "/bin/sh", "-euc",  server,   folder_.path() / "program.py"};
    request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
    auto done = process::run(request, 110'000);
    EXPECT_TRUE(done) << (done ? "" : done.error().text());
    auto answer = parse_json(done ? done->out : "", "the answer");
    EXPECT_TRUE(answer) << done->out << done->err;
    return answer ? *answer : Json::object();
  }

  TempDir folder_ = *TempDir::create("/tmp", "hyops-archiving");
};

// It would sleep for a minute, and nobody writes: the limit here is half of that.
TEST_F(Archiving, wakes_an_archiver_that_gave_up_once_the_repository_is_there_again) {
  const Json answer = told(R"py(
ARCHIVE_LIMIT_S = 30


def main():
    _, segment = ship("test")
    until("the archiver to give up", 30, lambda: int(sql("SELECT failed_count FROM pg_stat_archiver")) >= 3)
    write("/run/postgresql/archive", "there again", "postgres", 0o644)
    outputs.update({"segment": segment, "archived": archived(segment, "test")})


tell(main)
)py");
  EXPECT_FALSE(answer.contains("message")) << answer.dump();
  EXPECT_GE(get_string(answer["outputs"], "archived"), get_string(answer["outputs"], "segment"));
  EXPECT_FALSE(get_string(answer["outputs"], "segment").empty());
}

TEST_F(Archiving, tells_a_repository_that_stays_away_as_unavailable_with_the_archivers_words) {
  const Json answer = told(R"py(
ARCHIVE_LIMIT_S = 2


def main():
    archived(ship("test")[1], "test")


tell(main)
)py");
  EXPECT_EQ(get_string(answer, "class"), "unavailable") << answer.dump();
  EXPECT_NE(get_string(answer, "message").find("failures, last at 0000"), std::string::npos)
      << answer.dump();
}

}  // namespace
}  // namespace hyops
