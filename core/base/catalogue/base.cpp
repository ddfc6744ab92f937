#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> base() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"file.open", unavailable, "A file that is needed could not be opened.",
       "Check that the path is right and that you may read it."},
      {"file.read", unavailable, "A file could be opened but not read to its end.",
       "Check the disk (dmesg) and try again."},
      {"file.kind", invalid, "What should be a file is a folder, a pipe or a device.",
       "Name the file itself."},
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
       "A value cannot be written as canonical JSON: floating-point numbers and broken UTF-8 have "
       "no "
       "single spelling, so no digest could be checked.",
       "Use integers (milliseconds, micro-units) and UTF-8 text."},
      {"value.duration", invalid, "A duration is not written like 500ms, 30s, 15m, 4h or 2d.",
       "Write a number and one unit."},
      {"internal.defect", internal, "hyops met a state its own code rules out.",
       "Keep the record and report it with the message."},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
