// The command line's way to the running daemon.
#include "admin_client.hpp"

#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace hyops::labd {

namespace http = boost::beast::http;

Result<Json> AdminClient::request(const std::string& method, const std::string& target,
                                  const Json& body, const std::string& key) const {
  try {
    boost::asio::io_context context;
    using boost::asio::local::stream_protocol;
    stream_protocol::socket socket(context);
    socket.connect(stream_protocol::endpoint(paths_.socket().string()));
    http::request<http::string_body> request;
    request.method_string(method);
    request.target(target);
    request.version(11);
    request.set(http::field::host, "labd");
    if (!key.empty()) request.set("Idempotency-Key", key);
    if (!body.is_null()) request.body() = body.dump();
    request.prepare_payload();
    http::write(socket, request);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    auto answer = Json::parse(response.body());
    if (response.result_int() < 400) return answer;
    return fail(static_cast<int>(response.result_int()), answer.value("code", ""),
                answer.value("message", ""), answer.value("next", ""));
  } catch (const std::exception& e) {
    return fail(503, "lab.down",
                "the lab's daemon does not answer at " + paths_.socket().string() + ": " + e.what(),
                "bring it up: hyops-labd up --dir " + paths_.dir.string());
  }
}

Result<Json> AdminClient::wait(const std::string& operation) const {
  for (;;) {
    auto answer = request("GET", "/v1/operations/" + operation);
    if (!answer) return answer;
    const auto state = answer->value("state", "");
    if (state == "done") return answer->value("result", Json());
    if (state == "failed") {
      const auto error = answer->value("error", Json::object());
      return fail(500, error.value("code", ""), error.value("message", ""),
                  error.value("next", ""));
    }
    poll(nullptr, 0, 20);  // operations take hundreds of milliseconds; the API has no push
  }
}

}  // namespace hyops::labd
