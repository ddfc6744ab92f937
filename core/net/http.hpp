// One HTTP request at a time through libcurl, with everything that could surprise switched off.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"

namespace hyops::net {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https; no user or password in it
  std::vector<std::string>
      allowed_hosts;  // "host:port" or "host" (any port); empty: nothing is allowed
  std::map<std::string, std::string> headers;
  std::string body;
  std::optional<Secret> bearer;  // becomes the Authorization header, and is in no record
  std::string unix_socket;       // talk to this socket instead of the host
  std::string ca_file;           // instead of the system's certificates
  int64_t timeout_ms = 30'000;   // of one attempt
  int64_t connect_timeout_ms = 5'000;
  int64_t deadline_ms = 0;  // of all attempts, on Clock::mono_ms(); 0 = none
  size_t max_body = 15u << 20;
  bool repeatable = false;  // safe to repeat though the method is not (idempotency key)
  int attempts = 3;         // in all; only of repeatable requests, only for net.* and 502-504
  int64_t pause_ms = 200;   // before the second attempt, doubling
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of repeated ones the last
  std::string body;
};

// One line for every attempt; never a header, a body, or the value of a query parameter.
struct HttpRecord {
  std::string method, url;
  int status = 0;                  // 0: no answer
  int64_t started_ms = 0, ms = 0;  // wall clock; duration
  int64_t bytes = 0;               // of the answer's body
  int attempt = 1;
  std::string error;  // code, empty when there was an answer
};
Json to_json(const HttpRecord& record);

// The host and port a URL leads to: "api.example:443". net.url.
Result<std::string> authority_of(const std::string& url);
std::string without_query_values(const std::string& url);

class HttpClient {
 public:
  explicit HttpClient(const Clock& clock = system_clock()) : clock_(clock) {}
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // An answer is an answer, whatever its status. Redirects are never followed: the answer is the
  // 3xx. Errors: net.url, net.host.denied, net.resolve, net.connect, net.tls, net.deadline,
  // net.cancelled, net.too_large, net.broken. One call at a time; connections are kept for the next
  // one.
  Result<HttpAnswer> send(const HttpRequest& request,
                          const std::function<void(const HttpRecord&)>& record = {},
                          const std::function<bool()>& cancelled = {});

 private:
  Result<HttpAnswer> attempt(const HttpRequest& request, int64_t timeout_ms,
                             const std::function<bool()>& cancelled);
  const Clock& clock_;
  void* curl_ = nullptr;  // CURL*, for curl.h stays in http.cpp
};

}  // namespace hyops::net
