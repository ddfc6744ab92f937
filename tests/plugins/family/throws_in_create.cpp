// Lets an exception out of create.
#include <stdexcept>

#include "member.hpp"

MEMBER = member::module(member::find<member::good>,
                        [](const hyops_host*, hyops_call*, hyops_bytes) -> hyops_instance* {
                          throw std::runtime_error("thrown through C");
                        });
