// What every test of contracts needs: the golden catalogue and problems as text.
#pragma once

#include <filesystem>
#include <string>

#include "contract/load.hpp"

const std::filesystem::path catalogue_folder = HYOPS_SOURCE_DIR "/tests/golden/contract/catalog";

inline std::string text_of(const hyops::contract::Diagnostics& problems) {
  std::string out;
  for (const auto& problem : problems) out += problem.text() + "\n";
  return out;
}
