// Serves the API with Boost.Beast: one coroutine per connection on one thread, answers on a few
// others.
#include "http_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace hyops::labd {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::use_awaitable;
using boost::system::error_code;

constexpr size_t most_body_bytes = 1 << 20;
constexpr uint32_t most_header_bytes = 16 << 10;
constexpr auto slowest_client = std::chrono::seconds(15);
constexpr int most_connections = 256;

HttpResponse refusal(unsigned status, const char* code, const char* message, const char* next) {
  HttpResponse response;
  response.result(status);
  response.set(http::field::content_type, "application/json");
  response.keep_alive(false);
  response.body() = Json{{"code", code}, {"message", message}, {"next", next}}.dump() + "\n";
  response.prepare_payload();
  return response;
}

HttpResponse refusal_of(const error_code& error) {
  if (error == http::error::body_limit) {
    return refusal(413, "request.too_large", "the body is larger than 1 MiB", "send less");
  }
  return refusal(400, "request.invalid", "the request is not HTTP/1.1 as understood here",
                 "check the client");
}

// Counts open connections, so that a client that opens many cannot take all descriptors.
class Seat {
 public:
  explicit Seat(int& taken) : taken_(taken) { ++taken_; }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() { --taken_; }
  [[nodiscard]] bool too_many() const { return taken_ > most_connections; }

 private:
  int& taken_;
};

// Answers that take a while (a probe waits for silence) hold up nobody else's.
asio::awaitable<HttpResponse> answer(Api& api, const Caller& caller, const HttpRequest& request) {
  co_return api.answer(caller, request);
}

template <class Protocol>
asio::awaitable<void> converse(Api& api, asio::thread_pool& answering, Caller caller,
                               typename Protocol::socket socket, int& taken) {
  const Seat seat(taken);
  if (seat.too_many()) co_return;
  beast::basic_stream<Protocol> stream(std::move(socket));
  beast::flat_buffer buffer;
  for (bool open = true; open;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(most_body_bytes);
    parser.header_limit(most_header_bytes);
    stream.expires_after(
        slowest_client);  // for the whole request: trickling bytes does not prolong it
    error_code error;
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(use_awaitable, error));
    if (error == http::error::end_of_stream || error == beast::error::timeout) break;
    const bool refused =
        error && error.category() == http::make_error_code(http::error::body_limit).category();
    if (error && !refused) break;
    HttpResponse response;
    if (refused)
      response = refusal_of(error);
    else
      response = co_await asio::co_spawn(answering.get_executor(),
                                         answer(api, caller, parser.get()), use_awaitable);
    open = response.keep_alive() && !refused;
    stream.expires_after(slowest_client);
    co_await http::async_write(stream, response, asio::redirect_error(use_awaitable, error));
    if (error) break;
  }
  error_code ignored;
  stream.socket().shutdown(Protocol::socket::shutdown_send, ignored);
}

bool peer_is_root(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

template <class Protocol>
asio::awaitable<void> welcome(Api& api, asio::thread_pool& answering, Caller caller,
                              typename Protocol::acceptor acceptor, int& taken) {
  for (;;) {
    error_code error;
    auto socket = co_await acceptor.async_accept(asio::redirect_error(use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error) continue;
    if (caller.admin() && !peer_is_root(socket.native_handle())) continue;
    asio::co_spawn(acceptor.get_executor(),
                   converse<Protocol>(api, answering, caller, std::move(socket), taken),
                   asio::detached);
  }
}

}  // namespace

Done serve_http(Api& api, const LabPaths& paths, const std::function<void()>& listening) {
  asio::io_context context(1);
  asio::thread_pool answering(4);  // gone before the conversations that wait for it
  int taken = 0;
  try {
    for (const auto& zone : zones) {
      if (!zone.has_api) continue;
      const asio::ip::tcp::endpoint here(asio::ip::make_address_v4(std::string(zone.gateway)),
                                         api_port);
      asio::ip::tcp::acceptor acceptor(context, here);
      asio::co_spawn(context,
                     welcome<asio::ip::tcp>(api, answering, {&zone}, std::move(acceptor), taken),
                     asio::detached);
    }
    using asio::local::stream_protocol;
    std::error_code ignored;
    fs::remove(paths.socket(),
               ignored);  // left by a daemon that was killed; `serve` holds the lab's lock
    const mode_t before = umask(0177);
    stream_protocol::acceptor acceptor(context, stream_protocol::endpoint(paths.socket().string()));
    umask(before);
    asio::co_spawn(context,
                   welcome<stream_protocol>(api, answering, {}, std::move(acceptor), taken),
                   asio::detached);
    asio::signal_set ends(context, SIGTERM, SIGINT);
    ends.async_wait([&](const error_code&, int) { context.stop(); });
    listening();
    context.run();
  } catch (const std::exception& e) {
    return fail(500, "serve.listen", std::string("cannot serve the API: ") + e.what());
  }
  return {};
}

}  // namespace hyops::labd
