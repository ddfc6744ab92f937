// The lab from the outside: its daemon's commands, and hyops typed on the lab's hosts as a person
// would.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "process/spawn.hpp"

namespace hyops::lab {

class Lab {
 public:
  // `labd`: the daemon's executable; `folder`: where the lab keeps itself; `name`: of its
  // namespaces.
  Lab(std::filesystem::path labd, std::filesystem::path folder, std::string name)
      : labd_(std::move(labd)), folder_(std::move(folder)), name_(std::move(name)) {}

  Status up(const std::filesystem::path& prefix)
      const;            // hosts of image `runner` see this installed hyops
  Status down() const;  // fails where anything is left (lab.leftover)
  Result<Json> place(const std::string& zone, const std::string& host, const std::string& image,
                     const std::filesystem::path& authorized_key,
                     const std::string& address = {}) const;
  Status fault(const std::vector<std::string>& words) const;
  Result<std::string> token(const std::string& zone) const;

  // Runs a command on a host to its end. A non-zero exit is lab.command with its last lines.
  Result<std::string> run(const std::string& host, const std::vector<std::string>& argv,
                          std::string_view input = {}, int64_t timeout_ms = 300'000) const;
  Result<Json> json(const std::string& host, const std::vector<std::string>& argv,
                    std::string_view input = {}) const;
  Status write(const std::string& host, const std::string& file, std::string_view contents) const;
  Result<process::Child> start(const std::string& host, const std::vector<std::string>& argv,
                               int out, int err) const;

 private:
  Result<process::Output> labd(std::vector<std::string> words, std::string_view input,
                               int64_t timeout_ms) const;
  std::vector<std::string> exec_words(const std::string& host,
                                      const std::vector<std::string>& argv) const;
  std::filesystem::path labd_, folder_;
  std::string name_;
};

}  // namespace hyops::lab
