// The plugin's word is taken for its own business only: it cannot speak with the codes of the core.
#include "plugin/answer.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace hyops::plugin {
namespace {

// Codes by which the engine decides what to do belong to the core: a plugin that says plugin.died
// would have the outcome of its own failure called unknown. Codes that a service gave it may be
// handed on.
bool may_say(const std::string& code) {
  static constexpr std::array ours{"plugin.died",      "plugin.deadline", "plugin.protocol",
                                   "plugin.forbidden", "plugin.stopped",  "plugin.late"};
  return !code.empty() && code.size() <= 100 &&
         std::find(ours.begin(), ours.end(), code) == ours.end() &&
         std::all_of(code.begin(), code.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
         });
}

}  // namespace

bool Answer::take(const Frame& frame) {
  const std::string type = frame.type();
  if (type == "emit") {
    if (++emits_ == 1) document_ = frame.bytes;
    return true;
  }
  if (type != "fail") return false;
  if (++fails_ == 1) {
    code_ = get_string(frame.head, "code");
    message_ = get_string(frame.head, "message");
  }
  return true;
}

std::optional<Error> Answer::failure() const {
  if (fails_ != 1) return std::nullopt;
  const size_t slash = code_.find('/');
  const auto kind = failure_class(slash == std::string::npos ? "internal" : code_.substr(0, slash));
  const std::string code = slash == std::string::npos ? code_ : code_.substr(slash + 1);
  if (!kind || !may_say(code)) return std::nullopt;
  Error error =
      make_error(code, printable(message_, 1000));  // its own code: may be in no catalogue
  error.kind = *kind;
  if (error.next.empty())
    error.next = "Mend what the plugin complains about, then go on: hyops run resume RUN";
  return error;
}

Result<Json> Answer::judge(const std::string& id, const std::string& verb) const {
  const std::string who = id + " in " + verb;
  if (emits_ + fails_ == 0) return fail("plugin.answer.none", who + " neither answered nor failed");
  if (emits_ > 0 && fails_ > 0) return fail("plugin.answer.both", who + " answered and failed");
  if (emits_ + fails_ > 1) return fail("plugin.answer.twice", who + " answered more than once");
  if (fails_ == 1) {
    if (auto error = failure()) return Failure(std::move(*error));
    return fail("plugin.answer.code", who + " failed with \"" + printable(code_, 100) +
                                          "\", which is no code: " + printable(message_, 300));
  }
  auto document = parse_json(document_, "the answer of " + who, max_frame);
  if (!document) return fail("plugin.answer.malformed", printable(document.error().message, 1000));
  if (!document->is_object())
    return fail("plugin.answer.malformed", "the answer of " + who + " is not an object");
  if (auto text = canonical(*document); !text)
    return fail("plugin.answer.malformed",
                "the answer of " + who + ": " + printable(text.error().message, 1000));
  return std::move(*document);
}

Failure start_failure(const Frame& refused, const Answer& answer) {
  static constexpr std::array known{"plugin.load",   "plugin.symbol",    "plugin.magic",
                                    "plugin.abi",    "plugin.id",        "plugin.version",
                                    "plugin.create", "plugin.interface", "plugin.isolation"};
  const std::string code = get_string(refused.head, "code");
  const bool ours = std::find(known.begin(), known.end(), code) != known.end();
  std::string message = printable(get_string(refused.head, "message"));
  if (auto why = answer.failure(); why && code == "plugin.create")
    message += ": " + why->message + " [" + why->code + "]";
  return fail(ours ? code : "plugin.load", message);
}

}  // namespace hyops::plugin
