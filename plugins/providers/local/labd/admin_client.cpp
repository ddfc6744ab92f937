// The command line's way to the running daemon.
#include "admin_client.hpp"

#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>

namespace hyops::labd {

namespace http = boost::beast::http;

Result<Json> AdminClient::request(const std::string& method, const std::string& target,
                                  const Json& body, const std::string& key) const {
  using boost::asio::local::stream_protocol;
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, "labd");
  if (!key.empty()) request.set("Idempotency-Key", key);
  if (!body.is_null()) request.body() = body.dump();
  request.prepare_payload();
  try {
    // Asynchronous for the sake of the deadline alone: a blocking read of asio has none.
    boost::asio::io_context context;
    boost::beast::basic_stream<stream_protocol> stream(context);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    boost::system::error_code ended;
    stream.expires_after(std::chrono::milliseconds(answer_ms_));
    const auto keep = [&](const boost::system::error_code& error, size_t = 0) { ended = error; };
    const auto step = [&] {
      context.restart();
      context.run();
      if (ended) throw boost::system::system_error(ended);
    };
    stream.async_connect(stream_protocol::endpoint(paths_.socket().string()), keep);
    step();
    http::async_write(stream, request, keep);
    step();
    http::async_read(stream, buffer, response, keep);
    step();
    auto answer = Json::parse(response.body());
    if (response.result_int() < 400) return answer;
    return fail(static_cast<int>(response.result_int()), answer.value("code", ""),
                answer.value("message", ""), answer.value("next", ""));
  } catch (const boost::system::system_error& e) {
    if (e.code() == boost::beast::error::timeout)
      return fail(504, "lab.silent",
                  "the lab's daemon took " + method + " " + target + " and did not answer within " +
                      std::to_string(answer_ms_) + " ms",
                  "read serve.log in " + paths_.dir.string() +
                      "; if the daemon hangs: hyops-labd down --dir " + paths_.dir.string());
    return down(e.what());
  } catch (const std::exception& e) {
    return down(e.what());
  }
}

tl::unexpected<Failure> AdminClient::down(const std::string& why) const {
  return fail(503, "lab.down",
              "the lab's daemon does not answer at " + paths_.socket().string() + ": " + why,
              "bring it up: hyops-labd up --dir " + paths_.dir.string());
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
