// A real sshd on a port of its own, for whom it is run by, with keys of its own. Needs root: sshd
// wants /run/sshd, and gets a /run that only it sees.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <thread>

#include "base/file.hpp"
#include "process/spawn.hpp"

namespace hyops::tests {

class Sshd {
 public:
  // Keys go to `folder`: the host's, and `identity()`, which may log in as root.
  explicit Sshd(std::filesystem::path folder)
      : folder_(std::move(folder)), listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    for (const char* name : {"host", "id"}) {
      process::SpawnRequest keygen;
      keygen.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path(name)};
      EXPECT_TRUE(process::run(keygen, 60'000));
    }
    EXPECT_TRUE(write_file(path("sshd_config"),
                           "HostKey " + path("host") + "\nAuthorizedKeysFile " + path("id.pub") +
                               "\nStrictModes no\nUsePAM no\nPidFile none\nLogLevel ERROR\n"
                               "PermitRootLogin prohibit-password\n"));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(listening_.get(), 16), 0);
    ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Sshd() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
  }

  int port() const { return port_; }
  std::string identity() const { return path("id"); }
  std::string host_key() const {  // "ssh-ed25519 AAAA..."
    std::string line = *read_file(path("host.pub"));
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    return line;
  }

 private:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  void serve() {
    for (;;) {
      const Fd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      process::SpawnRequest sshd;
      sshd.argv = {"unshare",
                   "--mount",
                   "sh",
                   "-c",
                   "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && "
                   "exec /usr/sbin/sshd -i -e -f \"$0\"",
                   path("sshd_config")};
      sshd.environment = {{"PATH", process::default_path}};
      sshd.in = sshd.out = client.get();
      if (auto child = process::spawn(sshd)) children_.push_back(std::move(*child));
    }
  }

  std::filesystem::path folder_;
  Fd listening_;
  int port_ = 0;
  std::list<process::Child> children_;
  std::thread thread_;
};

}  // namespace hyops::tests
