// Where a lab keeps what: the one place that knows the layout of its directory.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hyops::labd {

struct LabPaths {
  std::filesystem::path dir;

  [[nodiscard]] std::filesystem::path marker() const { return dir / "lab.json"; }
  [[nodiscard]] std::filesystem::path state() const { return dir / "state.json"; }
  [[nodiscard]] std::filesystem::path lock() const { return dir / "lock"; }
  [[nodiscard]] std::filesystem::path log() const { return dir / "serve.log"; }
  [[nodiscard]] std::filesystem::path socket() const { return dir / "admin.sock"; }
  [[nodiscard]] std::filesystem::path tokens() const { return dir / "tokens"; }
  [[nodiscard]] std::filesystem::path token(std::string_view zone) const { return tokens() / zone; }
  [[nodiscard]] std::filesystem::path images() const { return dir / "images"; }
  [[nodiscard]] std::filesystem::path runner_layer() const { return images() / "runner" / "usr"; }
  [[nodiscard]] std::filesystem::path hosts() const { return dir / "hosts"; }
  [[nodiscard]] std::filesystem::path host(std::string_view name) const { return hosts() / name; }
};

}  // namespace hyops::labd
