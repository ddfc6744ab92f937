// Documents for a plugin that brings no JSON library: one value, read strictly and written plainly.
// A convenience beside the contract: hyops/plugin.hpp takes any type with parse() and dump().
#ifndef HYOPS_JSON_HPP
#define HYOPS_JSON_HPP

#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "hyops/plugin.hpp"

namespace hyops::sdk {

// One value of a document. What is asked for and absent is null, zero or the fallback; what has
// another type than asked for fails with invalid/sdk.document, which is what such an input
// deserves.
class Json {
 public:
  enum class Kind { null, boolean, integer, decimal, text, array, object };

  Json() = default;
  template <class N, class = std::enable_if_t<std::is_integral_v<N>>>
  Json(N value)
      : kind_(std::is_same_v<N, bool> ? Kind::boolean : Kind::integer),
        integer_(static_cast<int64_t>(value)) {}
  Json(std::string value) : kind_(Kind::text), text_(std::move(value)) {}
  Json(std::string_view value) : Json(std::string(value)) {}
  Json(const char* value) : Json(std::string(value)) {}
  static Json array(std::vector<Json> items = {}) {
    Json out;
    out.kind_ = Kind::array;
    out.items_ = std::move(items);
    return out;
  }
  static Json object(std::initializer_list<std::pair<const char*, Json>> members = {}) {
    Json out;
    out.kind_ = Kind::object;
    for (const auto& [key, value] : members) out.set(key, value);
    return out;
  }

  Json& set(std::string_view key, Json value) {
    for (size_t i = 0; i < keys_.size(); ++i)
      if (keys_[i] == key) return items_[i] = std::move(value), *this;
    keys_.emplace_back(key);
    items_.push_back(std::move(value));
    return *this;
  }
  void add(Json value) { items_.push_back(std::move(value)); }

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  const Json& operator[](std::string_view key) const {
    static const Json none;
    for (size_t i = 0; i < keys_.size(); ++i)
      if (keys_[i] == key) return items_[i];
    return none;
  }
  const std::vector<Json>& items() const {
    return need(is_null() || kind_ == Kind::array || kind_ == Kind::object, "a list"), items_;
  }
  const std::vector<std::string>& keys() const { return keys_; }
  std::string text(std::string fallback = {}) const {
    return need(is_null() || kind_ == Kind::text, "a text"), is_null() ? fallback : text_;
  }
  int64_t integer(int64_t fallback = 0) const {
    return need(is_null() || kind_ == Kind::integer, "an integer"), is_null() ? fallback : integer_;
  }
  bool boolean(bool fallback = false) const {
    return need(is_null() || kind_ == Kind::boolean, "true or false"),
           is_null() ? fallback : integer_ != 0;
  }
  // Of a platform's answer: its spelling. The documents of hyops have no decimals.
  std::string decimal() const { return need(kind_ == Kind::decimal, "a decimal"), text_; }

  // Fails with invalid/sdk.document for what is no JSON in UTF-8 or is nested more than 64 deep.
  static Json parse(std::string_view text) {
    Reader reader{text};
    Json out = reader.value(0);
    reader.need(reader.peek() == '\0' && reader.at == text.size());
    return out;
  }

  std::string dump() const {
    std::string out;
    write(out);
    return out;
  }

 private:
  static void need(bool good, const char* what) {
    if (!good)
      throw Failed("invalid/sdk.document",
                   std::string("a value should be ") + what + " and is not");
  }

  struct Reader {
    std::string_view from;
    size_t at = 0;

    void need(bool good) const {
      if (!good)
        throw Failed("invalid/sdk.document", "no JSON in UTF-8 at byte " + std::to_string(at));
    }
    char now() const { return at < from.size() ? from[at] : '\0'; }
    char peek() {
      while (now() == ' ' || now() == '\n' || now() == '\t' || now() == '\r') ++at;
      return now();
    }
    bool take(char c) { return peek() == c && at < from.size() ? ++at, true : false; }

    Json value(int depth) {
      need(depth < 64);
      const char c = peek();
      if (c == '"') return string();
      if (c == '{' || c == '[') return structure(depth, c == '{');
      for (const auto& [word, is] :
           {std::pair<std::string_view, Json>{"null", {}}, {"true", true}, {"false", false}})
        if (from.substr(at, word.size()) == word) return at += word.size(), is;
      return number();
    }
    Json structure(int depth, bool is_object) {
      ++at;
      Json out = is_object ? Json::object() : Json::array();
      const char end = is_object ? '}' : ']';
      if (take(end)) return out;
      do {
        if (is_object) {
          need(peek() == '"');
          out.keys_.push_back(string());
          need(take(':'));
        }
        out.items_.push_back(value(depth + 1));
      } while (take(','));
      need(take(end));
      return out;
    }
    Json number() {
      const size_t start = at;
      const auto digits = [&] {
        const size_t first = at;
        while (now() >= '0' && now() <= '9') ++at;
        need(at > first);
      };
      if (now() == '-') ++at;
      const size_t lead = at;
      digits();
      need(from[lead] != '0' || at == lead + 1);
      const size_t whole = at;
      if (now() == '.') ++at, digits();
      if (now() == 'e' || now() == 'E') {
        ++at;
        if (now() == '+' || now() == '-') ++at;
        digits();
      }
      Json out(int64_t{0});
      const char* last = from.data() + at;
      if (at == whole && std::from_chars(from.data() + start, last, out.integer_).ec == std::errc())
        return out;
      out.kind_ = Kind::decimal;
      out.text_ = from.substr(start, at - start);
      return out;
    }
    std::string string() {
      std::string out;
      for (++at; now() != '"';) {
        need(at < from.size());
        const auto c = static_cast<unsigned char>(from[at]);
        need(c >= 0x20);
        if (c == '\\')
          escape(out);
        else
          character(out, c);
      }
      ++at;
      return out;
    }
    void escape(std::string& out) {
      static constexpr std::string_view names = "\"\\/bfnrt", are = "\"\\/\b\f\n\r\t";
      ++at;
      const size_t which = now() ? names.find(now()) : names.npos;
      if (which != names.npos) return ++at, void(out += are[which]);
      need(now() == 'u');
      uint32_t code = unit();
      if (code >= 0xD800 && code < 0xDC00) {
        need(from.substr(at, 2) == "\\u");
        ++at;
        const uint32_t low = unit();
        need(low >= 0xDC00 && low < 0xE000);
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      }
      need(code < 0xD800 || code >= 0xE000);
      const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      static constexpr int lead[] = {0, 0xC0, 0xE0, 0xF0};
      out += static_cast<char>(lead[more] | static_cast<int>(code >> (6 * more)));
      for (int i = more - 1; i >= 0; --i)
        out += static_cast<char>(0x80 | static_cast<int>((code >> (6 * i)) & 0x3F));
    }
    uint32_t unit() {  // at the u of \uXXXX
      uint32_t code = 0;
      ++at;
      need(at + 4 <= from.size());
      const auto end = std::from_chars(from.data() + at, from.data() + at + 4, code, 16).ptr;
      need(end == from.data() + at + 4);
      at += 4;
      return code;
    }
    // One character as it is: no overlong forms, no surrogates, nothing past U+10FFFF.
    void character(std::string& out, unsigned char lead) {
      const size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
      need(more == 0 || (lead >= 0xC2 && lead <= 0xF4 && at + more < from.size()));
      for (size_t i = 1; i <= more; ++i) {
        const auto next = static_cast<unsigned char>(from[at + i]);
        const unsigned low = i > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        const unsigned high = i > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        need(next >= low && next <= high);
      }
      out += from.substr(at, more + 1);
      at += more + 1;
    }
  };

  static void quote(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      if (static_cast<unsigned char>(c) >= 0x20)
        out += c;
      else
        ((out += "\\u00") += hex[(c >> 4) & 15]) += hex[c & 15];
    }
    out += '"';
  }
  void write(std::string& out) const {
    if (kind_ == Kind::null) out += "null";
    if (kind_ == Kind::boolean) out += integer_ ? "true" : "false";
    if (kind_ == Kind::integer) out += std::to_string(integer_);
    if (kind_ == Kind::decimal) out += text_;
    if (kind_ == Kind::text) quote(out, text_);
    if (kind_ != Kind::array && kind_ != Kind::object) return;
    out += kind_ == Kind::object ? '{' : '[';
    for (size_t i = 0; i < items_.size(); ++i) {
      if (i) out += ',';
      if (kind_ == Kind::object) quote(out, keys_[i]), out += ':';
      items_[i].write(out);
    }
    out += kind_ == Kind::object ? '}' : ']';
  }

  Kind kind_ = Kind::null;
  int64_t integer_ = 0;  // of a boolean, too
  std::string text_;
  std::vector<std::string> keys_;  // of an object: the key of the item with the same number
  std::vector<Json> items_;
};

}  // namespace hyops::sdk

#endif  // HYOPS_JSON_HPP
