// Finds thousands of literals in one pass: a sampled gram, a filter, a bucket, a comparison.
#include "record/redact_index.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <tuple>

#include "base/secret.hpp"

namespace hyops::record {
namespace {

constexpr size_t shortest_indexed = 6;  // what is shorter is looked for at every byte
constexpr size_t shortest_long = 12;    // from here on longer grams, which hardly ever mislead
constexpr size_t longest_stride = 16;
constexpr size_t most_entries = 1 << 18;  // a few megabytes: a longer stride is not worth more
constexpr unsigned prefix_bits = 18;

template <size_t Size>
uint64_t gram_at(const char* at) {
  uint64_t gram = 0;
  std::memcpy(&gram, at, Size);
  return gram;
}

// The same where eight bytes may be read: one load and a mask.
template <size_t Size>
uint64_t gram_inside(const char* at) {
  constexpr uint64_t mask = Size == 8 ? ~uint64_t{0} : (uint64_t{1} << Size * 8) - 1;
  return std::endian::native == std::endian::little ? gram_at<8>(at) & mask : gram_at<Size>(at);
}

uint64_t mixed(uint64_t gram) { return gram * 0x9e3779b97f4a7c15u; }

// A gram is two bits of one word of the filter.
unsigned first_bit(uint64_t hash) { return hash >> 38 & 63; }
unsigned second_bit(uint64_t hash) { return hash >> 32 & 63; }

// Two tests instead of one of a mask: the processor has an instruction for them. The answer is a
// number, for numbers `&` and `|` have no branch.
unsigned has(const uint64_t* filter, uint64_t hash, unsigned shift) {
  const uint64_t word = filter[hash >> shift];
  return static_cast<unsigned>((word >> first_bit(hash) & 1) & (word >> second_bit(hash) & 1));
}

// Sorts like the bytes do.
uint32_t prefix_at(const char* at) {
  const auto byte = [&](int i) { return static_cast<uint32_t>(static_cast<unsigned char>(at[i])); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

uint32_t prefix_bit(uint32_t prefix) {
  return static_cast<uint32_t>(mixed(prefix) >> (64 - prefix_bits));
}

}  // namespace

void GramTable::build(const std::vector<Literal>& literals, const std::vector<uint32_t>& numbers,
                      size_t gram) {
  gram_ = gram;
  if (gram == 4)
    build_with<4>(literals, numbers);
  else
    build_with<6>(literals, numbers);
}

template <size_t Size>
void GramTable::build_with(const std::vector<Literal>& literals,
                           const std::vector<uint32_t>& numbers) {
  const size_t stride =
      std::clamp<size_t>(most_entries / std::max<size_t>(numbers.size(), 1), 1, longest_stride);
  size_t shortest = stride + Size - 1;
  for (const uint32_t number : numbers) shortest = std::min(shortest, literals[number].text.size());
  stride_ = shortest - Size + 1;

  // From 16 to 64 bits of filter for each gram, at most 512 KiB, which stays in the cache.
  const size_t grams = std::max<size_t>(numbers.size() * stride_, 1 << 10);
  bucket_bits_ = static_cast<unsigned>(std::bit_width(grams));
  filter_bits_ = std::min(bucket_bits_ - 1, 16u);
  filter_.assign(size_t{1} << filter_bits_, 0);
  std::vector<uint32_t> crowd(size_t{1} << bucket_bits_, 0);
  entries_.reserve(grams);
  for (const uint32_t number : numbers) {
    const std::string& text = literals[number].text;
    // Any stretch of the literal will do. Escapes such as &quot; are in thousands of literals, so
    // the stretch is taken whose grams are the rarest so far.
    const size_t last = text.size() - Size - stride_ + 1;
    size_t best = 0;
    uint32_t least = UINT32_MAX;
    for (const size_t begin : {size_t{0}, last / 3, last * 2 / 3, last}) {
      uint32_t most = 0;
      for (size_t i = 0; i < stride_; ++i)
        most = std::max(
            most, crowd[mixed(gram_at<Size>(text.data() + begin + i)) >> (64 - bucket_bits_)]);
      if (most < least) std::tie(least, best) = std::pair(most, begin);
    }
    for (size_t offset = best; offset < best + stride_; ++offset) {
      const uint64_t gram = gram_at<Size>(text.data() + offset), hash = mixed(gram);
      filter_[hash >> (64 - filter_bits_)] |=
          uint64_t{1} << first_bit(hash) | uint64_t{1} << second_bit(hash);
      ++crowd[hash >> (64 - bucket_bits_)];
      entries_.push_back({gram, number, static_cast<uint32_t>(offset)});
    }
  }
  // Into their buckets, by counting.
  bucket_start_.assign(crowd.size() + 1, 0);
  for (size_t i = 0; i < crowd.size(); ++i) bucket_start_[i + 1] = bucket_start_[i] + crowd[i];
  std::vector<uint32_t> next(bucket_start_.begin(), bucket_start_.end() - 1);
  std::vector<Entry> sorted(entries_.size());
  for (const Entry& entry : entries_)
    sorted[next[mixed(entry.gram) >> (64 - bucket_bits_)]++] = entry;
  entries_ = std::move(sorted);
}

void GramTable::find(const std::vector<Literal>& literals, std::string_view text,
                     std::vector<Hit>& hits) const {
  if (entries_.empty()) return;
  if (gram_ == 4)
    find_with<4>(literals, text, hits);
  else
    find_with<6>(literals, text, hits);
}

template <size_t Size>
void GramTable::find_with(const std::vector<Literal>& literals, std::string_view text,
                          std::vector<Hit>& hits) const {
  const char* const data = text.data();
  const size_t size = text.size(), stride = stride_;
  const uint64_t* const filter = filter_.data();
  const unsigned shift = 64 - filter_bits_;
  const auto passes = [=](size_t at) {
    return has(filter, mixed(gram_inside<Size>(data + at)), shift);
  };
  size_t at = 0;
  // Four at a time, without a branch between them: the processor looks all of them up at once.
  for (; at + 3 * stride + 8 <= size; at += 4 * stride) {
    const unsigned any =
        passes(at) | passes(at + stride) | passes(at + 2 * stride) | passes(at + 3 * stride);
    if (any == 0) [[likely]]
      continue;
    for (size_t i = 0; i < 4; ++i)
      look(literals, text, at + i * stride, gram_at<Size>(data + at + i * stride), hits);
  }
  for (; at + Size <= size; at += stride) look(literals, text, at, gram_at<Size>(data + at), hits);
}

void GramTable::look(const std::vector<Literal>& literals, std::string_view text, size_t at,
                     uint64_t gram, std::vector<Hit>& hits) const {
  const uint64_t hash = mixed(gram), bucket = hash >> (64 - bucket_bits_);
  if (has(filter_.data(), hash, 64 - filter_bits_) == 0) return;
  for (uint32_t i = bucket_start_[bucket]; i < bucket_start_[bucket + 1]; ++i) {
    const Entry& entry = entries_[i];
    if (entry.gram != gram || entry.offset > at) continue;
    const std::string& wanted = literals[entry.literal].text;
    const size_t start = at - entry.offset;
    if (text.substr(start, wanted.size()) == wanted)
      hits.push_back({start, start + wanted.size(), entry.literal});
  }
}

LiteralIndex::LiteralIndex(std::vector<Literal> literals) : literals_(std::move(literals)) {
  std::stable_sort(literals_.begin(), literals_.end(), [](const Literal& a, const Literal& b) {
    return std::tie(a.text, a.word) < std::tie(b.text, b.word);
  });
  const auto same = [](const Literal& a, const Literal& b) { return a.text == b.text; };
  literals_.erase(std::unique(literals_.begin(), literals_.end(), same), literals_.end());

  std::vector<uint32_t> shorter, longer;
  prefix_seen_.assign((size_t{1} << prefix_bits) / 64, 0);
  for (uint32_t number = 0; number < literals_.size(); ++number) {
    const std::string& text = literals_[number].text;
    longest_ = std::max(longest_, text.size());
    if (text.size() >= 4) {
      const uint32_t prefix = prefix_at(text.data()), bit = prefix_bit(prefix);
      prefix_seen_[bit >> 6] |= uint64_t{1} << (bit & 63);
      if (prefixes_.empty() || prefixes_.back().first != prefix)
        prefixes_.emplace_back(prefix, number);
    }
    if (text.size() >= shortest_long)
      longer.push_back(number);
    else if (text.size() >= shortest_indexed)
      shorter.push_back(number);
    else
      by_first_[static_cast<unsigned char>(text[0])].push_back(number);
    any_tiny_ = any_tiny_ || text.size() < shortest_indexed;
  }
  short_.build(literals_, shorter, 4);
  long_.build(literals_, longer, 6);
}

LiteralIndex::~LiteralIndex() {
  for (auto& literal : literals_) wipe(literal.text.data(), literal.text.size());
}

void LiteralIndex::find(std::string_view text, std::vector<Hit>& hits) const {
  short_.find(literals_, text, hits);
  long_.find(literals_, text, hits);
  for (size_t at = 0; any_tiny_ && at < text.size(); ++at)
    for (const uint32_t number : by_first_[static_cast<unsigned char>(text[at])]) {
      const std::string& wanted = literals_[number].text;
      if (text.substr(at, wanted.size()) == wanted)
        hits.push_back({at, at + wanted.size(), number});
    }
}

bool LiteralIndex::begins_a_literal(std::string_view text) const {
  auto from = literals_.begin();
  if (text.size() >= 4) {
    const uint32_t prefix = prefix_at(text.data()), bit = prefix_bit(prefix);
    if ((prefix_seen_[bit >> 6] >> (bit & 63) & 1) == 0) return false;
    const auto found = std::lower_bound(prefixes_.begin(), prefixes_.end(), std::pair(prefix, 0u));
    if (found == prefixes_.end() || found->first != prefix) return false;
    from += found->second;
  }
  // The literals of four bytes and more with one prefix are neighbours; of shorter text any may be.
  const auto to = text.size() < 4 ? literals_.end()
                                  : std::find_if(from, literals_.end(), [&](const Literal& one) {
                                      return one.text.compare(0, 4, text.substr(0, 4)) != 0;
                                    });
  auto found = std::lower_bound(from, to, text,
                                [](const Literal& a, std::string_view b) { return a.text < b; });
  if (found != to && found->text == text) ++found;
  return found != to && std::string_view(found->text).substr(0, text.size()) == text;
}

size_t LiteralIndex::open_from(std::string_view text) const {
  if (longest_ == 0) return text.size();
  for (size_t at = text.size() - std::min(text.size(), longest_ - 1); at < text.size(); ++at)
    if (begins_a_literal(text.substr(at))) return at;
  return text.size();
}

}  // namespace hyops::record
