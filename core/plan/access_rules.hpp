// The rules of how a runner may reach hosts (A1 to A7), as far as a plan shows it.
#pragma once

#include "plan/policy.hpp"

namespace hyops::plan {

void declared_egress(const Judged& judged, const Report& report);       // A1
void no_overlay_alone(const Judged& judged, const Report& report);      // A2
void named_bastion(const Judged& judged, const Report& report);         // A3
void mode_of_the_platform(const Judged& judged, const Report& report);  // A4
void no_public_access(const Judged& judged, const Report& report);      // A5
void narrow_public_access(const Judged& judged, const Report& report);  // A5
void no_public_address(const Judged& judged, const Report& report);     // A7
void nothing_made_public(const Judged& judged, const Report& report);   // E8
void access_as_declared(const Judged& judged, const Report& report);    // E8

}  // namespace hyops::plan
