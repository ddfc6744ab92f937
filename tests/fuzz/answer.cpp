// Any bytes as what a plugin says with emit and fail: it answers for its own step, in its own
// words, or is told that this is no answer.
#include "plugin/answer.hpp"

#include <cstdlib>

#include "base/text.hpp"
#include "contract/types.hpp"

namespace {

using namespace hyops;
using namespace hyops::plugin;

void must(bool holds) {
  if (!holds) std::abort();
}

Frame said(const char* type, std::string bytes, const std::string& code = {}) {
  Json head{{"t", type}, {"code", printable(code)}, {"message", printable(bytes)}};
  return {std::move(head), std::move(bytes)};
}

// What an answer is held against before it becomes an output of a step.
void hold_against_types(const Json& document) {
  for (const char* type : {"list<host>", "list<endpoint>", "bool", "string", "map<int>"})
    for (const auto& [name, value] : document.items()) {
      contract::Field field;
      field.name = name;
      field.type = *contract::parse_type(type);
      if (auto good = contract::check_value(field, value); !good)
        must(!good.error().code.empty() && !good.error().message.empty());
    }
}

}  // namespace

// Before a zero byte what is emitted, behind it the code of a failure: either, both, or twice.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string document(input.substr(0, input.find('\0')));
  const std::string code(input.substr(std::min(size, document.size() + 1)));

  Answer emitted;
  must(emitted.take(said("emit", document)));
  const auto judged = emitted.judge("test.any", "apply");
  if (judged) {
    must(judged->is_object() && canonical(*judged).has_value());
    hold_against_types(*judged);
  } else {
    must(judged.error().code.starts_with("plugin.answer."));
  }

  Answer failed;
  must(failed.take(said("fail", document, code)));
  const auto why = failed.judge("test.any", "apply");
  must(!why && !why.error().code.empty());
  // Codes by which the engine decides are the core's.
  for (const char* ours : {"plugin.died", "plugin.deadline", "plugin.protocol", "plugin.forbidden"})
    must(why.error().code != ours);

  Answer both;
  must(both.take(said("emit", document)) && both.take(said("fail", document, code)));
  must(!both.judge("test.any", "apply"));
  Answer twice;
  must(twice.take(said("emit", document)) && twice.take(said("emit", document)));
  must(!twice.judge("test.any", "apply"));
  return 0;
}
