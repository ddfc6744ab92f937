// The codes that each folder of the core raises, in a file of that folder's name. A code stands in
// one of them, once.
#pragma once

#include "base/catalogue.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> base();
std::span<const CatalogueEntry> contract();
std::span<const CatalogueEntry> plan();
std::span<const CatalogueEntry> process();
std::span<const CatalogueEntry> net();
std::span<const CatalogueEntry> plugin();
std::span<const CatalogueEntry> ledger();
std::span<const CatalogueEntry> record();
std::span<const CatalogueEntry> trust();
std::span<const CatalogueEntry> engine();
std::span<const CatalogueEntry> lab();
std::span<const CatalogueEntry> cli();

}  // namespace hyops::catalogue_of
