// Says the same line twenty thousand times.
#include "member.hpp"

namespace {

const hyops_host* core;

void misbehave(hyops_instance*, hyops_call* call, hyops_bytes) {
  const auto* log = static_cast<const hyops_log_v1*>(core->service(core, "hyops.log/1"));
  for (int n = 0; n < 20'000; ++n) log->write(core, 1, member::text("still here"));
  call->emit(call, member::text("{}"));
}

hyops_instance* create(const hyops_host* host, hyops_call* call, hyops_bytes config) {
  core = host;
  return member::create(host, call, config);
}

}  // namespace

MEMBER = member::module(member::find<misbehave>, create);
