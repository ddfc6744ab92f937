// Plain HTTP is what the metadata service speaks: it is this machine's own, at a link-local
// address.
#include "token.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>

#include "hyops/plugin.hpp"

namespace hyops::iap {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::redirect_error;
using asio::use_awaitable;
using boost::system::error_code;
using sdk::Failed;

constexpr auto metadata_patience = std::chrono::seconds(5);

Failed unavailable(const std::string& why) {
  return {"unavailable/access.iap.metadata",
          "the metadata service of this machine gives no token: " + why};
}

struct Url {
  std::string authority, host, port, path;

  explicit Url(const std::string& text) {
    const std::string rest = text.substr(std::min(text.size(), sizeof "http://" - 1));
    const size_t slash = std::min(rest.find('/'), rest.size());
    authority = rest.substr(0, slash);
    path = rest.substr(slash);
    const size_t colon = std::min(authority.find(':'), authority.size());
    host = authority.substr(0, colon);
    port = colon < authority.size() ? authority.substr(colon + 1) : "80";
  }
};

asio::awaitable<std::string> ask_metadata(const std::string& address) {
  const Url url(address);
  const auto executor = co_await asio::this_coro::executor;
  // Shared with the timer, whose handler may run after this is over.
  struct Asked {
    explicit Asked(const asio::any_io_executor& on) : names(on), stream(on) {}
    asio::ip::tcp::resolver names;
    asio::ip::tcp::socket stream;
  };
  const auto asked = std::make_shared<Asked>(executor);
  asio::steady_timer enough(executor, metadata_patience);
  enough.async_wait([asked](error_code late) {
    if (late) return;
    asked->names.cancel();
    asked->stream.close(late);
  });
  error_code error;
  const auto found =
      co_await asked->names.async_resolve(url.host, url.port, redirect_error(use_awaitable, error));
  if (error) throw unavailable(error.message());
  co_await asio::async_connect(asked->stream, found, redirect_error(use_awaitable, error));
  if (error) throw unavailable(error.message());
  const std::string request = "GET " + url.path + " HTTP/1.0\r\nHost: " + url.authority +
                              "\r\nMetadata-Flavor: Google\r\n\r\n";
  co_await asio::async_write(asked->stream, asio::const_buffers_1(request.data(), request.size()),
                             redirect_error(use_awaitable, error));
  if (error) throw unavailable(error.message());

  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(64 * 1024);
  std::string arrived;
  while (!parser.is_done()) {
    std::array<char, 4096> chunk;
    const size_t got = co_await asked->stream.async_read_some(
        asio::mutable_buffers_1(chunk.data(), chunk.size()), redirect_error(use_awaitable, error));
    if (error == asio::error::eof) {
      error = {};
      parser.put_eof(error);
      if (error) throw unavailable(error.message());
      break;
    }
    if (error) throw unavailable(error.message());
    arrived.append(chunk.data(), got);
    arrived.erase(0, parser.put(asio::const_buffer(arrived.data(), arrived.size()), error));
    if (error && error != http::error::need_more) throw unavailable(error.message());
  }
  const auto& answer = parser.get();
  if (answer.result() != http::status::ok || answer["Metadata-Flavor"] != "Google")
    throw unavailable("it answered HTTP " + std::to_string(answer.result_int()) +
                      ", or is not Google's");
  const auto document = nlohmann::json::parse(answer.body(), nullptr, false);
  const auto token = document.is_object() ? document.find("access_token") : document.end();
  if (token == document.end() || !token->is_string()) throw unavailable("its answer holds none");
  co_return token->get<std::string>();
}

std::string read_token(const std::string& file) {
  std::string token(16 * 1024, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(std::max<std::streamsize>(0, in.gcount())));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  return token;
}

}  // namespace

asio::awaitable<std::string> fetch_token(const TokenSource& source) {
  std::string token;  // in two statements: g++ 12 frees what a ?: around co_await holds twice
  if (source.file.empty())
    token = co_await ask_metadata(source.metadata);
  else
    token = read_token(source.file);
  const bool fits = !token.empty() && std::all_of(token.begin(), token.end(),
                                                  [](char c) { return c > 0x20 && c < 0x7f; });
  if (!fits)
    throw Failed("invalid/access.iap.token.malformed", "the token is empty or not printable");
  co_return token;
}

}  // namespace hyops::iap
