// Gives no instance, but says why.
#include "member.hpp"

MEMBER = member::module(
    member::find<member::good>, [](const hyops_host*, hyops_call* call, hyops_bytes) {
      call->fail(call, member::text("denied/family.no"), member::text("it does not want to"));
      return static_cast<hyops_instance*>(nullptr);
    });
