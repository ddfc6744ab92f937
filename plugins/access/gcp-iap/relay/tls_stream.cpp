// The one user of Boost.Asio's TLS.
#include "tls_stream.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hyops::iap {

namespace asio = boost::asio;

struct TlsStream::Ssl {
  asio::ssl::stream<asio::ip::tcp::socket> stream;
};

TlsStream::TlsStream(asio::ip::tcp::socket socket, asio::ssl::context& context)
    : ssl_(new Ssl{{std::move(socket), context}}) {}
TlsStream::~TlsStream() = default;

TlsStream::executor_type TlsStream::get_executor() noexcept { return ssl_->stream.get_executor(); }
asio::ip::tcp::socket& TlsStream::socket() { return ssl_->stream.next_layer(); }

asio::awaitable<void> TlsStream::handshake(const std::string& server_name, Error& error) {
  if (!server_name.empty()) {
    ssl_->stream.set_verify_mode(asio::ssl::verify_peer);
    ssl_->stream.set_verify_callback(asio::ssl::host_name_verification(server_name));
    Error no_address;
    (void)asio::ip::make_address(server_name, no_address);
    if (no_address)  // an address is no name to ask for (RFC 6066)
      SSL_set_tlsext_host_name(ssl_->stream.native_handle(), server_name.c_str());
  }
  co_await ssl_->stream.async_handshake(
      server_name.empty() ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
      asio::redirect_error(asio::use_awaitable, error));
}

std::string TlsStream::why() const {
  const long verdict = SSL_get_verify_result(ssl_->stream.native_handle());
  return verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict);
}

void TlsStream::read(asio::mutable_buffer into, Done done) {
  ssl_->stream.async_read_some(asio::mutable_buffers_1(into), std::move(done));
}

void TlsStream::write(size_t bytes, Done done) {
  ssl_->stream.async_write_some(asio::const_buffers_1(record_.data(), bytes), std::move(done));
}

void TlsStream::post(Done done) {
  asio::post(get_executor(), [done = std::move(done)] { done({}, 0); });
}

}  // namespace hyops::iap
