// A relay's double, a host behind it, and the program that carries a stream to it.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "base/file.hpp"
#include "process/spawn.hpp"
#include "support/relay_double.hpp"

namespace hyops::tests {

// Bytes of which every piece says where it stands: none can be lost, doubled or moved unseen.
class Pattern {
 public:
  explicit Pattern(uint64_t seed) {
    for (auto& word : bytes_) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      word = static_cast<char>(seed >> 56);
    }
  }
  std::string_view at(uint64_t position, uint64_t end) const {
    const auto from = static_cast<size_t>(position % bytes_.size());
    return {bytes_.data() + from,
            static_cast<size_t>(std::min<uint64_t>(bytes_.size() - from, end - position))};
  }
  // Writes the first `size` of them.
  void write(int fd, uint64_t size) const {
    for (uint64_t done = 0; done < size;) {
      const auto piece = at(done, size);
      if (!write_all(fd, piece)) return;
      done += piece.size();
    }
  }
  // Reads until the end of `fd`, or until `size` came: how many came, as far as all were right.
  uint64_t read(int fd, uint64_t size) const {
    std::string piece(256 * 1024, '\0');
    uint64_t done = 0;
    while (done < size) {
      const ssize_t got = ::read(
          fd, piece.data(), static_cast<size_t>(std::min<uint64_t>(piece.size(), size - done)));
      if (got <= 0) break;
      for (size_t seen = 0; seen < static_cast<size_t>(got);) {
        const auto right = at(done, done + static_cast<size_t>(got) - seen);
        if (piece.compare(seen, right.size(), right) != 0) return done;
        seen += right.size();
        done += right.size();
      }
    }
    return done;
  }

 private:
  std::array<char, 1'048'583> bytes_;  // a prime, so that no usual size hides a shift
};

// A host's port: one connection, served as the test says, in a thread of its own.
class Port {
 public:
  explicit Port(std::function<void(int)> serve) : listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(listening_.get(), 8), 0);
    ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    number_ = ntohs(at.sin_port);
    thread_ = std::thread([this, serve = std::move(serve)] {
      const Fd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      client_ = client.get();
      if (client) serve(client.get());
      client_ = -1;
    });
  }
  ~Port() {
    ::shutdown(client_, SHUT_RDWR);  // whoever still waits for bytes waits in vain
    join();
  }
  void join() {
    if (!thread_.joinable()) return;
    ::shutdown(listening_.get(), SHUT_RDWR);  // wakes an accept that nobody came to
    thread_.join();
  }
  std::string number() const { return std::to_string(number_); }

 private:
  Fd listening_;
  std::atomic<int> client_ = -1;
  uint16_t number_ = 0;
  std::thread thread_;
};

// The program, with a pipe at each of its three ends.
class Dialled {
 public:
  explicit Dialled(std::vector<std::string> arguments) {
    process::SpawnRequest request;
    request.argv = {HYOPS_BUILD_DIR "/lib/hyops/plugins/hyops.access.gcp-iap/hyops-iap-dial"};
    request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
    Fd in, out, err;
    open(in, to);
    open(from, out);
    open(said_, err);
    request.in = in.get();
    request.out = out.get();
    request.err = err.get();
    auto started = process::spawn(request);
    EXPECT_TRUE(started) << started.error().text();
    if (started) child_.emplace(std::move(*started));
  }
  // Its exit status, and what it said on standard error.
  std::pair<int, std::string> end() {
    to.reset();
    std::string said, piece(4096, '\0');
    for (ssize_t got = 0; (got = ::read(said_.get(), piece.data(), piece.size())) > 0;)
      said.append(piece, 0, static_cast<size_t>(got));
    const auto exit = child_->wait(-1);
    return {(*exit)->code, said};
  }
  process::Child& child() { return *child_; }
  Fd to, from;

 private:
  static void open(Fd& read_end, Fd& write_end) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end = Fd(ends[0]);
    write_end = Fd(ends[1]);
  }
  Fd said_;
  std::optional<process::Child> child_;
};

class Tunnel : public ::testing::Test {
 protected:
  void SetUp() override { ::signal(SIGPIPE, SIG_IGN); }

  void relay(RelayDouble::Behaviour behaviour = {}) { relay_.emplace(behaviour, temp_.path()); }

  std::vector<std::string> arguments(const std::string& port,
                                     const std::string& token = "token-1") {
    EXPECT_TRUE(write_file(token_file(), token + "\n", 0600));
    return {"--project",    "acme-work",   "--zone",    "europe-west1-b",
            "--instance",   "db-1",        "--port",    port,
            "--relay",      relay_->url(), "--ca-file", relay_->ca_file().string(),
            "--token-file", token_file()};
  }
  std::string token_file() const { return (temp_.path() / "token").string(); }

  // How a stream to this port ends before a byte was carried.
  std::pair<int, std::string> refusal(std::vector<std::string> with) {
    return Dialled(std::move(with)).end();
  }

  TempDir temp_{*TempDir::create(std::filesystem::temp_directory_path())};
  std::optional<RelayDouble> relay_;
};

// HYOPS_CRASH_POINTS=all, as `make crash` sets it: a hundred MiB each way, and every check of the
// kit.
inline bool whole() {
  const char* wanted = std::getenv("HYOPS_CRASH_POINTS");
  return wanted && std::string_view(wanted) == "all";
}
inline uint64_t copied_bytes() { return (whole() ? 100u : 8u) << 20; }

// Breaks, every so many bytes of both ways together: resets, a relay that restarts, one that wants
// a fresh token.
inline std::vector<RelayDouble::Fault> breaks(uint64_t each_way, int count) {
  constexpr uint16_t kinds[] = {0, 1012, 4004, 0, 4000};
  std::vector<RelayDouble::Fault> faults;
  for (int i = 1; i <= count; ++i)
    faults.push_back({2 * each_way * static_cast<uint64_t>(i) / static_cast<uint64_t>(count + 1),
                      kinds[i % 5], false});
  return faults;
}

}  // namespace hyops::tests
