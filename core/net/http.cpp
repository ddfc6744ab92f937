// The only user of libcurl. TLS is always verified; proxies, netrc, cookies and redirects are off.
#include "net/http.hpp"

#include <poll.h>

#include <algorithm>
#include <memory>

#include "base/text.hpp"
#include "net/libcurl.hpp"

namespace hyops::net {
namespace {

struct FreeList {
  void operator()(curl_slist* list) const { libcurl().slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

void append(HeaderList& list, const std::string& line) {
  if (curl_slist* longer = libcurl().slist_append(list.get(), line.c_str())) {
    (void)list.release();
    list.reset(longer);
  }
}

struct Transfer {
  HttpAnswer answer;
  size_t max_body;
  bool too_large = false;
  const std::function<bool()>* cancelled;
};

size_t take_body(char* data, size_t size, size_t count, void* to) noexcept {
  auto& transfer = *static_cast<Transfer*>(to);
  transfer.too_large = transfer.answer.body.size() + size * count > transfer.max_body;
  if (transfer.too_large) return 0;
  transfer.answer.body.append(data, size * count);
  return size * count;
}

size_t take_header(char* data, size_t size, size_t count, void* to) noexcept {
  auto& transfer = *static_cast<Transfer*>(to);
  const std::string_view line(data, size * count);
  const size_t colon = line.find(':');
  if (line.starts_with("HTTP/"))
    transfer.answer.headers.clear();  // what came before was 100 Continue
  if (colon == std::string_view::npos || transfer.answer.headers.size() > 200) return line.size();
  std::string name(line.substr(0, colon));
  for (auto& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' '))
    value.remove_suffix(1);
  transfer.answer.headers[name] = value;
  return line.size();
}

int look_up(void* to, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  const auto& transfer = *static_cast<Transfer*>(to);
  return transfer.cancelled && *transfer.cancelled && (*transfer.cancelled)() ? 1 : 0;
}

bool is_token(const std::string& text, bool spaces) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return spaces ? (c >= ' ' && c != 127) || c == '\t' || c < 0
                  : c > ' ' && c != ':' && c != 127 && c > 0;
  });
}

// A host without a port allows every port of it.
bool is_allowed(const std::string& authority, const std::vector<std::string>& allowed) {
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
    return one == authority || one == authority.substr(0, authority.rfind(':'));
  });
}

bool is_idempotent(const std::string& method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

const char* code_of(CURLcode result, const Transfer& transfer) {
  if (transfer.too_large) return "net.too_large";
  switch (result) {
    case CURLE_URL_MALFORMAT:
      return "net.url";
    case CURLE_COULDNT_RESOLVE_HOST:
      return "net.resolve";
    case CURLE_COULDNT_CONNECT:
      return "net.connect";
    case CURLE_OPERATION_TIMEDOUT:
      return "net.deadline";
    case CURLE_ABORTED_BY_CALLBACK:
      return "net.cancelled";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return "net.tls";
    default:
      return "net.broken";
  }
}

}  // namespace

Json to_json(const HttpRecord& r) {
  return {{"method", r.method},         {"url", r.url},    {"status", r.status},
          {"started_ms", r.started_ms}, {"ms", r.ms},      {"bytes", r.bytes},
          {"attempt", r.attempt},       {"error", r.error}};
}

Result<std::string> authority_of(const std::string& url) {
  const LibCurl& curl = libcurl();
  if (!curl.missing.empty()) return fail("net.broken", curl.missing);
  const std::unique_ptr<CURLU, decltype(curl.url_cleanup)> parts(curl.url(), curl.url_cleanup);
  const auto get = [&](CURLUPart part, unsigned flags = 0) -> std::string {
    char* text = nullptr;
    if (curl.url_get(parts.get(), part, &text, flags) != CURLUE_OK) return {};
    std::string out(text);
    curl.free(text);
    return out;
  };
  if (!parts || curl.url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return fail("net.url", "not a URL: " + printable(without_query_values(url), 200));
  const std::string scheme = get(CURLUPART_SCHEME);
  if ((scheme != "http" && scheme != "https") || !get(CURLUPART_USER).empty() ||
      !get(CURLUPART_PASSWORD).empty())
    return fail("net.url",
                "only http and https URLs without a user are used: " + printable(scheme, 20));
  std::string host = get(CURLUPART_HOST);
  for (auto& c : host) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return host + ":" + get(CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string without_query_values(const std::string& url) {
  const size_t query = url.find('?');
  if (query == std::string::npos) return url.substr(0, url.find('#'));
  std::string out = url.substr(0, query);
  char between = '?';
  for (const auto& pair : split(url.substr(query + 1, url.find('#') - query - 1), '&')) {
    out += between + pair.substr(0, pair.find('=')) +
           (pair.find('=') == std::string::npos ? "" : "=...");
    between = '&';
  }
  return out;
}

HttpClient::~HttpClient() {
  if (curl_) libcurl().easy_cleanup(curl_);
}

Result<HttpAnswer> HttpClient::attempt(const HttpRequest& request, int64_t timeout_ms,
                                       const std::function<bool()>& cancelled) {
  const LibCurl& curl = libcurl();
  const auto set = [&](CURLoption option, auto value) { curl.easy_setopt(curl_, option, value); };
  curl.easy_reset(curl_);  // forgets options, keeps connections
  HeaderList headers;
  for (const auto& [name, value] : request.headers) append(headers, name + ": " + value);
  append(headers, "Expect:");
  std::string authorization;
  if (request.bearer) {
    authorization.reserve(request.bearer->size() + 32);
    authorization.append("Authorization: Bearer ").append(request.bearer->reveal());
    append(headers, authorization);
  }
  char reason[CURL_ERROR_SIZE] = "";
  Transfer transfer{{}, request.max_body, false, &cancelled};
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!request.ca_file.empty()) set(CURLOPT_CAINFO, request.ca_file.c_str());
  if (!request.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::min(request.connect_timeout_ms, timeout_ms)));
  set(CURLOPT_WRITEFUNCTION, take_body);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_HEADERFUNCTION, take_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, look_up);
  set(CURLOPT_XFERINFODATA, &transfer);
  set(CURLOPT_ERRORBUFFER, reason);
  const CURLcode result = curl.easy_perform(curl_);
  set(CURLOPT_ERRORBUFFER, nullptr);
  if (request.bearer) {  // libcurl's list holds a copy of its own
    wipe(authorization.data(), authorization.size());
    for (curl_slist* line = headers.get(); line; line = line->next)
      if (std::string_view(line->data).starts_with("Authorization:"))
        wipe(line->data, std::string_view(line->data).size());
  }
  if (result != CURLE_OK)
    return fail(code_of(result, transfer), request.method + " " +
                                               without_query_values(request.url) + ": " +
                                               (transfer.too_large ? "the answer is too large"
                                                : reason[0]        ? reason
                                                                   : curl.easy_strerror(result)));
  long status = 0;
  curl.easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  transfer.answer.status = static_cast<int>(status);
  return std::move(transfer.answer);
}

Result<HttpAnswer> HttpClient::send(const HttpRequest& request,
                                    const std::function<void(const HttpRecord&)>& record,
                                    const std::function<bool()>& cancelled) {
  const std::string shown = without_query_values(request.url);
  auto authority = authority_of(request.url);
  if (!authority) return pass(authority);
  if (!is_allowed(*authority, request.allowed_hosts))
    return fail("net.host.denied",
                "a request to " + *authority + " is not allowed here; allowed: " +
                    (request.allowed_hosts.empty() ? "nothing" : join(request.allowed_hosts)));
  if (!is_token(request.method, false)) return fail("net.url", "the method is not a word");
  for (const auto& [name, value] : request.headers)
    if (!is_token(name, false) || (!value.empty() && !is_token(value, true)))
      return fail("net.url", "a header would break the request: " + printable(name, 60));
  if (!curl_ && !(curl_ = libcurl().easy_init()))
    return fail("net.broken", "libcurl does not start");
  const bool repeatable = request.repeatable || is_idempotent(request.method);
  int64_t pause = request.pause_ms;
  for (int n = 1;; ++n) {
    const int64_t began = clock_.mono_ms();
    const int64_t left = request.deadline_ms ? request.deadline_ms - began : request.timeout_ms;
    if (left <= 0)
      return fail("net.deadline", request.method + " " + shown + ": the deadline has passed");
    HttpRecord line{request.method, shown, 0, clock_.wall_ms(), 0, 0, n, {}};
    auto answer = attempt(request, std::min(left, request.timeout_ms), cancelled);
    line.ms = clock_.mono_ms() - began;
    if (answer) {
      line.status = answer->status;
      line.bytes = static_cast<int64_t>(answer->body.size());
    } else {
      line.error = answer.error().code;
    }
    if (record) record(line);
    const bool passing = answer ? answer->status >= 502 && answer->status <= 504
                                : answer.error().kind == FailureClass::unavailable;
    const int64_t now = clock_.mono_ms();
    const bool in_time = !request.deadline_ms || now + pause < request.deadline_ms;
    if (!passing || !repeatable || n >= request.attempts || !in_time || (cancelled && cancelled()))
      return answer;
    ::poll(nullptr, 0, static_cast<int>(pause));
    pause *= 2;
  }
}

}  // namespace hyops::net
