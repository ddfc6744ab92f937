// The order of a blueprint's steps: phases first, needs within them; iterative, linear.
#pragma once

#include <vector>

#include "contract/types.hpp"

namespace hyops::plan {

// Positions into `steps`, needs before those who need them, earlier phases before later ones, ties
// in the order written. Steps on a cycle are left out: contract::check_blueprint reports them with
// their path.
std::vector<size_t> order(const std::vector<contract::Step>& steps);

// Explicit needs and those that references imply, sorted, each once.
std::vector<std::string> needs_of(const contract::Step& step);

}  // namespace hyops::plan
