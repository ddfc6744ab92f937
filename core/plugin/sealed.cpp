// The digest is taken over the very bytes that go into the sealed memory file, in one pass.
#include "plugin/sealed.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/digest.hpp"

namespace hyops::plugin {

Result<Fd> memory_file() {
  Fd memory(::memfd_create("hyops-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return fail_errno("plugin.helper", "cannot make a memory file", errno);
  return memory;
}

Result<Fd> sealed_copy(const std::filesystem::path& file, const std::string& sha256) {
  auto copy = memory_file();
  if (!copy) return copy;
  if (auto sealed = fill_and_seal(copy->get(), file, sha256); !sealed) return pass(sealed);
  return copy;
}

Result<Fd> sealed_program(const std::filesystem::path& file, const std::string& sha256) {
  auto copy = sealed_copy(file, sha256);
  if (!copy) return copy;
  Fd readable(
      ::open(("/proc/self/fd/" + std::to_string(copy->get())).c_str(), O_RDONLY | O_CLOEXEC));
  if (!readable)
    return fail_errno("plugin.helper", "cannot open the copy of " + file.string(), errno);
  return readable;
}

Status fill_and_seal(int memory, const std::filesystem::path& file, const std::string& sha256) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode))
    return fail("plugin.file.missing", file.string() + " is not there or not a file");
  Sha256 digest;
  Status written;
  auto read = read_chunks(file, [&](std::string_view piece) {
    digest.update(piece);
    if (written) written = write_all(memory, piece);
  });
  if (!read) return fail("plugin.file.missing", read.error().message);
  if (!written) return pass(written, "while copying " + file.string());
  if (digest.hex() != sha256)
    return fail("plugin.file.changed",
                file.string() + " is not the file that plugin.toml was signed for");
  // Busy: the kernel holds one of its pages for a moment, to move it, say. It has waited by then.
  constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, most_tries = 20;
  for (int tries = 1; ::fcntl(memory, F_ADD_SEALS, seals) != 0; ++tries)
    if (errno != EBUSY || tries == most_tries)
      return fail_errno("plugin.helper", "cannot seal the copy of " + file.string(), errno);
  return {};
}

}  // namespace hyops::plugin
