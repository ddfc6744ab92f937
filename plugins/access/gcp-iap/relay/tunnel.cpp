// The one file that speaks TLS and WebSocket (it is slow to compile): one thread, coroutines.
#include "tunnel.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>
#include <utility>  // boost/asio/awaitable.hpp forgets it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include "close_code.hpp"
#include "hyops/plugin.hpp"
#include "session.hpp"
#include "tls_stream.hpp"
#include "token.hpp"

namespace hyops::iap {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::redirect_error;
using asio::use_awaitable;
using boost::system::error_code;
using sdk::Failed;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;
using Tcp = asio::ip::tcp::socket;
using WebSocket = websocket::stream<TlsStream, false>;  // nothing is compressed

// A DATA message, its header and the WebSocket's (2 + 2 + 4 of the mask) fill one TLS record, so
// that a message is one write.
constexpr size_t piece = 16 * 1024 - 8 - data_header_size;
constexpr auto idle_ack = seconds(1);    // what arrived is acknowledged then, however little it is
constexpr auto linger = seconds(5);      // for the relay to acknowledge the last bytes
constexpr auto first_word = seconds(3);  // for a host that is asked nothing to say something
constexpr auto silence = seconds(30);    // without an answer to a ping: the connection is dead
constexpr auto farewell = seconds(2);    // for the relay to answer our close
constexpr milliseconds first_pause{100}, longest_pause{5000};  // between attempts to resume

class Tunnel {
 public:
  Tunnel(const Dial& dial, int in_fd, int out_fd)
      : dial_(dial),
        in_(io_, ::fcntl(in_fd, F_DUPFD_CLOEXEC, 3)),
        out_(io_, ::fcntl(out_fd, F_DUPFD_CLOEXEC, 3)),
        session_(dial.window) {
    tls_.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    error_code error;
    if (dial.ca_file.empty())
      tls_.set_default_verify_paths(error);
    else
      tls_.load_verify_file(dial.ca_file, error);
    if (error)
      throw Failed("invalid/access.iap.ca_file",
                   "cannot read the certificates to trust: " + error.message());
    for (const int fd : {in_fd, out_fd}) (void)::fcntl(fd, F_SETPIPE_SZ, 1 << 20);  // if it is one
  }
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;
  ~Tunnel() { OPENSSL_cleanse(token_.data(), token_.size()); }

  void run() {
    std::exception_ptr thrown;
    await_signal();
    asio::co_spawn(io_, read_input(), asio::detached);
    asio::co_spawn(io_, stay_connected(), [&](const std::exception_ptr& failure) {
      thrown = failure;
      io_.stop();
    });
    io_.run();
    if (thrown) std::rethrow_exception(thrown);
  }

 private:
  // --- our side ------------------------------------------------------------------------------

  asio::awaitable<void> read_input() {
    error_code error;
    while (!input_over_) {
      const auto space = session_.space();
      if (space.size == 0) {
        co_await room_.async_wait(redirect_error(use_awaitable, error));
        continue;
      }
      const size_t got = co_await in_.async_read_some(asio::buffer(space.data, space.size),
                                                      redirect_error(use_awaitable, error));
      if (error) break;
      session_.took(got);
      asked_ = true;
      work_.cancel();
    }
    end_input();
  }

  void end_input() {
    input_over_ = true;
    work_.cancel();
  }

  // ssh ends its proxy command by SIGHUP. The first signal lets the relay know, the second does not
  // wait for it.
  void await_signal() {
    signals_.async_wait([this](error_code error, int) {
      if (error) return;
      if (signalled_) return io_.stop();
      signalled_ = true;
      end_input();
      await_signal();
    });
  }

  // --- one connection ------------------------------------------------------------------------

  // Shared with the handlers of timers, which may run after it is over.
  struct Connection {
    Connection(asio::io_context& io, asio::ssl::context& tls)
        : socket(Tcp(io), tls), watchdog(io), done(io, Clock::time_point::max()) {}
    void drop() { beast_close_socket(socket.next_layer()); }

    WebSocket socket;
    asio::steady_timer watchdog;
    asio::steady_timer done;  // cancelled when the writer has ended
    bool carries = false;     // the relay said that the session stands
    bool writing = false, closing = false, farewell = false;
  };
  using Shared = std::shared_ptr<Connection>;

  asio::awaitable<void> stay_connected() {
    std::optional<Clock::time_point> lost_at;
    milliseconds pause = first_pause;
    for (bool renewed = false;;) {
      const auto connection = std::make_shared<Connection>(io_, tls_);
      const Verdict verdict = co_await one_connection(connection);
      // Who was told to end does not come back for what had not arrived.
      if (verdict.next == Next::end || connection->farewell || signalled_ || finished()) co_return;
      if (connection->carries) {
        lost_at.reset();
        pause = first_pause;
        renewed = false;
      }
      const bool may_renew = verdict.next == Next::renew && !renewed;
      const bool may_resume = verdict.next == Next::resume && session_.resumable();
      if (!lost_at) lost_at = Clock::now();
      if ((!may_renew && !may_resume) || Clock::now() + pause - *lost_at > dial_.patience)
        throw Failed(verdict.code, verdict.sentence + (why_.empty() ? "" : " (" + why_ + ")"));
      renewed = renewed || may_renew;
      std::clog << verdict.sentence << "; connecting again\n";
      co_await sleep(pause);
      pause = std::min(pause * 3 / 2, longest_pause);
    }
  }

  // Everything of ours has arrived, and nobody wants more. Whoever asks nothing (`</dev/null`)
  // wants to know whether there is a host: it may say its first word.
  bool finished() const {
    return input_over_ && session_.resumable() && session_.unacknowledged() == 0 &&
           (asked_ || signalled_ || session_.received() > 0);
  }

  // Connects, carries, and says why it ended.
  asio::awaitable<Verdict> one_connection(Shared connection) {
    why_.clear();
    session_.begin_connection();
    connection->watchdog.expires_after(dial_.connect_timeout);
    connection->watchdog.async_wait([this, connection](error_code error) {
      if (error || connection->carries || connection->closing) return;
      why_ = "it took too long";
      resolver_.cancel();
      connection->drop();
    });
    std::exception_ptr thrown;
    std::optional<Verdict> verdict;
    try {
      verdict = co_await connect(connection->socket);
      if (!verdict) {
        connection->writing = true;
        asio::co_spawn(io_, write(connection), [connection](const std::exception_ptr&) {
          connection->writing = false;
          connection->drop();
          connection->done.cancel();
        });
        verdict = co_await read(*connection);
      }
    } catch (...) {
      thrown = std::current_exception();  // the writer has to be gone before the connection is
    }
    connection->closing = true;
    connection->watchdog.cancel();
    connection->drop();
    work_.cancel();
    error_code ignored;
    while (connection->writing)
      co_await connection->done.async_wait(redirect_error(use_awaitable, ignored));
    if (thrown) std::rethrow_exception(thrown);
    co_return *verdict;
  }

  // Nothing: the WebSocket stands.
  asio::awaitable<std::optional<Verdict>> connect(WebSocket& socket) {
    error_code error;
    const auto lost = [&](const char* where) {
      if (why_.empty()) why_ = std::string(where) + ": " + error.message();
      return judge_close(1006);
    };
    co_await refresh_token();
    const auto found = co_await resolver_.async_resolve(dial_.relay.host, dial_.relay.port,
                                                        redirect_error(use_awaitable, error));
    if (error) co_return lost("looking up the relay's address");
    auto& tls = socket.next_layer();
    co_await asio::async_connect(tls.socket(), found, redirect_error(use_awaitable, error));
    if (error) co_return lost("connecting to the relay");
    tls.socket().set_option(asio::ip::tcp::no_delay(true), error);
    co_await tls.handshake(dial_.relay.host, error);
    if (error && !tls.why().empty())
      throw Failed("denied/access.iap.certificate",
                   "the relay " + dial_.relay.host +
                       " shows no certificate that is trusted here: " + tls.why());
    if (error) co_return lost("TLS");
    tune(socket);
    websocket::response_type answer;
    co_await socket.async_handshake(answer, dial_.relay.host, request(),
                                    redirect_error(use_awaitable, error));
    if (error == websocket::error::upgrade_declined) {
      why_ = "HTTP " + std::to_string(answer.result_int());
      co_return judge_refusal(answer.result_int());
    }
    if (error) co_return lost("the WebSocket handshake");
    if (answer[http::field::sec_websocket_protocol] != subprotocol)
      throw Failed("internal/access.iap.protocol",
                   "the relay does not speak " + std::string(subprotocol));
    co_return std::nullopt;
  }

  void tune(WebSocket& socket) {
    socket.set_option(websocket::stream_base::timeout{dial_.connect_timeout, silence, true});
    socket.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      request.set(http::field::authorization, "Bearer " + token_);
      request.set(http::field::origin, "bot:iap-tunneler");  // what marks a tunneler, not a page
      request.set(http::field::sec_websocket_protocol, subprotocol);
      request.set(http::field::user_agent, "hyops-iap-dial/1.0");
    }));
    socket.binary(true);
    socket.auto_fragment(false);
    socket.write_buffer_bytes(32 * 1024);
    socket.read_message_max(max_message);
  }

  std::string request() const {
    return session_.resumable()
               ? reconnect_request(dial_.relay, dial_.target, session_.sid(), session_.received())
               : connect_request(dial_.relay, dial_.target);
  }

  // From the relay to our side, until the connection ends.
  asio::awaitable<Verdict> read(Connection& connection) {
    beast::flat_buffer buffer;
    buffer.reserve(max_message);
    for (;;) {
      error_code error;
      co_await connection.socket.async_read(buffer, redirect_error(use_awaitable, error));
      if (error == websocket::error::message_too_big || error == websocket::error::bad_opcode)
        throw Failed("internal/access.iap.protocol", "the relay sent " + error.message());
      if (error) co_return ending_of(connection, error);
      if (!connection.socket.got_binary())
        throw Failed("internal/access.iap.protocol", "the relay sent text");
      const auto message = buffer.cdata();
      const auto bytes =
          session_.receive({static_cast<const char*>(message.data()), message.size()});
      connection.carries = session_.open();
      if (!bytes.empty()) {
        co_await asio::async_write(out_, asio::buffer(bytes), redirect_error(use_awaitable, error));
        if (error) end_input();  // nobody listens any more
      }
      buffer.consume(buffer.size());
      room_.cancel();
      work_.cancel();
    }
  }

  Verdict ending_of(Connection& connection, const error_code& error) {
    if (error == websocket::error::closed) {
      const auto& reason = connection.socket.reason();
      why_ = "close code " + std::to_string(reason.code);
      return judge_close(reason.code);
    }
    if (why_.empty()) why_ = error.message();
    return judge_close(1006);
  }

  // From our side to the relay, until there is nothing more or the connection ends.
  asio::awaitable<void> write(Shared connection) {
    error_code error;
    std::optional<Clock::time_point> last_sent;
    while (!connection->closing) {
      std::string message;
      const bool idle = Clock::now() >= next_ack_;
      if (const auto ack = session_.acknowledge(idle ? Session::When::idle : Session::When::due)) {
        next_ack_ = Clock::now() + idle_ack;
        message = encode(*ack);
      } else if (const auto bytes = session_.send(piece); !bytes.empty()) {
        message = encode(Data{bytes});
      }
      if (!message.empty()) {
        co_await connection->socket.async_write(asio::const_buffer(message.data(), message.size()),
                                                redirect_error(use_awaitable, error));
        if (error) co_return;
        continue;
      }
      if (input_over_ && session_.open() && !session_.unsent()) {
        if (!last_sent) last_sent = Clock::now();
        const auto waited = Clock::now() - *last_sent;
        if (finished() || (session_.unacknowledged() == 0 && waited >= first_word) ||
            waited >= linger) {
          co_await say_farewell(connection);
          co_return;
        }
      }
      work_.expires_after(idle_ack);
      co_await work_.async_wait(redirect_error(use_awaitable, error));
      error = {};
    }
  }

  asio::awaitable<void> say_farewell(Shared connection) {
    connection->farewell = true;
    asio::steady_timer enough(io_, farewell);
    enough.async_wait([connection](error_code error) {
      if (!error) connection->drop();
    });
    error_code ignored;
    co_await connection->socket.async_close(websocket::close_code::normal,
                                            redirect_error(use_awaitable, ignored));
  }

  // --- the token -----------------------------------------------------------------------------

  // Where nobody hands one out just now, the one before may still be good.
  asio::awaitable<void> refresh_token() {
    try {
      auto token = co_await fetch_token(dial_.token);
      token_.swap(token);
      OPENSSL_cleanse(token.data(), token.size());
    } catch (const Failed&) {
      if (token_.empty()) throw;
    }
  }

  asio::awaitable<void> sleep(milliseconds time) {
    asio::steady_timer timer(io_, time);
    error_code ignored;
    co_await timer.async_wait(redirect_error(use_awaitable, ignored));
  }

  asio::io_context io_{1};
  const Dial& dial_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  asio::ip::tcp::resolver resolver_{io_};
  asio::posix::stream_descriptor in_, out_;
  asio::signal_set signals_{io_, SIGHUP, SIGTERM, SIGINT};
  asio::steady_timer work_{io_};                            // cancelled: look again
  asio::steady_timer room_{io_, Clock::time_point::max()};  // the same, for read_input
  Session session_;
  std::string token_;
  std::string why_;  // more about the last ending
  Clock::time_point next_ack_{};
  bool input_over_ = false, signalled_ = false;
  bool asked_ = false;  // a byte of ours came
};

}  // namespace

void carry(const Dial& dial, int in_fd, int out_fd) {
  check(dial.target);
  Tunnel(dial, in_fd, out_fd).run();
}

}  // namespace hyops::iap
