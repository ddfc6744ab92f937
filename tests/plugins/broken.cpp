// Breaks the contract inside a verb, in the way its inputs name. Written against the C header
// alone.
#include "hyops/plugin.h"

#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>

namespace {

hyops_bytes text(const char* words) { return {words, std::string::traits_type::length(words)}; }

void emit(hyops_call* call, const char* words) { call->emit(call, text(words)); }

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes json) {
  const std::string inputs(json.data, json.size);
  const auto told = [&](const char* word) {
    return inputs.find(std::string("\"") + word + "\"") != std::string::npos;
  };
  if (told("silent")) return;
  if (told("throw")) throw std::runtime_error("thrown through C");
  if (told("segv")) {
    ::signal(SIGSEGV,
             SIG_DFL);  // not to a sanitizer's handler, which would call what the filter forbids
    ::raise(SIGSEGV);
  }
  if (told("abort")) ::abort();
  if (told("exit")) ::_exit(0);
  if (told("hang"))
    for (;;) ::pause();
  if (told("twice")) emit(call, "{}");
  if (told("both")) call->fail(call, text("internal/broken.both"), text("and yet"));
  if (told("fail-twice")) {
    call->fail(call, text("internal/broken.one"), text("one"));
    call->fail(call, text("internal/broken.two"), text("two"));
    return;
  }
  if (told("not-json")) return emit(call, "{\"half\":");
  if (told("not-object")) return emit(call, "[1]");
  if (told("float")) return emit(call, "{\"price\":1.5}");
  if (told("not-utf8")) return emit(call, "{\"name\":\"\xff\xfe\"}");
  if (told("no-code")) return call->fail(call, text(""), text("no code"));
  if (told("core-code")) return call->fail(call, text("internal/plugin.died"), text("pretending"));
  if (told("no-class"))
    return call->fail(call, text("sometimes/broken.odd"), text("no such class"));
  if (told("huge")) {
    const std::string huge = "{\"x\":\"" + std::string(17u << 20, 'x') + "\"}";
    return call->emit(call, {huge.data(), huge.size()});
  }
  if (told("bad-frame")) {  // past the tables, straight at the socket
    const char noise[] = "\xff\xff\xff\x7fnoise";
    (void)!::write(3, noise, sizeof noise);
    return;
  }
  emit(call, "{}");
}

constexpr hyops_provider_v1 provider{
    sizeof(hyops_provider_v1), 0, misbehave, misbehave, misbehave, misbehave};

hyops_instance* create(const hyops_host*, hyops_call*, hyops_bytes config) {
  if (std::string(config.data, config.size).find("die-in-create") != std::string::npos)
    ::raise(SIGSEGV);
  static int instance;
  return reinterpret_cast<hyops_instance*>(&instance);
}
void destroy(hyops_instance*) {}
const void* find(hyops_instance*, const char* id) {
  return std::string(id) == "hyops.provider/1" ? &provider : nullptr;
}

}  // namespace

extern "C" HYOPS_EXPORT const hyops_module_v1 hyops_module;
const hyops_module_v1 hyops_module{
    HYOPS_MAGIC, 1, 0, sizeof(hyops_module_v1), 0, "test.broken", "1.0.0", create, destroy, find};
