// A real HTTP server on a port of its own, answering as each test says, in a thread of its own.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace hyops::net {

namespace beast = boost::beast;
using Request = beast::http::request<beast::http::string_body>;
using Response = beast::http::response<beast::http::string_body>;

class HttpServer {
 public:
  // A handler that returns nothing never answers: the connection stays open and silent.
  using Handler = std::function<std::optional<Response>(const Request&)>;

  explicit HttpServer(Handler handler)
      : handler_(std::move(handler)),
        acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stopping_ = true;
    boost::asio::io_context io;  // wakes the accept, which may be the only thing going on
    boost::asio::ip::tcp::socket last(io);
    boost::system::error_code ignored;
    last.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  std::string host() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  std::string url(const std::string& path = "/") const { return "http://" + host() + path; }
  std::vector<Request> requests() const {
    const std::lock_guard hold(mutex_);
    return requests_;
  }

  static Response answer(int status, std::string body = "{}") {
    Response out(static_cast<beast::http::status>(status), 11);
    out.body() = std::move(body);
    out.prepare_payload();
    return out;
  }

 private:
  void serve() {
    std::vector<boost::asio::ip::tcp::socket> silent;
    while (!stopping_) {
      boost::asio::ip::tcp::socket socket(io_);
      boost::system::error_code problem;
      acceptor_.accept(socket, problem);
      if (problem || stopping_) break;
      beast::flat_buffer buffer;
      Request request;
      beast::http::read(socket, buffer, request, problem);
      if (problem) continue;
      {
        const std::lock_guard hold(mutex_);
        requests_.push_back(request);
      }
      auto response = handler_(request);
      if (!response) {
        silent.push_back(std::move(socket));
        continue;
      }
      response->keep_alive(false);
      beast::http::write(socket, *response, problem);
      socket.shutdown(boost::asio::ip::tcp::socket::shutdown_both, problem);
    }
  }

  Handler handler_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// A port that was free a moment ago and that nothing listens on.
inline std::string dead_host() {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  return "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
}

}  // namespace hyops::net
