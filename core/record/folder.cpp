// Files of a record: no part of a path leaves the folder, nothing is renamed into place before it
// is safe.
#include "record/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"

namespace hyops::record {
namespace {

namespace fs = std::filesystem;

constexpr size_t buffered = 64u << 10;

bool is_record_name(const std::string& name) {
  if (name == "SHA256SUMS" || name == "SHA256SUMS.minisig") return true;
  const auto parts = split(name, '/');
  return std::all_of(parts.begin(), parts.end(),
                     [](const std::string& part) { return is_name(part); });
}

Status sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0)
    return fail_errno("file.write", "cannot make " + folder.string() + " durable", errno);
  return {};
}

// Evidence is meant to be handed on: the record itself is readable, whoever may reach it.
Status make_readable_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    return fail_errno("file.write", "cannot make the folder " + folder.string(), errno);
  if (::chmod(folder.c_str(), 0755) != 0)
    return fail_errno("file.write", "cannot set the mode of " + folder.string(), errno);
  return {};
}

}  // namespace

Status RecordFile::write(std::string_view bytes) {
  sum_.update(bytes);
  buffer_.append(bytes);
  if (buffer_.size() < buffered) return {};
  auto written = write_all(fd_.get(), buffer_);
  buffer_.clear();
  if (!written) written.error().context.push_back("while writing " + name_);
  return written;
}

Result<RecordFolder> RecordFolder::create(const fs::path& to) {
  std::error_code problem;
  if (to.filename().empty() || fs::symlink_status(to, problem).type() != fs::file_type::not_found)
    return fail("record.exists", to.string() + " is there already; a record is never written over");
  const fs::path parent = to.has_parent_path() ? to.parent_path() : fs::path(".");
  if (auto made = make_folders(parent); !made) return pass(made);
  auto making = TempDir::create(parent, ".making-record");
  if (!making) return pass(making);
  RecordFolder folder(std::move(*making), to);
  if (auto made = make_readable_folder(folder.path() / "record"); !made) return pass(made);
  return folder;
}

Result<RecordFile> RecordFolder::open(const std::string& name) {
  if (!is_record_name(name))
    return fail("file.name", "\"" + printable(name, 80) + "\" cannot be a file of a record");
  fs::path at = path() / "record";
  const auto parts = split(name, '/');
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    at /= parts[i];
    if (auto made = make_readable_folder(at); !made) return pass(made);
  }
  at /= parts.back();
  Fd fd(::open(at.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) return fail_errno("file.write", "cannot create " + name + " of the record", errno);
  ::fchmod(fd.get(), 0644);  // whatever the umask says
  return RecordFile(std::move(fd), name);
}

Status RecordFolder::close(RecordFile file) {
  if (auto written = write_all(file.fd_.get(), file.buffer_); !written)
    return pass(written, "while writing " + file.name_);
  if (::fsync(file.fd_.get()) != 0)
    return fail_errno("file.write", "cannot make " + file.name_ + " durable", errno);
  digests_[file.name_] = file.sum_.hex();
  return {};
}

Status RecordFolder::add(const std::string& name, std::string_view bytes) {
  auto file = open(name);
  if (!file) return pass(file);
  if (auto written = file->write(bytes); !written) return written;
  return close(std::move(*file));
}

std::string RecordFolder::sums() const {
  std::string text;
  for (const auto& [name, digest] : digests_)
    if (!name.starts_with("SHA256SUMS")) text.append(digest).append("  ").append(name).append("\n");
  return text;
}

Status RecordFolder::publish(Readers readers) {
  const fs::path record = path() / "record";
  if (readers == Readers::owner && ::chmod(record.c_str(), 0700) != 0)
    return fail_errno("file.write", "cannot seal " + to_.string(), errno);
  std::error_code problem;
  for (const auto& entry : fs::recursive_directory_iterator(record, problem))
    if (entry.is_directory())
      if (auto synced = sync_folder(entry.path()); !synced) return synced;
  if (auto synced = sync_folder(record); !synced) return synced;
  // RENAME_NOREPLACE: an empty folder that appeared meanwhile is not ours to replace.
  if (::renameat2(AT_FDCWD, record.c_str(), AT_FDCWD, to_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST)
      return fail("record.exists",
                  to_.string() + " is there already; a record is never written over");
    return fail_errno("file.write", "cannot put the record at " + to_.string(), errno);
  }
  return sync_folder(to_.has_parent_path() ? to_.parent_path() : fs::path("."));
}

}  // namespace hyops::record
