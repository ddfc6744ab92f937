// TLS under a WebSocket, behind handlers of one type. Beast's operations are templates over what
// waits for them; with a stream of templates below, each would be compiled for each of those: a
// minute for what takes ten seconds.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <utility>  // boost/asio/awaitable.hpp forgets it

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/beast/core/role.hpp>

namespace hyops::iap {

class TlsStream {
 public:
  using executor_type = boost::asio::any_io_executor;
  using Error = boost::system::error_code;
  using Done = std::function<void(Error, size_t)>;

  TlsStream(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& context);
  ~TlsStream();
  executor_type get_executor() noexcept;
  boost::asio::ip::tcp::socket& socket();

  // server_name: empty for a server, else whose certificate it has to be. A certificate that does
  // not hold is why() afterwards, which is empty otherwise.
  boost::asio::awaitable<void> handshake(const std::string& server_name, Error& error);
  std::string why() const;

  // What WebSockets ask of the layer below. One write at a time: it leaves as one TLS record where
  // it fits into one.
  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(Error, size_t)>(
        [this, buffers](auto&& waiting) {
          boost::asio::mutable_buffer into;
          for (auto at = boost::asio::buffer_sequence_begin(buffers);
               at != boost::asio::buffer_sequence_end(buffers) && into.size() == 0; ++at)
            into = *at;
          read(into, erased(std::forward<decltype(waiting)>(waiting)));
        },
        handler);
  }
  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(Error, size_t)>(
        [this, buffers](auto&& waiting) {
          write(boost::asio::buffer_copy(boost::asio::buffer(record_), buffers),
                erased(std::forward<decltype(waiting)>(waiting)));
        },
        handler);
  }

  // TLS is not taken down in order: the WebSocket has been, or there is nobody left to tell.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type, TlsStream& stream, Handler&& handler) {
    beast_close_socket(stream);
    stream.post(erased([waiting = std::forward<Handler>(handler)](Error error, size_t) mutable {
      waiting(error);
    }));
  }
  friend void teardown(boost::beast::role_type, TlsStream& stream, Error& error) {
    beast_close_socket(stream);
    error = {};
  }
  friend void beast_close_socket(TlsStream& stream) {
    Error ignored;
    stream.socket().close(ignored);
  }

 private:
  template <class Handler>
  static Done erased(Handler&& handler) {
    auto held = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
    return [held = std::move(held)](Error error, size_t bytes) { (*held)(error, bytes); };
  }
  void read(boost::asio::mutable_buffer into, Done done);
  void write(size_t bytes, Done done);  // of record_
  void post(Done done);

  struct Ssl;
  std::unique_ptr<Ssl> ssl_;
  std::array<char, 16 * 1024> record_;
};

}  // namespace hyops::iap
