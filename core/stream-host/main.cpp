// hyops-stream-host: keeps one local endpoint and runs a program for each connection to it.
//
// It runs under a step host, which ends it and all its programs at the endpoint's expiry, when the
// core wants it closed, and when it dies itself (process/step_host.hpp). So nothing here has an
// end.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <semaphore>
#include <thread>

#include "connection.hpp"

namespace hyops::stream_host {
namespace {

constexpr int most_connections = 128;  // more wait to be accepted
constexpr int port_taken = 3;          // exit status

Result<Fd> listen_at(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(fd.get(), 128) != 0)
    return fail_errno(errno == EADDRINUSE ? "stream.port" : "stream.start",
                      "cannot listen at 127.0.0.1 port " + std::to_string(port), errno);
  return fd;
}

Status tell_port(int listening, const std::filesystem::path& fifo) {
  sockaddr_in at{};
  socklen_t size = sizeof at;
  if (::getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    return fail_errno("stream.start", "cannot tell the port", errno);
  const Fd ready(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!ready) return {};  // the core has died meanwhile; it will find us or end us
  return write_all(ready.get(), std::to_string(ntohs(at.sin_port)) + "\n");
}

void say(int number, const std::string& words) {
  std::printf("connection %d %s\n", number, words.c_str());
  std::fflush(stdout);
}

[[noreturn]] void serve(int listening, const Dial& dial) {
  static std::counting_semaphore<most_connections> room(most_connections);
  for (int number = 1;; ++number) {
    room.acquire();
    Fd client(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) {  // it went away again, or descriptors are short until another one ends
      room.release();
      std::this_thread::yield();
      continue;
    }
    std::thread([number, &dial, mine = std::move(client)]() mutable {
      say(number, carry(std::move(mine), dial));
      room.release();
    }).detach();
  }
}

int keep(const std::filesystem::path& step_folder) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto refuse = [](const Error& error) {
    std::printf("%s\n", error.text().c_str());
    return error.code == "stream.port" ? port_taken : 1;
  };
  auto dial = read_dial(step_folder);
  if (!dial) return refuse(dial.error());
  auto listening = listen_at(dial->port);
  if (!listening) return refuse(listening.error());
  if (auto told = tell_port(listening->get(), step_folder / "ready"); !told)
    return refuse(told.error());
  serve(listening->get(), *dial);
}

}  // namespace
}  // namespace hyops::stream_host

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr,
                 "hyops-stream-host is started by hyops and by nothing else; type: hyops help\n");
    return 2;
  }
  return hyops::stream_host::keep(arguments[1]);
}
