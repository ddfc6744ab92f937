// What a profile adds to the obligations. Private to core/contract, but for check_rule (load.hpp).
#pragma once

#include "contract/document.hpp"

namespace hyops::contract {

// [[rule]], [window] and [severity] of a profile.
void read_rules(Table& table, Profile& profile, Source& source);

}  // namespace hyops::contract
