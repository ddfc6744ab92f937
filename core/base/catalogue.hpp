// Every error code hyops can print, with the paragraph that `hyops explain CODE` shows.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"

namespace hyops {

struct CatalogueEntry {
  std::string_view code;  // area.subject.problem, never renamed once released
  FailureClass kind;
  std::string_view paragraph;  // what it means
  std::string_view next;       // what to do
};

std::span<const CatalogueEntry> catalogue();                     // sorted by area as written
const CatalogueEntry* find_in_catalogue(std::string_view code);  // nullptr: no such code

}  // namespace hyops
