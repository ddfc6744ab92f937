// A copy of a shared object that cannot change between being checked and being run.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.hpp"

namespace hyops::plugin {

// Copies the file into a sealed memory file while hashing it: what was hashed is what is loaded,
// whatever happens to the file meanwhile. plugin.file.missing, plugin.file.changed (another digest
// than sha256).
Result<Fd> sealed_copy(const std::filesystem::path& file, const std::string& sha256);

// The same for a program: readable only, for the kernel runs nothing that is open for writing.
Result<Fd> sealed_program(const std::filesystem::path& file, const std::string& sha256);

// The same in two halves: the memory file may be handed on before it is filled and sealed.
// plugin.helper
Result<Fd> memory_file();
Status fill_and_seal(int memory, const std::filesystem::path& file, const std::string& sha256);

}  // namespace hyops::plugin
