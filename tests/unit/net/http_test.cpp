// The HTTP client against a real server that is slow, dead, too talkative or somewhere else.
#include "net/http.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "unit/net/http_server.hpp"

namespace hyops::net {
namespace {

HttpRequest to(const HttpServer& server, const std::string& path = "/") {
  HttpRequest request;
  request.url = server.url(path);
  request.allowed_hosts = {server.host()};
  request.pause_ms = 1;
  return request;
}

template <class T>
std::string code(const Result<T>& result) {
  return result ? "ok" : result.error().code;
}

TEST(Http, carries_method_headers_and_body_and_brings_the_answer) {
  HttpServer server([](const Request& asked) {
    auto out = HttpServer::answer(201, "made " + asked.body());
    out.set("X-Thing", "7");
    return std::optional(out);
  });
  auto request = to(server, "/v1/things");
  request.method = "POST";
  request.body = "{\"name\":\"db\"}";
  request.headers["Idempotency-Key"] = "k1";
  HttpClient client;
  auto answer = client.send(request);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->headers["x-thing"], "7");
  EXPECT_EQ(answer->body, "made {\"name\":\"db\"}");
  const auto seen = server.requests().at(0);
  EXPECT_EQ(seen["Idempotency-Key"], "k1");
  EXPECT_EQ(seen.target(), "/v1/things");
}

TEST(Http, records_every_attempt_and_no_secret) {
  HttpServer server([](const Request&) { return std::optional(HttpServer::answer(200, "12345")); });
  auto request = to(server, "/x?token=hunter2&page=3#part");
  request.bearer = Secret("hunter2");
  std::vector<HttpRecord> lines;
  HttpClient client;
  ASSERT_TRUE(client.send(request, [&](const HttpRecord& line) { lines.push_back(line); }));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].url, server.url("/x?token=...&page=..."));
  EXPECT_EQ(lines[0].status, 200);
  EXPECT_EQ(lines[0].bytes, 5);
  EXPECT_EQ(to_json(lines[0]).dump().find("hunter2"), std::string::npos);
  EXPECT_EQ(server.requests().at(0)["Authorization"], "Bearer hunter2");
}

TEST(Http, sends_nothing_to_a_host_that_is_not_allowed) {
  HttpServer server([](const Request&) { return std::optional(HttpServer::answer(200)); });
  HttpClient client;
  for (const std::string& allowed :
       {std::string("127.0.0.1:1"), std::string("example.org"), std::string()}) {
    auto request = to(server);
    request.allowed_hosts = {allowed};
    EXPECT_EQ(code(client.send(request)), "net.host.denied");
  }
  auto disguised = to(server);
  disguised.url = "http://" + server.host() + "@" + server.host() + "/";
  EXPECT_EQ(code(client.send(disguised)), "net.url");
  EXPECT_TRUE(server.requests().empty());
}

TEST(Http, follows_no_redirect) {
  HttpServer elsewhere([](const Request&) { return std::optional(HttpServer::answer(200)); });
  HttpServer server([&](const Request&) {
    auto out = HttpServer::answer(302);
    out.set("Location", elsewhere.url("/stolen"));
    return std::optional(out);
  });
  auto request = to(server);
  request.bearer = Secret("token");
  HttpClient client;
  auto answer = client.send(request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 302);
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST(Http, uses_no_proxy_of_the_environment) {
  HttpServer server([](const Request&) { return std::optional(HttpServer::answer(200)); });
  const std::string dead = "http://" + dead_host();
  ::setenv("http_proxy", dead.c_str(), 1);
  ::setenv("ALL_PROXY", dead.c_str(), 1);
  HttpClient client;
  EXPECT_EQ(code(client.send(to(server))), "ok");
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
}

TEST(Http, says_that_nothing_listens_and_tries_again_as_often_as_it_may) {
  HttpRequest request;
  const auto dead = dead_host();
  request.url = "http://" + dead + "/";
  request.allowed_hosts = {dead};
  request.pause_ms = 1;
  int attempts = 0;
  HttpClient client;
  EXPECT_EQ(code(client.send(request, [&](const HttpRecord&) { ++attempts; })), "net.connect");
  EXPECT_EQ(attempts, 3);
  attempts = 0;
  request.method = "POST";
  EXPECT_EQ(code(client.send(request, [&](const HttpRecord&) { ++attempts; })), "net.connect");
  EXPECT_EQ(attempts, 1) << "a POST without an idempotency key may have taken effect";
}

TEST(Http, repeats_what_is_unavailable_for_a_moment) {
  int asked = 0;
  HttpServer server(
      [&](const Request&) { return std::optional(HttpServer::answer(++asked < 3 ? 503 : 200)); });
  HttpClient client;
  auto answer = client.send(to(server));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(asked, 3);
}

TEST(Http, gives_up_on_a_silent_peer_at_the_deadline) {
  HttpServer server([](const Request&) { return std::optional<Response>(); });
  auto request = to(server);
  request.deadline_ms = system_clock().mono_ms() + 50;
  HttpClient client;
  EXPECT_EQ(code(client.send(request)), "net.deadline");
}

TEST(Http, stops_when_cancelled) {
  HttpServer server([](const Request&) { return std::optional<Response>(); });
  HttpClient client;
  EXPECT_EQ(code(client.send(to(server), {}, [&] { return !server.requests().empty(); })),
            "net.cancelled");
}

TEST(Http, takes_no_more_than_it_was_told) {
  HttpServer server([](const Request&) {
    return std::optional(HttpServer::answer(200, std::string(100'000, 'x')));
  });
  auto request = to(server);
  request.max_body = 99'999;
  HttpClient client;
  EXPECT_EQ(code(client.send(request)), "net.too_large");
  request.max_body = 100'000;
  EXPECT_EQ(code(client.send(request)), "ok");
}

TEST(Http, lets_no_header_break_out_of_its_line) {
  HttpServer server([](const Request&) { return std::optional(HttpServer::answer(200)); });
  HttpClient client;
  auto request = to(server);
  request.headers["X-A"] = "1\r\nAuthorization: Bearer stolen";
  EXPECT_EQ(code(client.send(request)), "net.url");
  request = to(server);
  request.method = "GET / HTTP/1.1\r\nX:";
  EXPECT_EQ(code(client.send(request)), "net.url");
  EXPECT_TRUE(server.requests().empty());
}

TEST(Http, knows_where_a_url_leads) {
  EXPECT_EQ(*authority_of("https://API.Example/x"), "api.example:443");
  EXPECT_EQ(*authority_of("http://10.77.3.1:7077"), "10.77.3.1:7077");
  EXPECT_EQ(code(authority_of("file:///etc/passwd")), "net.url");
  EXPECT_EQ(code(authority_of("not a url")), "net.url");
}

}  // namespace
}  // namespace hyops::net
