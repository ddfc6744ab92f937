// Wrong before any verb is called: what is wrong is chosen when it is compiled.
#include "hyops/plugin.h"

#ifndef MISFIT_MAGIC
#define MISFIT_MAGIC HYOPS_MAGIC
#endif
#ifndef MISFIT_ABI
#define MISFIT_ABI HYOPS_ABI_MAJOR
#endif
#ifndef MISFIT_ID
#define MISFIT_ID "test.misfit"
#endif
#ifndef MISFIT_VERSION
#define MISFIT_VERSION "1.0.0"
#endif
#ifndef MISFIT_SIZE
#define MISFIT_SIZE sizeof(hyops_module_v1)
#endif

namespace {

hyops_instance* create(const hyops_host*, hyops_call* call, hyops_bytes) {
#ifdef MISFIT_SILENT
  (void)call;
#else
  call->fail(call, {"denied/misfit.no", 16}, {"it does not want to", 19});
#endif
#ifdef MISFIT_CREATES
  static int instance;
  return reinterpret_cast<hyops_instance*>(&instance);
#else
  return nullptr;
#endif
}
void destroy(hyops_instance*) {}
const void* find(hyops_instance*, const char*) { return nullptr; }

}  // namespace

#ifndef MISFIT_NO_SYMBOL
extern "C" HYOPS_EXPORT const hyops_module_v1 hyops_module;
const hyops_module_v1 hyops_module{MISFIT_MAGIC, MISFIT_ABI,     0,      MISFIT_SIZE, 0,
                                   MISFIT_ID,    MISFIT_VERSION, create, destroy,     find};
#else
extern "C" HYOPS_EXPORT const void* const something_else[] = {
    reinterpret_cast<const void*>(create), reinterpret_cast<const void*>(destroy),
    reinterpret_cast<const void*>(find)};
#endif
