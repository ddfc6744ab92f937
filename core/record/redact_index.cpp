// Finds thousands of literals in one pass: a sampled gram, a bitmap, a bucket, a comparison.
#include "record/redact_index.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/secret.hpp"

namespace hyops::record {
namespace {

constexpr size_t gram_size = 4;
constexpr size_t shortest_indexed = 6;  // what is shorter is looked for at every byte
constexpr size_t longest_stride = 8;
constexpr unsigned bitmap_bits = 20;    // 128 KiB, in the second-level cache
constexpr unsigned bucket_bits = 16;

uint32_t gram_at(const char* at) {
  uint32_t gram = 0;
  std::memcpy(&gram, at, sizeof gram);
  return gram;
}

uint32_t mixed(uint32_t gram) { return gram * 0x9e3779b1u; }

void set(std::vector<uint64_t>& bitmap, uint32_t gram) {
  const uint32_t bit = mixed(gram) >> (32 - bitmap_bits);
  bitmap[bit >> 6] |= uint64_t{1} << (bit & 63);
}

bool has(const std::vector<uint64_t>& bitmap, uint32_t gram) {
  const uint32_t bit = mixed(gram) >> (32 - bitmap_bits);
  return (bitmap.data()[bit >> 6] >> (bit & 63) & 1) != 0;
}

uint32_t bucket_of(uint32_t gram) { return mixed(gram) >> (32 - bucket_bits); }

}  // namespace

LiteralIndex::LiteralIndex(std::vector<Literal> literals) : literals_(std::move(literals)) {
  std::stable_sort(literals_.begin(), literals_.end(),
                   [](const Literal& a, const Literal& b) {
                     return std::tie(a.text, a.word) < std::tie(b.text, b.word);
                   });
  literals_.erase(std::unique(literals_.begin(), literals_.end(),
                              [](const Literal& a, const Literal& b) { return a.text == b.text; }),
                  literals_.end());
  seen_.assign((size_t{1} << bitmap_bits) / 64, 0);
  first_seen_ = seen_;
  size_t shortest = longest_stride + gram_size - 1;
  for (const auto& literal : literals_) {
    longest_ = std::max(longest_, literal.text.size());
    if (literal.text.size() >= shortest_indexed) shortest = std::min(shortest, literal.text.size());
  }
  stride_ = shortest - gram_size + 1;

  for (uint32_t number = 0; number < literals_.size(); ++number) {
    const std::string& text = literals_[number].text;
    if (text.size() >= gram_size) set(first_seen_, gram_at(text.data()));
    if (text.size() < shortest_indexed) {
      by_first_[static_cast<unsigned char>(text[0])].push_back(number);
      any_short_ = true;
      continue;
    }
    for (uint32_t offset = 0; offset < stride_; ++offset) {
      const uint32_t gram = gram_at(text.data() + offset);
      set(seen_, gram);
      entries_.push_back({gram, number, offset});
    }
  }
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::pair(bucket_of(a.gram), a.gram) < std::pair(bucket_of(b.gram), b.gram);
  });
  bucket_start_.assign((size_t{1} << bucket_bits) + 1, 0);
  for (const auto& entry : entries_) ++bucket_start_[bucket_of(entry.gram) + 1];
  for (size_t i = 1; i < bucket_start_.size(); ++i) bucket_start_[i] += bucket_start_[i - 1];
}

LiteralIndex::~LiteralIndex() {
  for (auto& literal : literals_) wipe(literal.text.data(), literal.text.size());
}

void LiteralIndex::find(std::string_view text, std::vector<Hit>& hits) const {
  const char* const data = text.data();
  const size_t size = text.size();
  for (size_t at = 0; at + gram_size <= size; at += stride_) {
    const uint32_t gram = gram_at(data + at);
    if (!has(seen_, gram)) [[likely]] continue;
    const uint32_t bucket = bucket_of(gram);
    for (uint32_t i = bucket_start_[bucket]; i < bucket_start_[bucket + 1]; ++i) {
      const Entry& entry = entries_[i];
      if (entry.gram != gram || entry.offset > at) continue;
      const std::string& wanted = literals_[entry.literal].text;
      const size_t start = at - entry.offset;
      if (wanted.size() <= size - start && std::memcmp(data + start, wanted.data(), wanted.size()) == 0)
        hits.push_back({start, start + wanted.size(), entry.literal});
    }
  }
  for (size_t at = 0; any_short_ && at < size; ++at)
    for (const uint32_t number : by_first_[static_cast<unsigned char>(data[at])]) {
      const std::string& wanted = literals_[number].text;
      if (text.substr(at, wanted.size()) == wanted) hits.push_back({at, at + wanted.size(), number});
    }
}

bool LiteralIndex::begins_a_literal(std::string_view text) const {
  auto found = std::lower_bound(literals_.begin(), literals_.end(), text,
                                [](const Literal& a, std::string_view b) { return a.text < b; });
  if (found != literals_.end() && found->text.size() == text.size() && found->text == text) ++found;
  return found != literals_.end() && std::string_view(found->text).substr(0, text.size()) == text;
}

size_t LiteralIndex::open_from(std::string_view text) const {
  if (longest_ == 0) return text.size();
  for (size_t at = text.size() - std::min(text.size(), longest_ - 1); at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (rest.size() >= gram_size && !has(first_seen_, gram_at(rest.data()))) continue;
    if (begins_a_literal(rest)) return at;
  }
  return text.size();
}

}  // namespace hyops::record
