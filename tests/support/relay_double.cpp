// One thread, one coroutine for each direction of each connection, and one for each session's port.
#include "support/relay_double.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include "tls_stream.hpp"

namespace hyops::tests {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::redirect_error;
using asio::use_awaitable;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using WebSocket = websocket::stream<iap::TlsStream, false>;

// A key and a certificate that signs itself, good for a day.
void make_certificate(const std::string& names, const std::filesystem::path& key_file,
                      const std::filesystem::path& file) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>("relay double");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  for (const auto& [id, value] : {std::pair{NID_basic_constraints, "critical,CA:TRUE"},
                                  {NID_subject_alt_name, names.c_str()}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate, key, EVP_sha256());
  FILE* out = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  out = std::fopen(file.c_str(), "w");
  PEM_write_X509(out, certificate);
  std::fclose(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

// "/v4/connect?a=1&b=2"
struct Request {
  std::string path;
  std::map<std::string, std::string> query;

  explicit Request(const std::string& target) {
    const size_t mark = std::min(target.find('?'), target.size());
    path = target.substr(0, mark);
    std::istringstream pairs(target.substr(std::min(mark + 1, target.size())));
    for (std::string pair; std::getline(pairs, pair, '&');) {
      const size_t equals = std::min(pair.find('='), pair.size());
      query[pair.substr(0, equals)] = pair.substr(std::min(equals + 1, pair.size()));
    }
  }
  uint64_t number(const char* name) { return query[name].empty() ? 0 : std::stoull(query[name]); }
};

void put(std::string& out, uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(number >> shift & 0xff));
}

uint64_t get(std::string_view text, size_t at, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes && at + i < text.size(); ++i)
    number = number << 8 | static_cast<unsigned char>(text[at + i]);
  return number;
}

std::string message(uint16_t tag, uint64_t number, int bytes, std::string_view rest = {}) {
  std::string out;
  put(out, tag, 2);
  put(out, number, bytes);
  return out.append(rest);
}

// One type of buffers: each costs the compiler seconds.
asio::const_buffer one(const std::string& text) { return {text.data(), text.size()}; }

}  // namespace

struct RelayDouble::Machine {
  struct Connection;
  using Held = std::shared_ptr<Connection>;

  // What outlives a connection.
  struct Session {
    Session(asio::io_context& io, std::string id) : sid(std::move(id)), port(io), room(io) {
      room.expires_at(Clock::time_point::max());
    }
    std::string sid;
    tcp::socket port;
    uint64_t received = 0;  // from the client, written to the port
    std::string kept;       // to the client, from position `begin` on
    uint64_t begin = 0;
    uint64_t kept_from = 0, sent = 0, reached = 0;  // acknowledged by the client, sent, ever sent

    uint64_t end() const { return begin + kept.size(); }
    void forget_until(uint64_t position) {
      kept_from = position;
      if (position - begin < kept.size() / 2) return;  // moving costs
      kept.erase(0, position - begin);
      begin = position;
    }
    bool over = false;        // the port was closed
    asio::steady_timer room;  // cancelled when there is room in `kept` again
    std::weak_ptr<Connection> connection;
  };

  struct Connection {
    Connection(tcp::socket&& socket, asio::ssl::context& tls, asio::io_context& io)
        : stream(std::move(socket), tls), work(io) {}
    WebSocket stream;
    std::shared_ptr<Session> session;
    asio::steady_timer work;  // cancelled: look again
    uint64_t acked = 0;       // of the client's bytes, by us, on this connection
    Clock::time_point last_data{};
    bool closed = false;

    void cut() {
      closed = true;
      auto& socket = stream.next_layer().socket();
      error_code ignored;
      socket.set_option(asio::socket_base::linger(true, 0), ignored);
      socket.close(ignored);
      work.cancel();
    }
  };

  Machine(Behaviour wanted, const std::filesystem::path& folder)
      : behaviour(std::move(wanted)), ca(folder / "relay.crt") {
    make_certificate(behaviour.certificate_for, folder / "relay.key", ca);
    tls.use_certificate_chain_file(ca);
    tls.use_private_key_file(folder / "relay.key", asio::ssl::context::pem);
    asio::co_spawn(io, accept(), asio::detached);
    thread = std::thread([this] { io.run(); });
  }
  ~Machine() {
    io.stop();
    thread.join();
  }

  template <class Change>
  void note(Change change) {
    const std::lock_guard lock(mutex);
    change(seen);
  }
  void violation(const std::string& what) {
    note([&](Seen& s) { s.violations.push_back(what); });
  }

  asio::awaitable<void> accept() {
    for (;;) {
      auto socket = co_await acceptor.async_accept(use_awaitable);
      socket.set_option(tcp::no_delay(true));
      asio::co_spawn(io, serve(std::make_shared<Connection>(std::move(socket), tls, io)),
                     asio::detached);
    }
  }

  asio::awaitable<void> serve(Held held) {
    auto& stream = held->stream;
    error_code error;
    co_await stream.next_layer().handshake("", error);
    if (error) co_return;
    beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    co_await http::async_read(stream.next_layer(), buffer, request,
                              redirect_error(use_awaitable, error));
    if (error) co_return;
    const std::string token(request[http::field::authorization]);
    const auto known = [&](const std::string& each) { return token == "Bearer " + each; };
    const bool down = behaviour.refuse_after-- <= 0;
    if (down || (std::none_of(behaviour.tokens.begin(), behaviour.tokens.end(), known) &&
                 !known(behaviour.stranger))) {
      note([](Seen& s) { ++s.refused; });
      http::response<http::empty_body> refusal(
          down ? http::status::service_unavailable : http::status::unauthorized, 11);
      refusal.prepare_payload();
      co_await http::async_write(stream.next_layer(), refusal,
                                 redirect_error(use_awaitable, error));
      co_return;
    }
    if (request[http::field::origin] != "bot:iap-tunneler") violation("another Origin");
    if (request[http::field::sec_websocket_protocol] != "relay.tunnel.cloudproxy.app")
      violation("another subprotocol");
    stream.set_option(websocket::stream_base::decorator([](websocket::response_type& answer) {
      answer.set(http::field::sec_websocket_protocol, "relay.tunnel.cloudproxy.app");
    }));
    stream.binary(true);
    stream.auto_fragment(false);
    stream.write_buffer_bytes(32 * 1024);
    co_await stream.async_accept(request, redirect_error(use_awaitable, error));
    if (error) co_return;
    Request wanted{std::string(request.target())};
    uint16_t refused = 0;
    if (known(behaviour.stranger))
      refused = 4033;
    else if (wanted.path == "/v4/connect")
      refused = co_await begin(held, wanted);
    else if (wanted.path == "/v4/reconnect")
      refused = co_await resume(held, wanted);
    else
      violation("asks for " + wanted.path);
    if (refused) {
      co_await stream.async_close(websocket::close_reason(uint16_t{refused}),
                                  redirect_error(use_awaitable, error));
      co_return;
    }
    if (held->session) co_await carry(held);
  }

  asio::awaitable<uint16_t> begin(Held held, Request& wanted) {
    note([](Seen& s) { ++s.connects; });
    if (wanted.query["project"] != behaviour.project || wanted.query["zone"] != behaviour.zone ||
        wanted.query["instance"] != behaviour.instance || wanted.query["interface"] != "nic0")
      co_return 4047;
    auto session = std::make_shared<Session>(io, "sid+" + std::to_string(++last_sid) + "/=");
    error_code error;
    const tcp::endpoint at(asio::ip::make_address("127.0.0.1"),
                           static_cast<uint16_t>(wanted.number("port")));
    co_await session->port.async_connect(at, redirect_error(use_awaitable, error));
    if (error) co_return 4003;
    session->port.set_option(tcp::no_delay(true));
    sessions[session->sid] = session;
    attach(held, session);
    asio::co_spawn(io, read_port(session), asio::detached);
    const auto success = message(1, session->sid.size(), 4, session->sid);
    co_await held->stream.async_write(one(success), redirect_error(use_awaitable, error));
    co_return 0;
  }

  asio::awaitable<uint16_t> resume(Held held, Request& wanted) {
    note([](Seen& s) { ++s.reconnects; });
    std::string sid = wanted.query["sid"];  // "sid+1/=" comes escaped
    for (const auto& [escaped, plain] : {std::pair{"%2B", "+"}, {"%2F", "/"}, {"%3D", "="}})
      if (const size_t at = sid.find(escaped); at != std::string::npos) sid.replace(at, 3, plain);
    const auto found = sessions.find(sid);
    if (found == sessions.end()) co_return 4001;
    const auto session = found->second;
    if (const auto former = session->connection.lock()) former->cut();
    const uint64_t ack = wanted.number("ack");
    if (ack < session->kept_from || ack > session->reached) {
      violation("resumes at " + std::to_string(ack) + ", we hold " +
                std::to_string(session->kept_from) + " to " + std::to_string(session->reached));
      co_return 4005;
    }
    session->forget_until(ack);
    note([&](Seen& s) { s.lost += session->reached - ack; });
    session->sent = ack;
    session->room.cancel();
    attach(held, session);
    held->acked = session->received;
    const auto success = message(2, session->received, 8);
    error_code error;
    co_await held->stream.async_write(one(success), redirect_error(use_awaitable, error));
    co_return 0;
  }

  void attach(const Held& held, const std::shared_ptr<Session>& session) {
    held->session = session;
    session->connection = held;
  }

  asio::awaitable<void> carry(Held held) {
    error_code error;
    const auto strange = message(99, 7, 4, "unknown tags are to be ignored");
    co_await held->stream.async_write(one(strange), redirect_error(use_awaitable, error));
    asio::co_spawn(io, write(held), asio::detached);
    beast::flat_buffer buffer;
    while (!held->closed) {
      co_await held->stream.async_read(buffer, redirect_error(use_awaitable, error));
      if (error) break;
      if (!held->stream.got_binary()) violation("sends text");
      const std::string_view all(static_cast<const char*>(buffer.cdata().data()), buffer.size());
      if (get(all, 0, 2) == 4) {
        if (all.size() > 6 + 16384 || all.size() != 6 + get(all, 2, 4))
          violation("sends data of " + std::to_string(all.size()) + " bytes");
        if (co_await fault(held, all.size() - 6)) {  // and these bytes were never here
          note([&](Seen& s) { s.lost += all.size() - 6; });
          break;
        }
        co_await to_port(held, all.substr(6));
      } else if (get(all, 0, 2) == 7 && all.size() == 10) {
        acknowledged(*held->session, get(all, 2, 8));
      } else {
        violation("sends tag " + std::to_string(get(all, 0, 2)));
      }
      buffer.consume(buffer.size());
    }
    held->closed = true;
    held->work.cancel();
    if (error == websocket::error::closed && held->stream.reason().code == 1000) {
      sessions.erase(held->session->sid);
      held->session->port.close(error);
    }
  }

  asio::awaitable<void> to_port(Held held, std::string_view bytes) {
    auto& session = *held->session;
    error_code error;
    co_await asio::async_write(session.port, asio::buffer(bytes),
                               redirect_error(use_awaitable, error));
    if (error && !session.over) {
      co_await held->stream.async_close(websocket::close_reason(uint16_t{4009}),
                                        redirect_error(use_awaitable, error));
      held->closed = true;
      co_return;
    }
    session.received += bytes.size();
    note([&](Seen& s) { s.from_client += bytes.size(); });
    held->last_data = Clock::now();
    held->work.cancel();
  }

  void acknowledged(Session& session, uint64_t position) {
    if (position < session.kept_from || position > session.sent)
      return violation("acknowledges " + std::to_string(position) + " of " +
                       std::to_string(session.kept_from) + " to " + std::to_string(session.sent));
    session.forget_until(position);
    session.room.cancel();
  }

  std::optional<Fault> next_fault(size_t bytes) {
    const std::lock_guard lock(mutex);
    passed += bytes;
    if (behaviour.faults.empty() || passed < behaviour.faults.front().at) return std::nullopt;
    const Fault now = behaviour.faults.front();
    behaviour.faults.erase(behaviour.faults.begin());
    ++seen.cuts;
    return now;
  }

  // The next fault, if these bytes are the ones that it waits for.
  asio::awaitable<bool> fault(Held held, size_t bytes) {
    const auto due = next_fault(bytes);
    if (!due) co_return false;
    const Fault now = *due;
    if (now.forget) sessions.erase(held->session->sid);
    if (now.code) {
      error_code error;
      held->closed = true;
      co_await held->stream.async_close(websocket::close_reason(uint16_t{now.code}),
                                        redirect_error(use_awaitable, error));
    }
    held->cut();
    co_return true;
  }

  asio::awaitable<void> read_port(std::shared_ptr<Session> session) {
    error_code error;
    std::string chunk(64 * 1024, '\0');
    for (;;) {
      while (session->end() - session->kept_from > behaviour.keep)
        co_await session->room.async_wait(redirect_error(use_awaitable, error));
      const size_t got = co_await session->port.async_read_some(
          asio::buffer(chunk), redirect_error(use_awaitable, error));
      if (error) break;
      session->kept.append(chunk, 0, got);
      if (const auto held = session->connection.lock()) held->work.cancel();
    }
    session->over = true;
    if (const auto held = session->connection.lock()) held->work.cancel();
  }

  asio::awaitable<void> write(Held held) {
    auto& session = *held->session;
    error_code error;
    while (!held->closed) {
      const uint64_t owed = session.received - held->acked;
      const bool quiet = Clock::now() - held->last_data > std::chrono::milliseconds(20);
      if (owed >= behaviour.ack_every || (owed > 0 && quiet)) {
        held->acked = session.received;
        const auto ack = message(7, session.received, 8);
        co_await held->stream.async_write(one(ack), redirect_error(use_awaitable, error));
      }
      if (error || held->closed) co_return;
      if (session.sent < session.end()) {
        // Some are as large as the protocol allows, most fill one TLS record.
        const size_t most = session.sent == session.kept_from ? 16384 : 16374;
        const auto bytes =
            std::string_view(session.kept).substr(session.sent - session.begin, most);
        const auto data = message(4, bytes.size(), 4, bytes);
        session.sent += data.size() - 6;
        session.reached = std::max(session.reached, session.sent);
        note([&](Seen& s) { s.to_client += data.size() - 6; });
        if (co_await fault(held, data.size() - 6)) co_return;
        co_await held->stream.async_write(one(data), redirect_error(use_awaitable, error));
        continue;
      }
      if (session.over) {
        sessions.erase(session.sid);
        co_await held->stream.async_close(websocket::close_reason(uint16_t{4010}),
                                          redirect_error(use_awaitable, error));
        co_return;
      }
      if (owed > 0)
        held->work.expires_after(std::chrono::milliseconds(20));
      else
        held->work.expires_at(Clock::time_point::max());
      co_await held->work.async_wait(redirect_error(use_awaitable, error));
      error = {};
    }
  }

  Behaviour behaviour;
  std::filesystem::path ca;
  asio::io_context io{1};
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{io, {asio::ip::make_address("127.0.0.1"), 0}};
  std::map<std::string, std::shared_ptr<Session>> sessions;
  int last_sid = 0;
  uint64_t passed = 0;
  mutable std::mutex mutex;
  Seen seen;
  std::thread thread;
};

RelayDouble::RelayDouble(Behaviour behaviour, const std::filesystem::path& folder)
    : machine_(std::make_unique<Machine>(std::move(behaviour), folder)) {}
RelayDouble::~RelayDouble() = default;

std::string RelayDouble::url(const std::string& host) const {
  return "wss://" + host + ":" + std::to_string(machine_->acceptor.local_endpoint().port()) + "/v4";
}
std::filesystem::path RelayDouble::ca_file() const { return machine_->ca; }
void RelayDouble::break_after(uint64_t bytes, int times) {
  const std::lock_guard lock(machine_->mutex);
  for (int i = 1; i <= times; ++i)
    machine_->behaviour.faults.push_back(
        {machine_->passed + bytes * static_cast<uint64_t>(i), 0, false});
}
RelayDouble::Seen RelayDouble::seen() const {
  const std::lock_guard lock(machine_->mutex);
  return machine_->seen;
}

}  // namespace hyops::tests
