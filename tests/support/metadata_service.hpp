// A stand-in for the metadata service of a cloud, in a network namespace that ends with the test.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "process/metadata.hpp"
#include "process/spawn.hpp"

namespace hyops::tests {

// Moves this thread, and all that it starts from now on, into a network of its own that holds these
// addresses and no other machine. Answers at the ports of each: 80, 32526, 53 and 123.
class MetadataService {
 public:
  // Empty: it is there. Else why this machine cannot do it.
  std::string start() {
    if (::geteuid() != 0) return "needs root for a network namespace";
    if (auto holds = process::examine_metadata(); !holds) return holds.error().text();
    if (::unshare(CLONE_NEWNET) != 0) return "no network namespace can be made here";
    if (!ip({"link", "set", "lo", "up"})) return "iproute2 is not on this machine";
    for (const char* address : {"169.254.169.254/32", "169.254.169.253/32", "168.63.129.16/32"})
      if (!ip({"address", "add", address, "dev", "lo"})) return "no address can be added";
    for (const char* address : {"fd00:ec2::254/128", "fd20:ce::254/128", "fd00:ec2::253/128"})
      if (!ip({"-6", "address", "add", address, "dev", "lo", "nodad"})) return "no IPv6 here";
    for (const int port : {80, 32526, 53, 123}) serve(port);
    return {};
  }

  ~MetadataService() {
    for (const auto& fd : listening_) ::shutdown(fd.get(), SHUT_RDWR);
    for (auto& thread : threads_) thread.join();
  }

  int answered() const { return answered_; }  // connections, by now

 private:
  static bool ip(std::vector<std::string> words) {
    process::SpawnRequest request;
    request.argv = {"ip"};
    request.argv.insert(request.argv.end(), words.begin(), words.end());
    const auto done = process::run(request, 60'000);
    return done && done->exit.code == 0 && done->exit.signal == 0;
  }

  void serve(int port) {
    Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));  // for both families
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_port = htons(static_cast<uint16_t>(port));
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(::listen(fd.get(), 16), 0);
    threads_.emplace_back([this, fd = fd.get()] {
      for (;;) {
        const Fd client(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) return;
        ++answered_;
        (void)write_all(client.get(), "the credentials of this machine\n");
      }
    });
    listening_.push_back(std::move(fd));
  }

  std::vector<Fd> listening_;
  std::vector<std::thread> threads_;
  std::atomic<int> answered_ = 0;
};

// What a tool does to read them, and what it says where it may not.
inline constexpr const char* ask_for_credentials = "{ cat < /dev/tcp/169.254.169.254/80; } 2>&1";
inline constexpr const char* given = "the credentials of this machine";
inline constexpr const char* not_permitted = "Operation not permitted";

}  // namespace hyops::tests
