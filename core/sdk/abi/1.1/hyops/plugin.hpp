// C++17 glue for a plugin: fences every entry point against exceptions and wraps the host's
// services.
//
//   struct Clouds {
//     Clouds(const hyops::sdk::Host& host, const Json& config);
//     Json apply(hyops::sdk::Call& call, const Json& inputs);   // returns the outputs
//     ...                                                       // one function for each verb
//   };
//   HYOPS_PLUGIN("com.acme.clouds", "1.0.0", Clouds, hyops::sdk::Provider<Clouds>)
//
// Json is any type with a static parse(text) and a dump(): that of hyops/json.hpp, nlohmann's, or
// std::string_view for who wants the text itself and returns text. A verb throws hyops::sdk::Failed
// to fail; anything else it throws becomes internal/sdk.exception.
#ifndef HYOPS_PLUGIN_HPP
#define HYOPS_PLUGIN_HPP

#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "hyops/plugin.h"

namespace hyops::sdk {

inline hyops_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(hyops_bytes b) {
  return b.size ? std::string_view(b.data, b.size) : "";
}

// What a verb throws to fail: "class/area.what" and one sentence (see hyops_call_v1.fail).
struct Failed : std::exception {
  Failed(std::string code_, std::string message_)
      : code(std::move(code_)), message(std::move(message_)) {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string code, message;
};

class Call {
 public:
  explicit Call(hyops_call* call) : call_(call) {}
  void progress(uint32_t permille, std::string_view note) {
    call_->progress(call_, permille, bytes(note));
  }
  bool cancelled() const { return call_->cancelled(call_) != 0; }
  int64_t deadline_ms() const { return call_->deadline_ms(call_); }
  std::string_view about() const { return view(call_->about(call_)); }
  // For who polls: false after ms milliseconds, true as soon as it is told to stop.
  bool wait(int64_t ms) {
    // A member beyond struct_size does not exist: an older hyops offers fewer.
    if (call_->struct_size < offsetof(hyops_call_v1, wait) + sizeof call_->wait)
      throw Failed("internal/sdk.host", "this hyops is too old for the plugin: it cannot wait");
    return call_->wait(call_, ms) != 0;
  }

 private:
  hyops_call* call_;
};

// What a service answered: a document, and bytes where it has some.
struct Answer {
  std::string json, body;
};

class Host {
 public:
  explicit Host(const hyops_host* host) : host_(host) {}

  void log(int32_t level, std::string_view text) const {
    if (const auto* log = find<hyops_log_v1>("hyops.log/1")) log->write(host_, level, bytes(text));
  }
  int64_t wall_ms() const { return need<hyops_clock_v1>("hyops.clock/1")->wall_ms(host_); }
  int64_t mono_ms() const { return need<hyops_clock_v1>("hyops.clock/1")->mono_ms(host_); }

  Answer http(std::string_view request, std::string_view body = {}) const {
    const auto* http = need<hyops_http_v1>("hyops.http/1");
    return ask(
        [&](const hyops_answer* to) { http->request(host_, bytes(request), bytes(body), to); });
  }
  Answer exec(std::string_view request) const {
    const auto* exec = need<hyops_exec_v1>("hyops.exec/1");
    return ask([&](const hyops_answer* to) { exec->run(host_, bytes(request), to); });
  }
  Answer unseal(std::string_view sealed) const {
    const auto* unseal = need<hyops_unseal_v1>("hyops.unseal/1");
    return ask([&](const hyops_answer* to) { unseal->open(host_, bytes(sealed), to); });
  }
  // The endpoint that the core keeps; request and answer as in hyops_stream_v1.
  Answer open_stream(std::string_view request) const {
    return stream(request, &hyops_stream_v1::open);
  }
  Answer observe_stream(std::string_view request) const {
    return stream(request, &hyops_stream_v1::observe);
  }
  Answer close_stream(std::string_view request) const {
    return stream(request, &hyops_stream_v1::close);
  }
  void put_secret(std::string_view name, std::string_view version, std::string_view value) const {
    const auto* sink = need<hyops_secret_sink_v1>("hyops.secret_sink/1");
    if (sink->put(host_, bytes(name), bytes(version), bytes(value)) != 0)
      throw Failed("internal/sdk.sink", "the core did not take the secret " + std::string(name));
  }

 private:
  Answer stream(std::string_view request,
                void (*hyops_stream_v1::*verb)(const hyops_host*, hyops_bytes,
                                               const hyops_answer*)) const {
    const auto* stream = need<hyops_stream_v1>("hyops.stream/1");
    return ask([&](const hyops_answer* to) { (stream->*verb)(host_, bytes(request), to); });
  }
  template <class Table>
  const Table* find(const char* id) const {
    return static_cast<const Table*>(host_->service(host_, id));
  }
  template <class Table>
  const Table* need(const char* id) const {
    const auto* table = find<Table>(id);
    if (!table)
      throw Failed("internal/sdk.service", std::string("plugin.toml does not require ") + id);
    return table;
  }

  struct Waiting {
    Answer answer;
    std::string code, message;
  };
  // The callbacks run inside a C function: an exception (out of memory) must not cross it.
  static void on_ok(void* context, hyops_bytes json, hyops_bytes body) noexcept {
    auto* waiting = static_cast<Waiting*>(context);
    waiting->answer.json = view(json);
    waiting->answer.body = view(body);
  }
  static void on_error(void* context, hyops_bytes kind, hyops_bytes code,
                       hyops_bytes message) noexcept {
    auto* waiting = static_cast<Waiting*>(context);
    waiting->code = std::string(view(kind)) + "/" + std::string(view(code));
    waiting->message = view(message);
  }
  template <class Ask>
  static Answer ask(const Ask& with) {
    Waiting waiting;
    const hyops_answer to{&waiting, on_ok, on_error};
    with(&to);
    if (!waiting.code.empty()) throw Failed(waiting.code, waiting.message);
    return std::move(waiting.answer);
  }

  const hyops_host* host_;
};

// Does `work`; what it throws becomes a failure.
template <class Work>
void fenced(hyops_call* call, const Work& work) noexcept {
  std::string code = "internal/sdk.exception", message = "the plugin threw something unknown";
  try {
    work();
    return;
  } catch (const Failed& failed) {
    code = failed.code;
    message = failed.message;
  } catch (const std::exception& error) {
    message = error.what();
  } catch (...) {
  }
  call->fail(call, bytes(code), bytes(message));
}

// The document as the plugin wants it. `code` is what is wrong with one that is none.
template <class Document>
Document read(hyops_bytes json, const char* code) {
  const std::string_view text = view(json);
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos || text[first] != '{') throw Failed(code, "it is not a JSON object");
  if constexpr (std::is_same_v<Document, std::string_view>) {
    return text;
  } else {
    try {
      return Document::parse(text);
    } catch (const std::exception& error) {
      throw Failed(code, error.what());
    }
  }
}
inline std::string written(std::string text) { return text; }
template <class Document>
std::string written(const Document& document) {
  return document.dump();
}

// The type of document that a verb takes.
template <class Verb>
struct Takes;
template <class T, class Out, class In>
struct Takes<Out (T::*)(Call&, In)> {
  using Document = std::decay_t<In>;
};
template <class T, class Out, class In>
struct Takes<Out (T::*)(Call&, In) const> {
  using Document = std::decay_t<In>;
};

template <class T, auto method>
void verb(hyops_instance* self, hyops_call* call, hyops_bytes json) noexcept {
  fenced(call, [&] {
    Call wrapped(call);
    using Document = typename Takes<decltype(method)>::Document;
    const std::string outputs = written(
        (reinterpret_cast<T*>(self)->*method)(wrapped, read<Document>(json, "invalid/sdk.inputs")));
    call->emit(call, bytes(outputs));
  });
}

template <class T>
struct Provider {
  using Document = typename Takes<decltype(&T::plan)>::Document;
  static constexpr const char* id = "hyops.provider/1";
  static constexpr hyops_provider_v1 table{sizeof(hyops_provider_v1), 0,
                                           verb<T, &T::plan>,         verb<T, &T::apply>,
                                           verb<T, &T::observe>,      verb<T, &T::release>};
};
template <class T>
struct Egress {
  using Document = typename Takes<decltype(&T::plan)>::Document;
  static constexpr const char* id = "hyops.egress/1";
  static constexpr hyops_egress_v1 table{sizeof(hyops_egress_v1), 0,
                                         verb<T, &T::plan>,       verb<T, &T::apply>,
                                         verb<T, &T::observe>,    verb<T, &T::prove>,
                                         verb<T, &T::release>};
};
template <class T>
struct Access {
  using Document = typename Takes<decltype(&T::prove)>::Document;
  static constexpr const char* id = "hyops.access/1";
  static constexpr hyops_access_v1 table{sizeof(hyops_access_v1), 0,
                                         verb<T, &T::prove>,      verb<T, &T::open>,
                                         verb<T, &T::observe>,    verb<T, &T::close>};
};
template <class T>
struct SecretAuthority {
  using Document = typename Takes<decltype(&T::probe)>::Document;
  static constexpr const char* id = "hyops.secret/1";
  static constexpr hyops_secret_v1 table{sizeof(hyops_secret_v1), 0,
                                         verb<T, &T::probe>,      verb<T, &T::resolve>,
                                         verb<T, &T::store>,      verb<T, &T::transition>};
};

// The constructor takes the same type of document as the verbs of the first interface.
template <class T, class First, class... Rest>
hyops_instance* create(const hyops_host* host, hyops_call* call, hyops_bytes config) noexcept {
  T* made = nullptr;
  fenced(call, [&] {
    made = new T(Host(host), read<typename First::Document>(config, "invalid/sdk.config"));
  });
  return reinterpret_cast<hyops_instance*>(made);
}

template <class T>
void destroy(hyops_instance* self) noexcept {
  delete reinterpret_cast<T*>(self);
}

template <class... Tables>
const void* find_interface(hyops_instance*, const char* id) noexcept {
  const void* found = nullptr;
  ((std::strcmp(id, Tables::id) == 0 ? void(found = &Tables::table) : void()), ...);
  return found;
}

}  // namespace hyops::sdk

// Declares the one exported symbol. Arguments: id, version, the class, one table for each
// interface.
#define HYOPS_PLUGIN(id, version, type, ...)                                \
  extern "C" HYOPS_EXPORT const hyops_module_v1 hyops_module;               \
  const hyops_module_v1 hyops_module{HYOPS_MAGIC,                           \
                                     HYOPS_ABI_MAJOR,                       \
                                     HYOPS_ABI_MINOR,                       \
                                     sizeof(hyops_module_v1),               \
                                     0,                                     \
                                     id,                                    \
                                     version,                               \
                                     hyops::sdk::create<type, __VA_ARGS__>, \
                                     hyops::sdk::destroy<type>,             \
                                     hyops::sdk::find_interface<__VA_ARGS__>};

#endif  // HYOPS_PLUGIN_HPP
