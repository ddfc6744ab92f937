#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> lab() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"lab.up", unavailable, "The lab could not be brought up on this machine.",
       "hyops doctor, then hyops lab down"},
      {"lab.leftover", partial, "Something that the lab made is still there.", "hyops lab down"},
      {"lab.place", unavailable, "The lab could not place a host.", "hyops lab status"},
      {"lab.stopped", cancelled, "The drill was told to stop; its lab was taken down.",
       "hyops drill"},
      {"lab.fault", unavailable, "A fault could not be injected, or there is none of that name.",
       "hyops drill --help"},
      {"lab.token", unavailable, "The lab's daemon gave no token.", "hyops lab status"},
      {"lab.command", partial,
       "A command on one of the lab's hosts failed; its last lines are in the message.",
       "hyops drill --keep, then hyops lab exec HOST -- COMMAND"},
      {"lab.site", partial, "The site that is to be drilled could not be built.",
       "hyops drill --keep, then look at the run"},
      {"lab.client", deadline, "The drill's client got no write acknowledged in time.",
       "hyops drill --keep"},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
