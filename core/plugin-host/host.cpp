// Every function here is called by a plugin: arguments are its own and are only ever sent on.
#include "plugin-host/host.hpp"

#include <algorithm>

#include "base/secret.hpp"

namespace hyops::plugin_host {
namespace {

using plugin::Frame;

const Host& of(const hyops_host* host) { return *reinterpret_cast<const Host*>(host); }
const Call& of(const hyops_call* call) { return *reinterpret_cast<const Call*>(call); }
hyops_bytes bytes(const std::string& text) { return {text.data(), text.size()}; }

// --- the call
// -------------------------------------------------------------------------------------

void emit(hyops_call* call, hyops_bytes json) noexcept {
  of(call).wire->tell({{{"t", "emit"}}, std::string(view(json))});
}

void refuse(hyops_call* call, hyops_bytes code, hyops_bytes message) noexcept {
  of(call).wire->tell({{{"t", "fail"}, {"code", view(code)}, {"message", view(message)}}, {}});
}

void progress(hyops_call* call, uint32_t permille, hyops_bytes note) noexcept {
  of(call).wire->tell(
      {{{"t", "progress"}, {"permille", std::min(permille, 1000u)}, {"note", view(note)}}, {}});
}

int32_t cancelled(const hyops_call* call) noexcept { return of(call).wire->cancelled() ? 1 : 0; }
int64_t left_ms(const hyops_call* call) noexcept { return of(call).wire->left_ms(); }
hyops_bytes about(const hyops_call* call) noexcept { return bytes(of(call).about); }
int32_t wait(hyops_call* call, int64_t ms) noexcept { return of(call).wire->pause(ms) ? 1 : 0; }

// --- the services
// ---------------------------------------------------------------------------------

void answer(const Frame& got, const hyops_answer* to) {
  if (got.type() == "ok") {
    const std::string json = got.head.value("json", Json::object()).dump();
    to->ok(to->context, bytes(json), bytes(got.bytes));
    return;
  }
  const std::string kind = get_string(got.head, "class"), code = get_string(got.head, "code"),
                    message = get_string(got.head, "message");
  to->error(to->context, bytes(kind), bytes(code), bytes(message));
}

// One request with a document and bytes; `verb` where the service has several. What passed through
// this process is wiped: it may be secret.
void ask(const hyops_host* host, const char* id, hyops_bytes document, hyops_bytes payload,
         const hyops_answer* to, const char* verb = "") {
  Frame frame{{{"t", "service"}, {"id", id}, {"n", document.size}, {"verb", verb}}, {}};
  frame.bytes.reserve(document.size + payload.size);
  frame.bytes.append(view(document)).append(view(payload));
  Frame got = of(host).wire->ask(frame);
  wipe(frame.bytes.data(), frame.bytes.size());
  answer(got, to);
  wipe(got.bytes.data(), got.bytes.size());
}

void http(const hyops_host* host, hyops_bytes request, hyops_bytes body,
          const hyops_answer* to) noexcept {
  ask(host, "hyops.http/1", request, body, to);
}

void exec(const hyops_host* host, hyops_bytes request, const hyops_answer* to) noexcept {
  ask(host, "hyops.exec/1", request, {}, to);
}

void unseal(const hyops_host* host, hyops_bytes sealed, const hyops_answer* to) noexcept {
  ask(host, "hyops.unseal/1", {}, sealed, to);
}

constexpr const char* stream_id = "hyops.stream/1";
void open_stream(const hyops_host* host, hyops_bytes request, const hyops_answer* to) noexcept {
  ask(host, stream_id, request, {}, to, "open");
}
void observe_stream(const hyops_host* host, hyops_bytes request, const hyops_answer* to) noexcept {
  ask(host, stream_id, request, {}, to, "observe");
}
void close_stream(const hyops_host* host, hyops_bytes request, const hyops_answer* to) noexcept {
  ask(host, stream_id, request, {}, to, "close");
}

int32_t put_secret(const hyops_host* host, hyops_bytes name, hyops_bytes version,
                   hyops_bytes value) noexcept {
  Frame frame{{{"t", "service"},
               {"id", "hyops.secret_sink/1"},
               {"n", 0},
               {"name", view(name)},
               {"version", view(version)}},
              std::string(view(value))};
  const Frame got = of(host).wire->ask(frame);
  wipe(frame.bytes.data(), frame.bytes.size());
  return got.type() == "ok" ? 0 : 1;
}

void write_log(const hyops_host* host, int32_t level, hyops_bytes text) noexcept {
  static constexpr const char* names[] = {"debug", "info", "warning", "error"};
  of(host).wire->tell(
      {{{"t", "log"}, {"level", names[std::clamp(level, 0, 3)]}, {"text", view(text)}}, {}});
}

// The core's clock, not this process's: a replay decides what time it is.
int64_t ask_clock(const hyops_host* host, const char* which) {
  const Frame got = of(host).wire->ask({{{"t", "service"}, {"id", "hyops.clock/1"}, {"n", 0}}, {}});
  return get_int(got.head.value("json", Json::object()), which);
}
int64_t wall_ms(const hyops_host* host) noexcept { return ask_clock(host, "wall_ms"); }
int64_t mono_ms(const hyops_host* host) noexcept { return ask_clock(host, "mono_ms"); }

constexpr hyops_log_v1 log_table{sizeof(hyops_log_v1), 0, write_log};
constexpr hyops_clock_v1 clock_table{sizeof(hyops_clock_v1), 0, wall_ms, mono_ms};
constexpr hyops_http_v1 http_table{sizeof(hyops_http_v1), 0, http};
constexpr hyops_exec_v1 exec_table{sizeof(hyops_exec_v1), 0, exec};
constexpr hyops_secret_sink_v1 sink_table{sizeof(hyops_secret_sink_v1), 0, put_secret};
constexpr hyops_unseal_v1 unseal_table{sizeof(hyops_unseal_v1), 0, unseal};
constexpr hyops_stream_v1 stream_table{sizeof(hyops_stream_v1), 0, open_stream, observe_stream,
                                       close_stream};

const void* service(const hyops_host* host, const char* id) noexcept {
  const std::string wanted = id ? id : "";
  if (!of(host).granted.contains(wanted)) return nullptr;
  if (wanted == "hyops.log/1") return &log_table;
  if (wanted == "hyops.clock/1") return &clock_table;
  if (wanted == "hyops.http/1") return &http_table;
  if (wanted == "hyops.exec/1") return &exec_table;
  if (wanted == "hyops.secret_sink/1") return &sink_table;
  if (wanted == "hyops.unseal/1") return &unseal_table;
  if (wanted == stream_id) return &stream_table;
  return nullptr;
}

}  // namespace

Host make_host(Wire& wire, std::set<std::string> granted) {
  return {{sizeof(hyops_host), 0, service}, &wire, std::move(granted)};
}

Call make_call(Wire& wire, std::string about_text) {
  return {{sizeof(hyops_call_v1), 0, emit, refuse, progress, cancelled, left_ms, about, wait},
          &wire,
          std::move(about_text)};
}

}  // namespace hyops::plugin_host
