// From an HTTP request to the method of the lab that answers it.
#include "api.hpp"

#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <vector>

namespace hyops::labd {
namespace {

namespace http = boost::beast::http;

// "/v1/hosts/db" -> {"v1", "hosts", "db"}; parts with anything but plain characters match no route.
std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty() && path[0] == '/') {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

// The value of `key` in the query, percent-decoded; empty when absent.
std::string query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.size() <= key.size() || !pair.starts_with(key) || pair[key.size()] != '=') continue;
    std::string value;
    const auto raw = pair.substr(key.size() + 1);
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '%' && i + 2 < raw.size() && isxdigit(static_cast<unsigned char>(raw[i + 1])) &&
          isxdigit(static_cast<unsigned char>(raw[i + 2]))) {
        value += static_cast<char>(std::stoi(std::string(raw.substr(i + 1, 2)), nullptr, 16));
        i += 2;
      } else {
        value += raw[i];
      }
    }
    return value;
  }
  return {};
}

std::string header(const HttpRequest& request, std::string_view name) {
  const auto found = request.find(boost::beast::string_view(name.data(), name.size()));
  return found == request.end() ? std::string()
                                : std::string(found->value().data(), found->value().size());
}

// Takes as long for a nearly right token as for a wrong one.
bool same_token(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

tl::unexpected<Failure> no_route() {
  return fail(404, "api.unknown", "the API has no such address",
              "README.md of labd has the table of all requests");
}

tl::unexpected<Failure> no_method() {
  return fail(405, "api.method", "this address does not take this method",
              "README.md of labd has the table of all requests");
}

}  // namespace

Done Api::authorize(const Caller& caller, const HttpRequest& request) const {
  if (caller.admin()) return {};
  const auto given = header(request, "Authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (given.starts_with(scheme) &&
      same_token(given.substr(scheme.size()), tokens_.at(std::string(caller.zone->name)))) {
    return {};
  }
  return fail(401, "auth.token",
              "the request carries no valid token of zone " + std::string(caller.zone->name),
              "send Authorization: Bearer TOKEN; root prints it with hyops-labd token " +
                  std::string(caller.zone->name));
}

Result<Reply> Api::route(const Caller& caller, const HttpRequest& request) {
  if (auto done = authorize(caller, request); !done) return tl::make_unexpected(done.error());
  const std::string_view target(request.target().data(), request.target().size());
  const auto mark = std::min(target.find('?'), target.size());
  const auto query = target.substr(std::min(mark + 1, target.size()));
  const auto parts = parts_of(target.substr(0, mark));
  if (parts.size() < 2 || parts[0] != "v1" || parts.size() > 4) return no_route();
  const std::string& noun = parts[1];
  const std::string name = parts.size() > 2 ? parts[2] : "";
  const std::string verb = parts.size() > 3 ? parts[3] : "";
  const bool get = request.method() == http::verb::get, post = request.method() == http::verb::post;
  const bool put = request.method() == http::verb::put,
             del = request.method() == http::verb::delete_;

  auto body = parse_body(request.body());
  if (!body) return tl::make_unexpected(body.error());
  if (const auto token = header(request, "X-Fencing-Token"); !token.empty() && !get) {
    auto parsed = parse_lane_token(token);
    if (!parsed) return tl::make_unexpected(parsed.error());
    if (auto done = lab_.check_fencing(*parsed); !done) return tl::make_unexpected(done.error());
  }

  if (noun == "hosts" && parts.size() == 2) {
    return get    ? lab_.list_hosts(caller)
           : post ? lab_.place(caller, *body, header(request, "Idempotency-Key"))
                  : no_method();
  }
  if (noun == "hosts" && parts.size() == 3) {
    return get ? lab_.show_host(caller, name) : del ? lab_.release(caller, name) : no_method();
  }
  if (noun == "hosts" && verb == "power")
    return post ? lab_.set_power(caller, name, *body) : no_method();
  if (noun == "hosts" && verb == "console") return get ? lab_.console(caller, name) : no_method();
  if (parts.size() > 3) return no_route();
  if (noun == "operations") {
    if (!get) return no_method();
    return name.empty() ? lab_.find_operation(caller, query_value(query, "key"))
                        : lab_.show_operation(caller, name);
  }
  if (noun == "images") return get ? lab_.list_images(caller) : no_method();
  if (noun == "probes" && name.empty()) return post ? lab_.probe(caller, *body) : no_method();
  if (noun == "firewall" && name.empty()) {
    return get ? lab_.list_ports(caller) : post ? lab_.open_port(caller, *body) : no_method();
  }
  if (noun == "firewall") return del ? lab_.close_port(caller, name) : no_method();
  if (noun == "egress" && name.empty()) return get ? lab_.list_egress(caller) : no_method();
  if (noun == "egress") {
    return put   ? lab_.put_egress(caller, name, *body)
           : get ? lab_.show_egress(caller, name)
           : del ? lab_.remove_egress(caller, name)
                 : no_method();
  }
  if (noun == "isolation" && !name.empty()) {
    return put   ? lab_.isolate(caller, name, *body)
           : get ? lab_.show_isolation(caller, name)
           : del ? lab_.end_isolation(caller, name)
                 : no_method();
  }
  if (noun == "faults" && caller.admin()) return post ? lab_.fault(*body) : no_method();
  if (noun == "lab" && caller.admin()) return get ? lab_.status() : no_method();
  return no_route();
}

HttpResponse Api::answer(const Caller& caller, const HttpRequest& request) {
  HttpResponse response;
  response.version(request.version());
  response.set(http::field::server, "hyops-labd");
  response.set(http::field::content_type, "application/json");
  response.keep_alive(request.keep_alive());
  Result<Reply> reply = fail(500, "internal", "unexpected");
  try {
    reply = route(caller, request);
  } catch (
      const std::exception& e) {  // the fence against a library's exception, not a way of control
    reply = fail(500, "internal", std::string("unexpected: ") + e.what());
  }
  if (reply) {
    response.result(static_cast<unsigned>(reply->status));
    response.body() = reply->body.dump() + "\n";
  } else {
    const auto& failure = reply.error();
    response.result(static_cast<unsigned>(failure.status));
    // "replace": a failure may quote bytes of the request that are not UTF-8
    const Json error{{"code", failure.code}, {"message", failure.message}, {"next", failure.next}};
    response.body() = error.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  response.prepare_payload();
  return response;
}

}  // namespace hyops::labd
