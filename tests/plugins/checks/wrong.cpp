// A provider and an authority that keep the whole contract, but for the one fault that the setting
// "wrong" names: each check of the conformance kit has to notice its own.
#include "hyops/json.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <thread>

using hyops::sdk::Call, hyops::sdk::Failed, hyops::sdk::Host, hyops::sdk::Json;

namespace {

class Wrong {
 public:
  Wrong(const Host& host, const Json& config) : host_(host), fault_(config["wrong"].text()) {
    if (is("refuses-to-be")) throw Failed("invalid/wrong.refused", "as asked");
    if (is("leaks-descriptors")) (void)!::dup(0);
    if (is("leaks-memory")) lost_ = new char[100];
    if (is("leaks-threads")) start_thread();
  }

  Json plan(Call&, const Json& inputs) {
    if (is("plan-writes")) ask("PUT", "/quotas/check", {}, Json::object());
    Json host = Json::object({{"name", name(inputs)}, {"zone", zone(inputs)}, {"address", {}}});
    if (is("plan-differs")) host.set("zone", std::to_string(++calls_));
    return Json::object({{"hosts", Json::array({host})}});
  }

  Json apply(Call& call, const Json& inputs) {
    const std::string key = Json::parse(call.about())["key"].text();
    stop_here(call);
    if (is("starts-thread")) start_thread();
    if (is("forks-unseen") && ::syscall(SYS_fork) == 0) ::_exit(0);
    if (is("writes-stdout")) (void)!::write(1, "placing\n", 8);
    const Json order = Json::object({{"name", name(inputs)}, {"zone", zone(inputs)}, {"key", key}});
    Json host = is("posts") ? ask("POST", "/hosts", {}, order)
                            : ask("PUT", "/hosts/" + name(inputs), key, order);
    stop_here(call);
    mine_.insert(key);
    Json out = as_host(host);
    if (is("answers-otherwise")) out.set("placement", "call-" + std::to_string(++calls_));
    return Json::object({{"hosts", Json::array({out})}});
  }

  Json observe(Call& call, const Json& inputs) {
    const std::string key = Json::parse(call.about())["key"].text();
    const Json there = ask("GET", "/hosts/" + name(inputs));
    const bool present =
        is("remembers") ? mine_.count(key) > 0 : !there.is_null() && there["key"].text() == key;
    Json hosts = Json::array();
    if (present && !there.is_null()) hosts.add(as_host(there));
    return Json::object({{"present", present}, {"hosts", hosts}});
  }

  Json release(Call&, const Json& inputs) {
    if (is("releases-by-name")) return ask("DELETE", "/hosts/" + name(inputs));
    for (const auto& host : inputs["hosts"].items())
      if (ask("DELETE", "/hosts/" + name(host)).is_null() && is("releases-once"))
        throw Failed("invalid/wrong.gone", "it is not there");
    return Json::object();
  }

  Json probe(Call&, const Json&) { return Json::object({{"name", "wrong"}}); }
  Json resolve(Call& call, const Json& inputs) {
    Json resolved = Json::array();
    for (const auto& wanted : inputs["names"].items()) {
      const std::string value = ask("GET", "/secrets/" + name(wanted.text()))["value"].text();
      host_.put_secret(wanted.text(), "1", value);
      Json one = Json::object({{"name", wanted}, {"version", "1"}});
      if (is("logs-secret")) host_.log(1, "got " + value);
      if (is("notes-secret")) call.progress(500, value);
      if (is("emits-secret")) one.set("version", value);
      if (is("asks-with-secret")) ask("GET", "/login/" + value);
      resolved.add(one);
    }
    return Json::object({{"resolved", resolved}});
  }
  Json store(Call&, const Json&) { throw Failed("denied/wrong.store", "not here"); }
  Json transition(Call&, const Json&) { throw Failed("denied/wrong.transition", "not here"); }

  bool is(std::string_view fault) const { return fault_ == fault; }

 private:
  static void start_thread() {
    std::thread([] {
      for (;;) ::pause();
    }).detach();
  }
  Json as_host(const Json& placed) const {
    Json out = Json::object();
    for (const char* member : {"name", "zone", "address", "user", "port", "host_key", "placement"})
      if (!is("forgets-host-key") || std::string_view(member) != "host_key")
        out.set(member, placed[member]);
    return out;
  }
  static void dawdle() { ::poll(nullptr, 0, 1500); }
  void stop_here(Call& call) const {
    const bool late = call.deadline_ms() == 0;
    if (call.cancelled() && is(late ? "ignores-deadline" : "ignores-cancel")) dawdle();
    if (call.cancelled()) throw Failed("partial/wrong.stopped", "told to stop");
  }
  std::string name(const std::string& text) const {
    if (is("has-a-buffer") && text.size() > 4096) std::abort();
    if (text.empty() || text.find_first_of("/?#% ") != text.npos)
      throw Failed("invalid/wrong.name", "no name");
    return text;
  }
  std::string name(const Json& of) const {
    if (is("trusts-types") && of["count"].kind() == Json::Kind::boolean) std::abort();
    return name(of["name"].text());
  }
  static std::string zone(const Json& of) { return of["zone"].text(); }

  Json ask(const char* method, const std::string& path, const std::string& key = {},
           const Json& body = {}) const {
    Json request = Json::object({{"method", method}, {"url", "http://platform.test" + path}});
    if (!key.empty()) request.set("headers", Json::object({{"Idempotency-Key", key}}));
    const auto answer = host_.http(request.dump(), body.is_null() ? "" : body.dump());
    const int64_t status = Json::parse(answer.json)["status"].integer();
    if (status == 404) return {};
    if (is("logs-answer")) host_.log(1, answer.body);
    if (status > 299)
      throw Failed("unavailable/wrong.platform", "it said " + std::to_string(status));
    return Json::parse(answer.body);
  }

  Host host_;
  std::string fault_;
  std::set<std::string> mine_;
  int calls_ = 0;
  char* lost_ = nullptr;
};

using Provider = hyops::sdk::Provider<Wrong>;
using Authority = hyops::sdk::SecretAuthority<Wrong>;

bool is(hyops_instance* self, std::string_view fault) {
  return reinterpret_cast<Wrong*>(self)->is(fault);
}
hyops_bytes text(std::string_view words) { return {words.data(), words.size()}; }

// What the glue would prevent.
void plan(hyops_instance* self, hyops_call* call, hyops_bytes json) {
  const std::string_view document = hyops::sdk::view(json);
  if (is(self, "echoes-bytes") && document.find('\xff') != document.npos)
    return call->emit(call, text("{\"name\":\"\xff\"}"));
  if (is(self, "fails-without-code") && document == "{}")
    return call->fail(call, text(""), text("something is wrong"));
  if (is(self, "throws")) throw 7;
  Provider::table.plan(self, call, json);
}
void observe(hyops_instance* self, hyops_call* call, hyops_bytes json) {
  if (is(self, "emits-twice")) call->emit(call, text("{}"));
  Provider::table.observe(self, call, json);
}
constexpr hyops_provider_v1 whole{sizeof(hyops_provider_v1), 0,       plan,
                                  Provider::table.apply,     observe, Provider::table.release};
constexpr hyops_provider_v1 short_one{8 + 2 * sizeof(hyops_verb), 0,       plan,
                                      Provider::table.apply,      nullptr, nullptr};

const void* find(hyops_instance* self, const char* id) {
  const std::string_view wanted = id;
  if (wanted == Authority::id) return &Authority::table;
  if (wanted != Provider::id && !is(self, "knows-everything")) return nullptr;
  return is(self, "short-table") ? &short_one : &whole;
}

hyops_instance* create(const hyops_host* host, hyops_call* call, hyops_bytes config) {
#ifdef WRONG_ACCEPTS_ANYTHING
  (void)config;
  config = text("{}");
#endif
  auto* made = hyops::sdk::create<Wrong, Provider>(host, call, config);
  if (made && is(made, "trusts-services"))
    static_cast<const hyops_log_v1*>(host->service(host, "hyops.log/1"))
        ->write(host, 1, text("made"));
  return made;
}

#ifdef WRONG_IS_SLOW
const int slow = ::poll(nullptr, 0, 120);
#endif

}  // namespace

#ifdef WRONG_NEEDS_NOBODY
extern "C" int nobody_has_this();
extern "C" int hyops_needs() { return nobody_has_this(); }
#endif
#ifdef WRONG_EXPORTS_MORE
extern "C" HYOPS_EXPORT int acme_internal() { return 1; }
#endif
#ifdef WRONG_FORKS
pid_t (*const starter)() = ::fork;
extern "C" const volatile void* hyops_keep() { return &starter; }
#endif

extern "C" HYOPS_EXPORT const hyops_module_v1 hyops_module;
const hyops_module_v1 hyops_module{HYOPS_MAGIC,
                                   HYOPS_ABI_MAJOR,
                                   HYOPS_ABI_MINOR,
                                   sizeof(hyops_module_v1),
                                   0,
#ifdef WRONG_ID
                                   WRONG_ID,
#else
                                   "test.wrong",
#endif
                                   "1.0.0",
                                   create,
                                   hyops::sdk::destroy<Wrong>,
                                   find};
