#include "base/catalogue.hpp"

#include <unordered_map>
#include <vector>

#include "base/catalogue/areas.hpp"

namespace hyops {

std::span<const CatalogueEntry> catalogue() {
  static const auto* const all = [] {
    auto* list = new std::vector<CatalogueEntry>;
    for (const auto area : {catalogue_of::base(), catalogue_of::contract(), catalogue_of::plan(),
                            catalogue_of::process(), catalogue_of::net(), catalogue_of::plugin(),
                            catalogue_of::ledger(), catalogue_of::record(), catalogue_of::trust(),
                            catalogue_of::engine(), catalogue_of::lab(), catalogue_of::cli()})
      list->insert(list->end(), area.begin(), area.end());
    return list;
  }();
  return *all;
}

const CatalogueEntry* find_in_catalogue(std::string_view code) {
  static const auto* const index = [] {
    auto* map = new std::unordered_map<std::string_view, const CatalogueEntry*>;
    for (const auto& entry : catalogue()) map->emplace(entry.code, &entry);
    return map;
  }();
  const auto found = index->find(code);
  return found == index->end() ? nullptr : found->second;
}

}  // namespace hyops
