// Every offset comes from the file and is held against its size before it is followed.
#include "plugin/check/elf.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "base/file.hpp"

namespace hyops::plugin::check {
namespace {

// A copy of the structure at an offset; all zero beyond the end.
template <class T>
T at(const std::string& file, uint64_t offset) {
  T out{};
  if (offset <= file.size() && file.size() - offset >= sizeof(T))
    std::memcpy(&out, file.data() + offset, sizeof(T));
  return out;
}

std::string text_at(const std::string& file, const Elf64_Shdr& table, uint64_t offset) {
  if (offset >= table.sh_size || table.sh_offset >= file.size() ||
      table.sh_size > file.size() - table.sh_offset)
    return {};
  const char* begin = file.data() + table.sh_offset + offset;
  return std::string(begin, ::strnlen(begin, table.sh_size - offset));
}

}  // namespace

Result<Symbols> read_symbols(const std::filesystem::path& object) {
  auto file = read_file(object, 512u << 20);
  if (!file) return pass(file);
  const auto header = at<Elf64_Ehdr>(*file, 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_type != ET_DYN || header.e_shentsize != sizeof(Elf64_Shdr))
    return fail("plugin.load", object.string() + " is no 64-bit shared object");
  Symbols out;
  for (size_t n = 0; n < header.e_shnum; ++n) {
    const auto section = at<Elf64_Shdr>(*file, header.e_shoff + n * sizeof(Elf64_Shdr));
    if (section.sh_type != SHT_DYNSYM || section.sh_offset > file->size()) continue;
    const auto names = at<Elf64_Shdr>(*file, header.e_shoff + section.sh_link * sizeof(Elf64_Shdr));
    const uint64_t most =
        std::min<uint64_t>(section.sh_size, file->size() - section.sh_offset) / sizeof(Elf64_Sym);
    for (uint64_t i = 1; i < most; ++i) {
      const auto symbol = at<Elf64_Sym>(*file, section.sh_offset + i * sizeof(Elf64_Sym));
      if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
      auto& list = symbol.st_shndx == SHN_UNDEF ? out.imported : out.exported;
      if (auto text = text_at(*file, names, symbol.st_name); !text.empty())
        list.push_back(std::move(text));
    }
  }
  std::sort(out.exported.begin(), out.exported.end());
  std::sort(out.imported.begin(), out.imported.end());
  return out;
}

}  // namespace hyops::plugin::check
