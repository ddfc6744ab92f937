// Until the other end has sent a byte, what the client sends is kept and can be sent again; from
// then on bytes go from descriptor to descriptor inside the kernel.
#include "connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace hyops::stream_host {
namespace {

constexpr size_t most_kept = 65536;  // of what a client sends before anybody answers
constexpr size_t piece = 1u << 20;   // spliced at once, at most
constexpr int64_t first_pause_ms = 100, longest_pause_ms = 2'000;
constexpr int64_t linger_ms = 120'000;  // after the client has said its last and nothing comes

enum class End { carried, client_gone, program_ended };

// Bytes from one descriptor to another. It waits for `from` to have some, and where there are some
// and yet none move, for `to` to take them.
struct Flow {
  int from, to;
  bool wants_room = false, ended = false;
  uint64_t bytes = 0;

  void watch(pollfd& polled) const {
    polled = {ended        ? -1
              : wants_room ? to
                           : from,
              static_cast<short>(wants_room ? POLLOUT : POLLIN), 0};
  }
  void move() {
    while (!ended) {
      const ssize_t moved =
          ::splice(from, nullptr, to, nullptr, piece, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (moved > 0) {
        bytes += static_cast<uint64_t>(moved);
        wants_room = false;
        continue;
      }
      if (moved < 0 && errno == EINTR) continue;
      if (moved < 0 && errno == EAGAIN) {
        wants_room = !wants_room;
        return;
      }
      ended = true;
    }
  }
};

class Connection {
 public:
  Connection(Fd client, const Dial& dial)
      : client_(std::move(client)),
        dial_(dial),
        until_(system_clock().mono_ms() + dial.patience_ms) {}

  std::string run() {
    int64_t pause = first_pause_ms;
    for (;;) {
      ++dials_;
      auto carrier = start(dial_);
      if (!carrier) return "cannot run its program: " + carrier.error().message;
      const End end = carry_with(*carrier);
      if (end == End::carried) return said("ended");
      if (end == End::client_gone || client_ended_) return said("was given up");
      if (system_clock().mono_ms() + pause > until_) return said("found no way");
      if (client_leaves_within(pause)) return said("was given up");
      pause = std::min(pause * 2, longest_pause_ms);
    }
  }

 private:
  std::string said(const std::string& how) const {
    return how + " after " + counted(dials_, "dial") + ", " + std::to_string(up_) + " bytes up, " +
           std::to_string(down_) + " down";
  }

  End carry_with(Carrier& carrier) {
    if (const End end = until_it_answers(carrier); end != End::carried) return end;
    return between(carrier);
  }

  // carried: the other end has sent something.
  End until_it_answers(Carrier& carrier) {
    size_t given = 0;
    bool said_all = false;
    for (;;) {
      const bool reads = !client_ended_ && kept_.size() < most_kept;
      std::array<pollfd, 4> polled{{{client_.get(), static_cast<short>(reads ? POLLIN : 0), 0},
                                    {given < kept_.size() ? carrier.in.get() : -1, POLLOUT, 0},
                                    {carrier.out.get(), POLLIN, 0},
                                    {carrier.child.pidfd(), POLLIN, 0}}};
      const int ready = ::poll(polled.data(), polled.size(), client_ended_ ? int{linger_ms} : -1);
      if (ready == 0 || (ready < 0 && errno != EINTR)) return End::client_gone;
      if (polled[0].revents & (POLLERR | POLLHUP)) return End::client_gone;
      if (reads && (polled[0].revents & POLLIN) && !take_from_client()) return End::client_gone;
      if (polled[1].revents && !give(carrier, given)) return End::program_ended;
      if (client_ended_ && !said_all && given == kept_.size()) {
        carrier.in.reset();
        said_all = true;
      }
      if (polled[2].revents & POLLIN) {
        up_ = given;
        kept_.erase(0, given);
        return End::carried;
      }
      if (polled[2].revents || polled[3].revents) return End::program_ended;
    }
  }

  bool take_from_client() {
    char buffer[16384];
    const ssize_t got = ::recv(client_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) kept_.append(buffer, static_cast<size_t>(got));
    if (got == 0) client_ended_ = true;
    return got >= 0 || errno == EAGAIN || errno == EINTR;
  }

  bool give(Carrier& carrier, size_t& given) {
    const ssize_t put = ::write(carrier.in.get(), kept_.data() + given, kept_.size() - given);
    if (put > 0) given += static_cast<size_t>(put);
    return put >= 0 || errno == EAGAIN || errno == EINTR;
  }

  // Both directions until both have ended, the program has, or nothing comes any more after the
  // client's last word.
  End between(Carrier& carrier) {
    Flow up{client_.get(), carrier.in.get()}, down{carrier.out.get(), client_.get()};
    size_t given = 0;
    up.ended = !carrier.in;
    while (!(up.ended && down.ended)) {
      std::array<pollfd, 3> polled{};
      const bool rest = given < kept_.size();
      up.watch(polled[0]);
      if (rest) polled[0] = {carrier.in.get(), POLLOUT, 0};
      down.watch(polled[1]);
      polled[2] = {carrier.child.pidfd(), POLLIN, 0};
      const int ready = ::poll(polled.data(), polled.size(), up.ended ? int{linger_ms} : -1);
      if (ready == 0 || (ready < 0 && errno != EINTR)) break;
      if (polled[0].revents && rest)
        up.ended = !give(carrier, given);
      else if (polled[0].revents)
        up.move();
      if (polled[1].revents) down.move();
      if (up.ended) carrier.in.reset();
      if (polled[2].revents) {
        down.wants_room = false;
        drain(down);
        break;
      }
      if (down.ended) ::shutdown(client_.get(), SHUT_WR);
    }
    up_ += given + up.bytes;
    down_ = down.bytes;
    return End::carried;
  }

  // What a program that has ended has left in its pipe still belongs to the client.
  void drain(Flow& down) {
    while (!down.ended) {
      const uint64_t before = down.bytes;
      down.move();
      if (down.ended || !down.wants_room) return;
      pollfd room{down.to, POLLOUT, 0};
      if (::poll(&room, 1, int{linger_ms}) <= 0) return;
      down.move();
      if (down.bytes == before) return;  // there was room and nothing to fill it
    }
  }

  bool client_leaves_within(int64_t ms) {
    pollfd left{client_.get(), POLLRDHUP, 0};
    return ::poll(&left, 1, static_cast<int>(ms)) > 0;
  }

  Fd client_;
  const Dial& dial_;
  const int64_t until_;
  std::string kept_;
  bool client_ended_ = false;
  int dials_ = 0;
  uint64_t up_ = 0, down_ = 0;
};

}  // namespace

std::string carry(Fd client, const Dial& dial) { return Connection(std::move(client), dial).run(); }

}  // namespace hyops::stream_host
