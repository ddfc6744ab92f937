// The only place that knows toml++: hostile text in, our own tree out. What toml++ 3.3 does not
// survive (other bytes than ASCII, deep keys, its own assertions) is refused before it, or caught
// here.
#include <stdexcept>

#include "contract/document.hpp"

namespace {
// Out of line, because some of the library's assertions stand in noexcept functions.
[[noreturn]] void assertion_failed(const char* what) { throw std::logic_error(what); }
}  // namespace

#undef NDEBUG  // with it toml++ drops its assertions and walks past the end of its buffers
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : assertion_failed("toml++: " #expr))
#define TOML_EXCEPTIONS 1
#define TOML_MAX_NESTED_VALUES 32
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace hyops::contract {
namespace {

// Walks the text as TOML's lexer would, just far enough to know strings and comments from the rest.
// Comments may hold anything (their bytes are handed on as '?'), all else is printable ASCII.
class Screen {
 public:
  Screen(std::string_view text, Source& source) : text_(text), clean_(text), source_(source) {}

  std::optional<std::string> run() {
    for (; at_ < text_.size() && complaints_ < 20; ++at_) {
      step(text_[at_]);
      ++column_;
      if (text_[at_] == '\n') {
        ++line_;
        column_ = 1;
      }
    }
    if (complaints_ > 0) return std::nullopt;
    return std::move(clean_);
  }

 private:
  enum class In { plain, comment, basic, literal, long_basic, long_literal };

  void complain(std::string_view code, std::string message) {
    ++complaints_;
    source_.wrong(line_, column_, code, std::move(message));
  }

  bool ahead(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  void skip(size_t more) {
    at_ += more;
    column_ += static_cast<int>(more);
  }

  void step(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (in_ == In::comment &&
        (byte >= 0x80 || (byte < 0x20 && c != '\n' && c != '\r' && c != '\t'))) {
      clean_[at_] = '?';
      return;
    }
    const bool ends_line = c == '\n' || (c == '\r' && ahead("\r\n"));
    if (byte >= 0x7f || (byte < 0x20 && c != '\t' && !ends_line))
      complain(
          "contract.toml.character",
          byte >= 0x80
              ? "this character is not ASCII; in a string write it as \\u00e4, comments are free"
              : "a control character stands here");
    switch (in_) {
      case In::plain:
        plain(c);
        break;
      case In::comment:
        if (c == '\n') in_ = In::plain;
        break;
      case In::basic:
        if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n')
          escaped();
        else if (c == '"' || c == '\n')
          in_ = In::plain;
        break;
      case In::literal:
        if (c == '\'' || c == '\n') in_ = In::plain;
        break;
      case In::long_basic:
        if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n')
          escaped();
        else if (ahead("\"\"\""))
          close_long('"');
        break;
      case In::long_literal:
        if (ahead("'''")) close_long('\'');
        break;
    }
  }

  // Skips the escaped byte only when it is harmless, so that no byte goes unseen.
  void escaped() {
    const auto next = static_cast<unsigned char>(text_[at_ + 1]);
    if (next >= 0x20 && next < 0x7f) skip(1);
  }

  // TOML lets up to two quotes stand right before the closing three.
  void close_long(char quote) {
    size_t run = 3;
    while (run < 5 && at_ + run < text_.size() && text_[at_ + run] == quote) ++run;
    skip(run - 1);
    in_ = In::plain;
  }

  void plain(char c) {
    switch (c) {
      case '#':
        in_ = In::comment;
        break;
      case '"':
      case '\'': {
        const bool basic = c == '"';
        const bool is_long = ahead(basic ? "\"\"\"" : "'''");
        in_ = is_long ? (basic ? In::long_basic : In::long_literal)
                      : (basic ? In::basic : In::literal);
        if (is_long) skip(2);
        break;
      }
      case '[':
      case '{':
        dots_ = 0;
        deeper();
        break;
      case ']':
      case '}':
        dots_ = 0;
        depth_ -= depth_ > 0 ? 1 : 0;
        break;
      case '\n':
      case '=':
      case ',':
        dots_ = 0;
        break;
      case '.':
        if (++dots_ == max_nesting)
          complain("contract.toml.nesting", "this key has more than 32 parts");
        break;
      default:
        break;
    }
  }

  void deeper() {
    if (++depth_ == max_nesting + 1)
      complain("contract.toml.nesting", "lists and tables nest deeper than 32 here");
  }

  std::string_view text_;
  std::string clean_;
  Source& source_;
  size_t at_ = 0;
  int line_ = 1, column_ = 1, depth_ = 0, dots_ = 0, complaints_ = 0;
  In in_ = In::plain;
};

Node convert(const toml::node& from, int depth, Source& source) {
  Node node;
  node.line = static_cast<int>(from.source().begin.line);
  node.column = static_cast<int>(from.source().begin.column);
  if (depth > max_nesting) {
    source.wrong(node, "contract.toml.nesting", "lists and tables nest deeper than 32 here");
    node.is = Node::Is::refused;
  } else if (const auto* table = from.as_table()) {
    node.members.reserve(table->size());
    for (const auto& [key, value] : *table) {
      const auto at = key.source().begin;
      node.members.push_back({std::string(key.str()), static_cast<int>(at.line),
                              static_cast<int>(at.column), convert(value, depth + 1, source)});
    }
  } else if (const auto* list = from.as_array()) {
    node.is = Node::Is::list;
    node.items.reserve(list->size());
    for (const auto& item : *list) node.items.push_back(convert(item, depth + 1, source));
  } else if (const auto* text = from.as_string()) {
    node.is = Node::Is::text;
    node.text = text->get();
  } else if (const auto* number = from.as_integer()) {
    node.is = Node::Is::integer;
    node.integer = number->get();
  } else if (const auto* truth = from.as_boolean()) {
    node.is = Node::Is::boolean;
    node.boolean = truth->get();
  } else {
    node.is = Node::Is::refused;
    if (from.is_floating_point())
      source.wrong(node, "contract.toml.float",
                   "a floating-point number has no single spelling; write an integer, or a string");
    else
      source.wrong(node, "contract.toml.date", "dates are not used here; write a string");
  }
  return node;
}

}  // namespace

std::optional<Node> parse_document(std::string_view text, Source& source) {
  if (text.size() > max_file_bytes) {
    source.wrong(0, 0, "file.too_large", "the file has more than 1 MiB");
    return std::nullopt;
  }
  const auto clean = Screen(text, source).run();
  if (!clean) return std::nullopt;
  try {
    const toml::table table = toml::parse(std::string_view(*clean));
    Node node = convert(table, 0, source);
    if (node.line == 0) node.line = node.column = 1;
    return node;
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    source.wrong(static_cast<int>(at.line), static_cast<int>(at.column), "contract.toml.syntax",
                 "this is not TOML: " + std::string(error.description()));
  } catch (const std::exception& error) {
    source.wrong(0, 0, "contract.toml.syntax", std::string("this is not TOML: ") + error.what());
  }
  return std::nullopt;
}

}  // namespace hyops::contract
