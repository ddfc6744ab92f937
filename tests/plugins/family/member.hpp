// What every member of the broken family has that is not broken: test.family 1.0.0, a provider that
// cannot tell what it did. Written against the C header, so that nothing fences the misbehaviour.
#pragma once

#include "hyops/plugin.h"

#include <cstring>

namespace member {

inline hyops_bytes text(const char* words) { return {words, std::strlen(words)}; }
inline void good(hyops_instance*, hyops_call* call, hyops_bytes) { call->emit(call, text("{}")); }
inline void cannot_tell(hyops_instance*, hyops_call* call, hyops_bytes) {
  call->fail(call, text("unavailable/family.unclear"), text("it cannot tell"));
}

inline hyops_instance* create(const hyops_host*, hyops_call*, hyops_bytes) {
  static int self;
  return reinterpret_cast<hyops_instance*>(&self);
}
inline void destroy(hyops_instance*) {}

template <hyops_verb verb>
constexpr hyops_provider_v1 table{sizeof(hyops_provider_v1), 0, good, verb, cannot_tell, verb};

template <hyops_verb verb>
const void* find(hyops_instance*, const char* id) {
  return std::strcmp(id, "hyops.provider/1") == 0 ? &table<verb> : nullptr;
}

constexpr hyops_module_v1 module(decltype(hyops_module_v1::interface) find,
                                 decltype(hyops_module_v1::create) create = member::create) {
  return {HYOPS_MAGIC,
          HYOPS_ABI_MAJOR,
          HYOPS_ABI_MINOR,
          sizeof(hyops_module_v1),
          0,
          "test.family",
          "1.0.0",
          create,
          destroy,
          find};
}
// The same with one thing wrong.
template <class Change>
constexpr hyops_module_v1 with(Change change) {
  hyops_module_v1 made = module(find<good>);
  change(made);
  return made;
}

}  // namespace member

#define MEMBER                                                \
  extern "C" HYOPS_EXPORT const hyops_module_v1 hyops_module; \
  const hyops_module_v1 hyops_module
