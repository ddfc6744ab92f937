#include "trust/private_file.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"

namespace hyops::trust {
namespace {

constexpr std::string_view comment_prefix = "untrusted comment: ";

}  // namespace

Result<Secret> read_private_file(const std::filesystem::path& file) {
  // O_NONBLOCK: a FIFO in the key's place must not hang the caller.
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && errno == ELOOP)
    return fail("trust.key.link",
                file.string() + " is a symbolic link; a key is a file of its own");
  if (!fd) return fail_errno("file.open", "cannot open the key " + file.string(), errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail("trust.key.malformed", file.string() + " is not a regular file");
  if ((info.st_mode & 0177) != 0)
    return fail("trust.key.mode", "others than its owner may read or run the key " + file.string(),
                "chmod 600 " + file.string() + "  (and make a new key if others could read it)");
  Wiped<1025> buffer;
  size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t got = ::read(fd.get(), buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("file.read", "cannot read the key " + file.string(), errno);
    if (got == 0) return Secret(std::string_view(buffer.data(), size));
    size += static_cast<size_t>(got);
  }
  return fail("trust.key.malformed", file.string() + " is larger than any key");
}

Status write_private_file(const std::filesystem::path& file, std::string_view contents) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd && errno == EEXIST)
    return fail("trust.key.exists",
                file.string() + " is there already; keys are never overwritten");
  if (!fd) return fail_errno("file.write", "cannot make the key " + file.string(), errno);
  auto written = write_all(fd.get(), contents);
  if (written && (::fchmod(fd.get(), 0600) != 0 || ::fsync(fd.get()) != 0))
    written = fail_errno("file.write", "cannot write the key " + file.string(), errno);
  if (!written) ::unlink(file.c_str());
  return written;
}

std::string_view line_below_comment(std::string_view text) {
  if (!text.starts_with(comment_prefix)) return {};
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return {};
  text.remove_prefix(end + 1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text.find('\n') == std::string_view::npos ? text : std::string_view{};
}

bool decode_exactly(std::string_view text, unsigned char* out, size_t size) {
  if (text.size() != sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL) - 1)
    return false;
  // libsodium 1.0.18 takes '+' and '/' with the top bit set for themselves: two spellings of one
  // key.
  for (const char c : text)
    if (static_cast<unsigned char>(c) > 0x7f) return false;
  size_t got = 0;
  const char* end = nullptr;
  return sodium_base642bin(out, size, text.data(), text.size(), nullptr, &got, &end,
                           sodium_base64_VARIANT_ORIGINAL) == 0 &&
         got == size && end == text.data() + text.size();
}

}  // namespace hyops::trust
