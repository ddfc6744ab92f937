// A plugin's requests are as hostile as its answers: each names what it wants, and gets what was
// declared.
#include "plugin/host_services.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "plugin/exec_service.hpp"
#include "plugin/stream_service.hpp"

namespace hyops::plugin {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

Failure refused(const std::string& id, const std::string& service) {
  return fail("plugin.service.refused", id + " was not given " + service + " for this call");
}

Frame ok(Json json = Json::object(), std::string bytes = {}) {
  return {{{"t", "ok"}, {"json", std::move(json)}}, std::move(bytes)};
}

}  // namespace

HostServices::HostServices(Services services, const Manifest& manifest, const Json& config,
                           const Clock& clock)
    : services_(std::move(services)),
      clock_(clock),
      id_(manifest.id),
      granted_(manifest.services),
      secrets_(secrets_of(manifest, config)),
      programs_(manifest),
      client_(clock) {
  for (auto& host : configured(manifest.http_hosts, config)) {
    auto authority = net::authority_of(host);  // of a configured URL
    hosts_.push_back(authority ? *authority : std::move(host));
  }
}

Frame HostServices::answer(const Frame& asked, int64_t deadline_ms,
                           const std::function<bool()>& cancelled) {
  auto done = serve(asked, deadline_ms, cancelled);
  if (done) return std::move(*done);
  const Error& error = done.error();
  return {{{"t", "error"},
           {"class", name(error.kind)},
           {"code", error.code},
           {"message", error.message}},
          {}};
}

void HostServices::log(std::string_view level, const std::string& text) const {
  if (services_.log) services_.log(level, printable(text, 4000));
}

Result<Frame> HostServices::serve(const Frame& asked, int64_t deadline_ms,
                                  const std::function<bool()>& cancelled) {
  const std::string id = get_string(asked.head, "id");
  if (!contains(granted_, id)) return refused(id_, printable(id, 60));
  if (id == "hyops.clock/1")
    return ok({{"wall_ms", clock_.wall_ms()}, {"mono_ms", clock_.mono_ms()}});
  const std::string_view bytes = asked.bytes;
  const auto n = static_cast<uint64_t>(std::max<int64_t>(0, get_int(asked.head, "n")));
  if (n > bytes.size())
    return fail("plugin.service.request", id + " was asked with a broken request");
  if (id == "hyops.secret_sink/1") return sink(asked, bytes);
  if (id == "hyops.unseal/1") return unseal(bytes);
  auto request = parse_json(bytes.substr(0, n), "the request to " + id, max_frame);
  if (!request) return fail("plugin.service.request", request.error().message);
  if (!request->is_object())
    return fail("plugin.service.request", "the request to " + id + " is not an object");
  if (id == "hyops.http/1")
    return http(*request, std::string(bytes.substr(n)), deadline_ms, cancelled);
  if (id == "hyops.exec/1") return exec(*request, deadline_ms, cancelled);
  if (id == "hyops.stream/1") return stream(get_string(asked.head, "verb"), *request);
  return refused(id_, id);
}

Result<Frame> HostServices::http(const Json& request, std::string body, int64_t deadline_ms,
                                 const std::function<bool()>& cancelled) {
  net::HttpRequest out;
  out.method = get_string(request, "method", "GET");
  out.url = get_string(request, "url");
  out.allowed_hosts = hosts_;
  out.body = std::move(body);
  out.timeout_ms = std::clamp<int64_t>(get_int(request, "timeout_ms", 30'000), 1, 600'000);
  out.repeatable = get_bool(request, "repeatable");
  out.deadline_ms = deadline_ms;
  const Json headers = request.value("headers", Json::object());
  for (const auto& [name, value] : headers.items())
    if (value.is_string()) out.headers[name] = value.get<std::string>();
  if (const auto auth = request.find("auth"); auth != request.end()) {
    const std::string secret = get_string(*auth, "secret");
    if (get_string(*auth, "scheme") != "bearer")
      return fail("plugin.service.request", "the only scheme of hyops.http/1 is bearer");
    if (!contains(secrets_, secret))
      return fail("plugin.service.secret", id_ + " asked for the secret \"" +
                                               printable(secret, 60) +
                                               "\", which its configuration does not name");
    if (!services_.secret) return refused(id_, "secrets");
    auto value = services_.secret(secret);
    if (!value) return pass(value);
    out.bearer = std::move(*value);
  }
  auto answer = client_.send(
      out,
      [&](const net::HttpRecord& line) {
        if (services_.http_record) services_.http_record(to_json(line));
      },
      cancelled);
  if (!answer) return pass(answer);
  return ok({{"status", answer->status}, {"headers", answer->headers}}, std::move(answer->body));
}

Result<std::map<std::string, std::string>> HostServices::named_secrets(const Json& request) const {
  std::map<std::string, std::string> named;
  const Json wanted = request.value("secrets", Json::object());
  for (const auto& [mark, secret] : wanted.items()) {
    if (!secret.is_string() || !contains(secrets_, secret.get<std::string>()))
      return fail("plugin.service.secret", id_ + " asked for the secret " +
                                               printable(secret.dump(), 60) +
                                               ", which its configuration does not name");
    named[mark] = secret.get<std::string>();
  }
  return named;
}

Result<Frame> HostServices::exec(const Json& request, int64_t deadline_ms,
                                 const std::function<bool()>& cancelled) {
  const int64_t left = deadline_ms ? deadline_ms - clock_.mono_ms() : 600'000;
  if (left <= 0)
    return fail("net.deadline", "the deadline has passed before the executable was started");
  const int64_t began = clock_.mono_ms();
  auto named = named_secrets(request);
  if (!named) return pass(named);
  std::map<std::string, Secret> secrets;
  for (const auto& [mark, name] : *named) {
    if (!services_.secret) return refused(id_, "secrets");
    auto value = services_.secret(name);
    if (!value) return pass(value);
    secrets.emplace(mark, std::move(*value));
  }
  // Also this one is kept from the credentials of the machine where nobody declared otherwise (K7).
  const auto guard = process::keep_from_metadata(metadata_);
  auto done = run_declared(request, programs_, services_.exec_values, secrets, guard.cgroup(), left,
                           cancelled);
  if (services_.exec_record) {
    Json line{{"argv", request.value("argv", Json::array())},
              {"code", done ? get_int(*done, "code") : -1},
              {"signal", done ? get_int(*done, "signal") : 0},
              {"error", done ? std::string() : done.error().code},
              {"ms", clock_.mono_ms() - began},
              {"metadata", process::name(guard.metadata)}};
    if (!guard.why_open.empty()) line["metadata_open"] = guard.why_open;
    services_.exec_record(line);
  }
  if (!done) return pass(done);
  return ok(std::move(*done));
}

Result<Frame> HostServices::stream(const std::string& verb, const Json& request) {
  if (services_.streams.folder.empty()) return refused(id_, "hyops.stream/1");
  if (auto named = named_secrets(request); !named) return pass(named);
  Streams streams(services_.streams, services_.secret);
  const std::string name = get_string(request, "name");
  if (!is_name(name)) return fail("plugin.service.request", "hyops.stream/1 needs a name");
  auto done = verb == "open"
                  ? streams.open(key_, name, request, programs_, services_.exec_values, metadata_)
              : verb == "observe" ? streams.observe(key_, name)
              : verb == "close"
                  ? streams.close(key_, name)
                  : Result<Json>(fail("plugin.service.request",
                                      "hyops.stream/1 has no verb " + printable(verb, 40)));
  if (verb != "observe" && services_.exec_record) {
    Json line{{"stream", name},
              {"verb", verb},
              {"argv", request.value("argv", Json::array())},
              {"port", done ? get_int(*done, "port") : 0},
              {"error", done ? std::string() : done.error().code}};
    if (done && verb == "open") line.update(streams.metadata(key_, name));
    services_.exec_record(line);
  }
  if (!done) return pass(done);
  return ok(std::move(*done));
}

Result<Frame> HostServices::sink(const Frame& asked, std::string_view value) {
  if (!services_.sink) return refused(id_, "hyops.secret_sink/1");
  auto taken = services_.sink(get_string(asked.head, "name"), get_string(asked.head, "version"),
                              Secret(value));
  if (!taken) return pass(taken);
  return ok();
}

Result<Frame> HostServices::unseal(std::string_view sealed) {
  if (!services_.unseal) return refused(id_, "hyops.unseal/1");
  auto opened = services_.unseal(sealed);
  if (!opened) return pass(opened);
  return ok(Json::object(), std::string(opened->reveal()));
}

}  // namespace hyops::plugin
