#include "record/label_count.hpp"

#include <algorithm>

namespace hyops::record {
namespace {

constexpr std::string_view begin = "[redacted:";
constexpr size_t longest = begin.size() + 65;  // with its name and bracket

}  // namespace

void LabelCount::take(std::string_view piece) {
  carry_.append(piece);
  size_t at = 0;
  for (;;) {
    at = carry_.find(begin, at);
    if (at == std::string::npos) {
      at = carry_.size() - std::min(carry_.size(), begin.size() - 1);
      break;
    }
    const size_t name = at + begin.size(), end = carry_.find(']', name);
    if (end == std::string::npos && carry_.size() - at < longest) break;  // the rest may follow
    if (end != std::string::npos && end - at < longest) ++counts_[carry_.substr(name, end - name)];
    at = name;
  }
  carry_.erase(0, at);
}

std::vector<std::string> LabelCount::more_than(const LabelCount& before) const {
  std::vector<std::string> names;
  for (const auto& [name, count] : counts_) {
    const auto was = before.counts_.find(name);
    if (name != "pattern" && count > (was == before.counts_.end() ? 0 : was->second))
      names.push_back(name);
  }
  return names;
}

}  // namespace hyops::record
