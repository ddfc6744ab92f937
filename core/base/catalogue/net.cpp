#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> net() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"net.url", invalid,
       "What should be requested is not a plain http or https URL, or a header would break the "
       "request.",
       "Correct the address in the lane's configuration of the plugin."},
      {"net.host.denied", denied,
       "A request to a host that the plugin's manifest does not allow. Nothing was sent.",
       "hyops plugin describe ID shows what is allowed; correct the address in the lane."},
      {"net.resolve", unavailable, "A host name could not be resolved.",
       "Check the name and the runner's resolver: hyops doctor"},
      {"net.connect", unavailable, "Nothing accepts connections at an address that is needed.",
       "Check that the service runs and that the runner's egress reaches it: hyops doctor"},
      {"net.tls", denied,
       "The other side could not prove who it is. Certificates are always verified.",
       "Have its certificate renewed, or install its authority on the runner; verification cannot "
       "be "
       "switched off."},
      {"net.deadline", deadline, "The other side did not answer in time.",
       "See whether it is overloaded or unreachable; then repeat the step: hyops run resume RUN"},
      {"net.cancelled", cancelled, "A request was abandoned because the run was told to stop.",
       "hyops run show RUN"},
      {"net.too_large", exhausted, "An answer was larger than any may be, and was not taken.",
       "Ask the service for less, or its owner why it answers so."},
      {"net.broken", unavailable, "A connection ended in the middle of an exchange.",
       "Repeat the step: hyops run resume RUN. Calls carry idempotency keys."},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
