// Finds thousands of literals in one pass over a text, by looking at a few of its bytes.
//
// Every literal of at least `stride + 3` bytes covers, wherever it stands, a position that is a multiple of
// the stride together with its next three bytes. So only those four-byte grams of the text are looked up:
// first in a bitmap that fits the cache, then in buckets that name the literals having that gram
// at that distance from their start. bench/redact.cpp measures it beside Vectorscan, which is slower
// here and takes half a second to compile what this builds in milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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

class LiteralIndex {
 public:
  LiteralIndex() = default;
  explicit LiteralIndex(std::vector<Literal> literals);
  LiteralIndex(LiteralIndex&&) = default;
  LiteralIndex& operator=(LiteralIndex&&) = default;
  ~LiteralIndex();  // wipes: the literals are the secrets

  // Appends every occurrence, in no order, word boundaries not yet looked at.
  void find(std::string_view text, std::vector<Hit>& hits) const;
  // The first position from which the rest of the text is the beginning of a literal, but not all of
  // one; text.size() where there is none.
  size_t open_from(std::string_view text) const;
  const Literal& literal(uint32_t number) const { return literals_[number]; }

 private:
  struct Entry {
    uint32_t gram, literal, offset;
  };
  bool begins_a_literal(std::string_view text) const;

  std::vector<Literal> literals_;       // sorted by text, no text twice
  std::vector<uint32_t> by_first_[256]; // the literals too short for the grams
  bool any_short_ = false;
  size_t stride_ = 1;
  size_t longest_ = 0;
  std::vector<uint64_t> seen_, first_seen_;  // bitmaps over hashes: of all grams, of grams that begin a literal
  std::vector<uint32_t> bucket_start_;
  std::vector<Entry> entries_;
};

}  // namespace hyops::record
