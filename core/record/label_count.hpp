// Which secrets redaction took out of a text: the names whose labels stand in it more often than
// before.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hyops::record {

class LabelCount {
 public:
  LabelCount() = default;
  explicit LabelCount(std::string_view text) { take(text); }
  void take(std::string_view piece);  // of a text that may be cut anywhere

  // Names, without those that only a pattern found.
  std::vector<std::string> more_than(const LabelCount& before) const;

 private:
  std::string carry_;  // a label that may have begun
  std::map<std::string, int64_t> counts_;
};

}  // namespace hyops::record
