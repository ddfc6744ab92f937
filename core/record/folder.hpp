// A record folder while it is made: beside its place, every byte counted into SHA256SUMS, and there
// whole or not at all.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/file.hpp"

namespace hyops::record {

// One file of the record, written from front to end.
class RecordFile {
 public:
  Status write(std::string_view bytes);

 private:
  friend class RecordFolder;
  RecordFile(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  Fd fd_;
  std::string name_, buffer_;
  Sha256 sum_;
};

class RecordFolder {
 public:
  // Fails with record.exists where `to` is there already.
  static Result<RecordFolder> create(const std::filesystem::path& to);

  // `name` is relative, with parts for which is_name holds or one of our own upper-case names
  // (file.name).
  Result<RecordFile> open(const std::string& name);
  Status close(RecordFile file);  // on disk when it returns
  Status add(const std::string& name, std::string_view bytes);

  std::string sums() const;  // what SHA256SUMS says of all files so far
  const std::filesystem::path& path() const { return making_.path(); }
  enum class Readers : bool { all, owner };
  Status publish(Readers readers);  // fsyncs the folders and renames

 private:
  RecordFolder(TempDir making, std::filesystem::path to)
      : making_(std::move(making)), to_(std::move(to)) {}
  TempDir making_;  // the folder that becomes the record is made in here
  std::filesystem::path to_;
  std::map<std::string, std::string> digests_;  // name -> hex; a map sorts like `LC_ALL=C sort`
};

}  // namespace hyops::record
