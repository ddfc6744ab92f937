/* A whole provider in C, without glue and without C++: it answers what it was asked. */
#include <string.h>

#include "hyops/plugin.h"

struct hyops_instance {
  const hyops_host* host;
  int calls;
};
static struct hyops_instance self;

static hyops_bytes text(const char* words) {
  hyops_bytes bytes = {words, strlen(words)};
  return bytes;
}

static hyops_instance* create(const hyops_host* host, hyops_call* call, hyops_bytes config) {
  (void)config;
  (void)call;
  self.host = host;
  return &self;
}
static void destroy(hyops_instance* instance) { instance->calls = 0; }

static void echo(hyops_instance* instance, hyops_call* call, hyops_bytes json) {
  const hyops_log_v1* log =
      (const hyops_log_v1*)instance->host->service(instance->host, "hyops.log/1");
  if (log) log->write(instance->host, 1, text("asked"));
  ++instance->calls;
  call->progress(call, 500, text("half"));
  if (call->cancelled(call)) {
    call->fail(call, text("cancelled/plain.stopped"), text("stopped as told"));
    return;
  }
  call->emit(call, json);
}
static void observe(hyops_instance* instance, hyops_call* call, hyops_bytes json) {
  (void)json;
  call->emit(call, text(instance->calls ? "{\"present\":true}" : "{\"present\":false}"));
}

static const hyops_provider_v1 provider = {sizeof provider, 0, echo, echo, observe, echo};

static const void* find(hyops_instance* instance, const char* id) {
  (void)instance;
  return strcmp(id, "hyops.provider/1") == 0 ? &provider : NULL;
}

HYOPS_EXPORT extern const hyops_module_v1 hyops_module;
const hyops_module_v1 hyops_module = {HYOPS_MAGIC,
                                      HYOPS_ABI_MAJOR,
                                      HYOPS_ABI_MINOR,
                                      sizeof(hyops_module_v1),
                                      0,
                                      "test.abi",
                                      "1.0.0",
                                      create,
                                      destroy,
                                      find};
