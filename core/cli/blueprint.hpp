// What the files of the blueprint commands share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "contract/load.hpp"

namespace hyops::cli {

// By name from the catalogue, or from a file where `given` is a path to one (or to its folder).
std::optional<contract::Blueprint> find_blueprint(contract::Catalog& catalog,
                                                  const std::string& given,
                                                  contract::Diagnostics& problems);

// The steps that a step needs, by `needs` and by reference, each once, in the order of the ids.
std::vector<std::string> needs_of(const contract::Step& step);

Command blueprint_show();
Command blueprint_graph();
Command schema_export();

}  // namespace hyops::cli
