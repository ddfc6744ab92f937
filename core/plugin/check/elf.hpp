// The dynamic symbols of a shared object, read without loading it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace hyops::plugin::check {

struct Symbols {
  std::vector<std::string> exported, imported;  // sorted
};

// plugin.load for what is no 64-bit shared object of this machine.
Result<Symbols> read_symbols(const std::filesystem::path& object);

}  // namespace hyops::plugin::check
