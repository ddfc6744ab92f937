// Gives no instance and no reason.
#include "member.hpp"

MEMBER =
    member::module(member::find<member::good>, [](const hyops_host*, hyops_call*, hyops_bytes) {
      return static_cast<hyops_instance*>(nullptr);
    });
