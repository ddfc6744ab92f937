// Files and descriptors: owned, bounded, replaced whole or not at all.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace hyops {

// Owns one descriptor; closes it at its end.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// A new folder under `parent` (mode 0700) that is removed with all its contents at the end.
class TempDir {
 public:
  static Result<TempDir> create(const std::filesystem::path& parent,
                                std::string_view prefix = "hyops");
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// All of a regular file (file.open, file.read, file.too_large).
Result<std::string> read_file(const std::filesystem::path& file, size_t max_bytes = 64u << 20);

// Hands the file to `take` in pieces of at most 1 MiB, whatever its size.
Status read_chunks(const std::filesystem::path& file,
                   const std::function<void(std::string_view)>& take);

// Writes beside the target, fsyncs, renames, fsyncs the folder: after a crash the file is the old
// or the new one, never a part. `mode` as for open(2). A full disk leaves the old file
// (file.write). What a crash may take is written without the fsyncs.
enum class Durable : bool { no, yes };
Status write_file(const std::filesystem::path& file, std::string_view contents, mode_t mode = 0644,
                  Durable durable = Durable::yes);

// Writes all bytes to a descriptor, over short writes and EINTR. Errors: errno of write(2).
Status write_all(int fd, std::string_view bytes);

// Folders with mode 0700 for what hyops keeps; fine when they are there.
Status make_folders(const std::filesystem::path& folder);

// Copies a tree of regular files and folders, keeping only the x bit; a link or special file is an
// error (file.name), so nothing from outside the tree comes along (K6).
Status copy_tree(const std::filesystem::path& from, const std::filesystem::path& to);

// True for what may name a module, lane, step, host or file part: [a-z0-9][a-z0-9._-]{0,63}, no
// "..".
bool is_name(std::string_view name);
// The same with exactly one slash between two names: "postgresql/restore".
bool is_path_name(std::string_view name);

}  // namespace hyops
