// What a plugin may have run for it: executables of the machine by name, and files of its own.
#pragma once

#include "base/file.hpp"
#include "plugin/manifest.hpp"

namespace hyops::plugin {

// A program that a manifest declares.
struct Program {
  std::string name;
  std::filesystem::path file;  // of the plugin's own folder; empty: looked up on the runner
  std::string sha256;          // of that file, as it was signed
};

class Programs {
 public:
  explicit Programs(const Manifest& manifest);

  // The program that a request's "argv" begins with. plugin.service.request (argv is no list of
  // texts), plugin.exec.denied (not declared), plugin.file.missing (declared, but not signed).
  Result<Program> named_by(const Json& request, const std::string& service) const;

 private:
  std::string id_;
  std::vector<std::string> executables_, shipped_;
  std::map<std::string, std::string> files_;
  std::filesystem::path folder_;
};

// The texts of "argv" with each "{x}" replaced by what `values` has for x; a name that nobody gave
// is left, and the program will say so.
std::vector<std::string> filled_in(const Json& argv, const Json& values);

// Writes a request's "files" (names to texts) into the folder, mode 0600, and puts their paths into
// `values`. plugin.service.request, file.*
Status write_files(const Json& request, const std::filesystem::path& folder, Json& values,
                   const std::string& service);

}  // namespace hyops::plugin
