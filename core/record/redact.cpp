// Redaction by value: every spelling of every secret, and what is a secret by its shape, in one
// pass over a stream that may be cut anywhere (K2).
#include "record/redact.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "record/redact_index.hpp"
#include "record/redact_patterns.hpp"
#include "record/redact_spellings.hpp"

namespace hyops::record {
namespace {

constexpr uint32_t pattern_label = 0;
constexpr uint32_t trigger_label = UINT32_MAX;
constexpr size_t shortest_anywhere = 6;       // bytes; a shorter secret is matched as a word
constexpr size_t max_secret_bytes = 1 << 20;  // of all: keeps the index in tens of megabytes

}  // namespace

struct Redactor::Impl {
  LiteralIndex index;
  std::vector<std::string> labels;  // what stands in the place of a secret
};

bool Redactor::knows(const std::string& name) const {
  const std::string label = "[redacted:" + printable(name, 64) + "]";
  return std::find(impl_->labels.begin(), impl_->labels.end(), label) != impl_->labels.end();
}

Redactor::Redactor(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Redactor::Redactor(Redactor&&) noexcept = default;
Redactor& Redactor::operator=(Redactor&&) noexcept = default;
Redactor::~Redactor() = default;

Result<Redactor> Redactor::create(const std::vector<Named>& secrets) {
  auto impl = std::make_shared<Impl>();
  impl->labels.emplace_back("[redacted:pattern]");
  std::vector<Literal> literals;
  for (auto& trigger : triggers()) literals.push_back({std::move(trigger), trigger_label, false});
  size_t total = 0;
  for (const auto& secret : secrets) {
    const std::string_view value = trimmed(secret.value.reveal());
    if (value.empty()) continue;
    total += value.size();
    if (total > max_secret_bytes)
      return fail("record.redact.too_large", "the secrets of this step have more than " +
                                                 std::to_string(max_secret_bytes) + " bytes");
    const auto label = static_cast<uint32_t>(impl->labels.size());
    impl->labels.push_back("[redacted:" + printable(secret.name, 64) + "]");
    const bool word = value.size() < shortest_anywhere;
    for (auto& spelling : word ? short_spellings(value) : spellings(value))
      literals.push_back({std::move(spelling), label, word});
  }
  impl->index = LiteralIndex(std::move(literals));
  return Redactor(std::move(impl));
}

// A part of the text that is replaced: an occurrence of a secret, or a pattern.
struct Region {
  size_t start = 0, end = 0;
  uint32_t label = 0;
  size_t trigger = 0;  // the text from here is needed to find the region again
  PatternTail tail;
};

// What a text that went before leaves for the one that follows it.
struct Behind {
  std::string carry;  // held back
  char before = 0;    // the byte before it
  // Where the last replacement reached into what is held back, and which it was.
  size_t covered = 0;
  bool in_cluster = false;
  uint32_t cluster = 0;
  // The same for the last pattern, which may continue.
  size_t pattern_end = 0;
  PatternTail tail;
};

struct Redactor::Stream::Impl : Behind {
  std::shared_ptr<const Redactor::Impl> redactor;
  std::vector<Hit> hits;
  std::vector<Region> regions;
  std::vector<Pattern> patterns;

  std::string take(std::string_view chunk, bool final);
  std::string whole(std::string_view text);
  Json redact(const Json& value);
  size_t find_secrets(std::string_view text, bool final);
  size_t find_patterns(std::string_view text, bool final, size_t hold);
  std::string replace(std::string_view text, size_t hold);
  void pass_over(std::string_view text, size_t hold, size_t reached);
};

// Fills `regions` with the secrets and `patterns` with the triggers; returns from where on a secret
// may have begun that is not all there.
size_t Redactor::Stream::Impl::find_secrets(std::string_view text, bool final) {
  const LiteralIndex& index = redactor->index;
  hits.clear();
  regions.clear();
  patterns.clear();
  index.find(text, hits);
  size_t hold = final ? text.size() : index.open_from(text);
  for (const Hit& hit : hits) {
    const Literal& literal = index.literal(hit.literal);
    if (literal.label == trigger_label) {
      patterns.push_back({hit.start, hit.start, hit.end, false, {}});
      continue;
    }
    if (literal.word) {
      if (is_word(hit.start > 0 ? text[hit.start - 1] : before)) continue;
      if (hit.end < text.size() && is_word(text[hit.end])) continue;
      if (hit.end == text.size() && !final) {
        hold = std::min(hold, hit.start);
        continue;
      }
    }
    regions.push_back({hit.start, hit.end, literal.label, hit.start, {}});
  }
  return hold;
}

// Decides the patterns in the order of the text; within one no other is looked for.
size_t Redactor::Stream::Impl::find_patterns(std::string_view text, bool final, size_t hold) {
  if (tail.open()) pattern_end += tail.take(text.substr(pattern_end));
  covered = std::max(covered, pattern_end);
  const size_t triggered = patterns.size();
  find_short_patterns(text, before, final, patterns);
  for (size_t i = 0; i < triggered; ++i) {
    if (patterns[i].trigger < pattern_end) continue;
    const auto found = pattern_at(text, patterns[i].trigger, final);
    if (found) patterns.push_back(*found);
  }
  patterns.erase(patterns.begin(), patterns.begin() + static_cast<long>(triggered));
  std::sort(patterns.begin(), patterns.end(),
            [](const Pattern& a, const Pattern& b) { return a.trigger < b.trigger; });
  size_t until = pattern_end;
  for (const Pattern& pattern : patterns) {
    if (pattern.trigger < until) continue;
    if (pattern.undecided) {
      hold = std::min(hold, pattern.trigger);
      continue;
    }
    regions.push_back({pattern.start, pattern.end, pattern_label, pattern.trigger, pattern.tail});
    until = pattern.end;
  }
  return hold;
}

// Writes the text up to `hold` with its regions replaced, overlapping ones as one, and keeps the
// rest.
std::string Redactor::Stream::Impl::replace(std::string_view text, size_t hold) {
  std::string out;
  out.reserve(hold + 64);
  size_t reached = covered;
  for (const Region& region : regions) {
    if (region.start >= hold) break;
    if (in_cluster &&
        (region.start < reached || (region.start == reached && region.label == cluster))) {
      reached = std::max(reached, region.end);
    } else {
      out += text.substr(reached, region.start - reached);
      out += redactor->labels[region.label];
      in_cluster = true;
      cluster = region.label;
      reached = region.end;
    }
    if (region.label != pattern_label) continue;
    pattern_end = region.end;
    tail = region.tail;
  }
  if (reached < hold) out += text.substr(reached, hold - reached);
  pass_over(text, hold, reached);
  return out;
}

// The text up to `hold` is done with, and what was replaced last reached to `reached`.
void Redactor::Stream::Impl::pass_over(std::string_view text, size_t hold, size_t reached) {
  if (reached < hold) in_cluster = false;
  covered = reached > hold ? reached - hold : 0;
  pattern_end = pattern_end > hold ? pattern_end - hold : 0;
  if (hold > 0) before = text[hold - 1];
}

std::string Redactor::Stream::Impl::take(std::string_view chunk, bool final) {
  const bool joined = !carry.empty();
  if (joined) carry += chunk;
  const std::string_view text = joined ? std::string_view(carry) : chunk;
  size_t hold = find_patterns(text, final, find_secrets(text, final));
  std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) {
    return a.start != b.start ? a.start < b.start
           : a.end != b.end   ? a.end > b.end
                              : a.label < b.label;
  });
  // What is not replaced now must be found again: keep it from its trigger on.
  for (auto region = regions.rbegin(); region != regions.rend(); ++region)
    if (region->start >= hold) hold = std::min(hold, region->trigger);
  if (joined && covered == 0 && (regions.empty() || regions.front().start >= hold)) {
    // Nothing in it is replaced: what was gathered is the output, without another copy of it.
    pass_over(text, hold, 0);
    std::string rest(text.substr(hold)), out = std::exchange(carry, std::move(rest));
    out.resize(hold);
    return out;
  }
  std::string out = replace(text, hold);
  if (joined)
    carry.erase(0, hold);
  else
    carry = text.substr(hold);
  return out;
}

Redactor::Stream::Stream(const Redactor& redactor) : impl_(std::make_unique<Impl>()) {
  impl_->redactor = redactor.impl_;
}
Redactor::Stream::Stream(Stream&&) noexcept = default;
Redactor::Stream::~Stream() = default;

std::string Redactor::Stream::feed(std::string_view chunk) { return impl_->take(chunk, false); }

std::string Redactor::Stream::finish() { return impl_->take({}, true); }

std::string Redactor::redact(std::string_view text) const {
  return Stream(*this).impl_->take(text, true);
}

Json Redactor::redact(const Json& value) const { return Stream(*this).impl_->redact(value); }

// A text by itself: what an earlier one left behind says nothing about it.
std::string Redactor::Stream::Impl::whole(std::string_view text) {
  static_cast<Behind&>(*this) = {};
  return take(text, true);
}

Json Redactor::Stream::Impl::redact(const Json& value) {
  if (value.is_string()) return whole(value.get_ref<const std::string&>());
  if (value.is_array()) {
    Json out = Json::array();
    for (const auto& element : value) out.push_back(redact(element));
    return out;
  }
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, element] : value.items()) {
      std::string shown = whole(key);
      while (out.contains(shown)) shown += '~';  // two secret keys are still two members
      out[shown] = redact(element);
    }
    return out;
  }
  if (!value.is_number()) return value;
  const std::string digits = value.dump();  // a secret may be a number, such as a PIN
  std::string shown = whole(digits);
  return shown == digits ? value : Json(std::move(shown));
}

}  // namespace hyops::record
