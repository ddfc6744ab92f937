// The one list of error codes. A code stands here once, in the section of the folder that raises it.
#include "base/catalogue.hpp"

#include <unordered_map>

namespace hyops {
namespace {

using enum FailureClass;

constexpr CatalogueEntry entries[] = {
    // --- base
    {"file.open", unavailable, "A file that is needed could not be opened.",
     "Check that the path is right and that you may read it."},
    {"file.read", unavailable, "A file could be opened but not read to its end.",
     "Check the disk (dmesg) and try again."},
    {"file.write", exhausted,
     "A file could not be written whole. Nothing was replaced: the old contents are still there.",
     "Free some disk space or fix the permissions, then repeat the command."},
    {"file.too_large", invalid, "A file is larger than anything of its kind may be.",
     "Check that the right file was named."},
    {"file.name", invalid,
     "A name would leave the folder it belongs in, or has characters no name may have.",
     "Use small letters, digits and dashes."},
    {"json.syntax", invalid, "A document that must be JSON is not, or nests too deep.",
     "Repair the document or make it anew with the tool that wrote it."},
    {"json.not_canonical", invalid,
     "A value cannot be written as canonical JSON: floating-point numbers and broken UTF-8 have no "
     "single spelling, so no digest could be checked.",
     "Use integers (milliseconds, micro-units) and UTF-8 text."},
    {"value.duration", invalid, "A duration is not written like 500ms, 30s, 15m, 4h or 2d.",
     "Write a number and one unit."},
    {"internal.defect", internal, "hyops met a state its own code rules out.",
     "Keep the record and report it with the message."},
    // --- contract
    // --- plan
    // --- process
    // --- net
    // --- plugin
    // --- ledger
    // --- record
    // --- trust
    // --- engine
    // --- cli
    {"cli.usage", invalid, "The command line names a command or option that does not exist, or lacks one.",
     "hyops help"},
    {"cli.cannot", denied, "This machine cannot do what was asked: a right, a tool or a kernel feature is missing.",
     "hyops doctor"},
};

}  // namespace

std::span<const CatalogueEntry> catalogue() { return entries; }

const CatalogueEntry* find_in_catalogue(std::string_view code) {
  static const auto* const index = [] {
    auto* map = new std::unordered_map<std::string_view, const CatalogueEntry*>;
    for (const auto& entry : entries) map->emplace(entry.code, &entry);
    return map;
  }();
  const auto found = index->find(code);
  return found == index->end() ? nullptr : found->second;
}

}  // namespace hyops
