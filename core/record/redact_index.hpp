// Finds thousands of literals in one pass over a text, by looking at a few of its bytes.
//
// A literal of at least `stride + gram - 1` bytes covers, wherever it stands, a position that is a
// multiple of the stride, together with the gram that begins there. So only those grams of the text
// are looked up: first in a filter that fits the cache, then in buckets that name the literals
// having that gram at that distance from their start. bench/redact.cpp measures it beside
// Vectorscan, which needs half a second to compile what this builds in a tenth of that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hyops::record {

struct Literal {
  std::string text;
  uint32_t label = 0;
  bool word = false;  // matched between word boundaries only
};

struct Hit {
  size_t start = 0, end = 0;
  uint32_t literal = 0;
};

// The literals of one class of length, found by grams of `gram` bytes: 4 or 6.
class GramTable {
 public:
  // `numbers` are places in `literals`, which must stay where it is.
  void build(const std::vector<Literal>& literals, const std::vector<uint32_t>& numbers,
             size_t gram);
  void find(const std::vector<Literal>& literals, std::string_view text,
            std::vector<Hit>& hits) const;

 private:
  struct Entry {
    uint64_t gram;
    uint32_t literal, offset;
  };
  template <size_t Size>
  void build_with(const std::vector<Literal>& literals, const std::vector<uint32_t>& numbers);
  template <size_t Size>
  void find_with(const std::vector<Literal>& literals, std::string_view text,
                 std::vector<Hit>& hits) const;
  void look(const std::vector<Literal>& literals, std::string_view text, size_t at, uint64_t gram,
            std::vector<Hit>& hits) const;

  size_t gram_ = 4, stride_ = 1;
  unsigned filter_bits_ = 0, bucket_bits_ = 0;
  std::vector<uint64_t> filter_;  // a Bloom filter: one word and two bits of it for each gram
  std::vector<uint32_t> bucket_start_;
  std::vector<Entry> entries_;
};

class LiteralIndex {
 public:
  LiteralIndex() = default;
  explicit LiteralIndex(std::vector<Literal> literals);
  LiteralIndex(LiteralIndex&&) = default;
  LiteralIndex& operator=(LiteralIndex&&) = default;
  ~LiteralIndex();  // wipes: the literals are the secrets

  // Appends every occurrence, in no order, word boundaries not yet looked at.
  void find(std::string_view text, std::vector<Hit>& hits) const;
  // The first position from which the rest of the text is the beginning of a literal, but not all
  // of one; text.size() where there is none.
  size_t open_from(std::string_view text) const;
  const Literal& literal(uint32_t number) const { return literals_[number]; }

 private:
  bool begins_a_literal(std::string_view text) const;

  std::vector<Literal> literals_;        // sorted by text, no text twice
  std::vector<uint32_t> by_first_[256];  // the literals too short for grams
  bool any_tiny_ = false;
  size_t longest_ = 0;
  GramTable short_, long_;
  // The first four bytes of literals, as a number that sorts like them, and the first literal with
  // it.
  std::vector<std::pair<uint32_t, uint32_t>> prefixes_;
  std::vector<uint64_t> prefix_seen_;  // a bitmap over their hashes
};

}  // namespace hyops::record
