// Documents nobody would send on purpose. Nothing outside is asked meanwhile: what is tried is
// reading.
#include <array>
#include <random>

#include "plugin/check/finding.hpp"

namespace hyops::plugin::check {
namespace {

constexpr int64_t time_ms = 200;  // a deadline for each: one may wait for what never comes

struct Document {
  std::string name, bytes;
};

// Hands each document to each verb, and restarts what did not survive to say so.
Finding survives(const Subject& subject, const std::vector<Document>& documents,
                 bool services = true) {
  return for_each_role(subject, [&](const Role& role, const Json&) {
    World world(subject);
    world.offline = true;
    Running plugin = start(subject, world, services);
    if (!plugin) {
      // A plugin may refuse to be without what it declared, if it says so by a code.
      if (!services && plugin.session.error().code == "plugin.create")
        return ok("it says that it cannot be without them");
      return plugin.why();
    }
    for (const auto& verb : verbs_of(role.interface))
      for (const auto& [name, bytes] : documents) {
        const auto heard =
            plugin->call(role.interface, verb, bytes, {.left_ms = time_ms, .patience_ms = 10'000});
        if (is_broken(heard.judged)) return failed(verb + " of " + name, heard.judged.error());
        if (!heard.judged && heard.judged.error().message.empty())
          return failed(verb + " of " + name + " fails with " + heard.judged.error().code +
                        " and no message");
      }
    return ok(std::to_string(documents.size()) + " documents for each verb of " + role.interface);
  });
}

Finding survives_null_services(const Subject& subject) {
  std::vector<Document> documents;
  for (const auto& [id, inputs] : subject.inputs) documents.push_back({"inputs", inputs.dump()});
  return survives(subject, documents, false);
}

Finding survives_size(const Subject& subject) {
  const std::string much(1u << 20, 'x');
  Json many = Json::array();
  for (int n = 0; n < 40'000; ++n) many.push_back({{"name", "n" + std::to_string(n)}});
  std::vector<Document> documents{{"one text of 1 MiB", Json{{"name", much}}.dump()},
                                  {"a key of 1 MiB", Json{{much, 1}}.dump()},
                                  {"40,000 hosts", Json{{"hosts", many}}.dump()},
                                  {"60,000 brackets", "{\"a\":" + std::string(60'000, '[')}};
  return survives(subject, documents);
}

// Values of every type in place of those that belong there, and texts cut off anywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : random_(seed) {}
  size_t below(size_t limit) { return static_cast<size_t>(random_() % limit); }

  Json value(int depth = 0) {
    static const std::array<Json, 12> some{Json(),
                                           Json(true),
                                           Json(0),
                                           Json(-1),
                                           Json(INT64_MAX),
                                           Json(INT64_MIN),
                                           Json(false),
                                           Json(""),
                                           Json("../../etc/passwd"),
                                           Json("\u00e4\u0000\n\x7f"),
                                           Json::array(),
                                           Json::object()};
    const size_t which = below(some.size() + (depth < 3 ? 2 : 0));
    if (which < some.size()) return some[which];
    Json out = which == some.size() ? Json::array() : Json::object();
    for (size_t n = below(4); n > 0; --n) {
      if (out.is_array())
        out.push_back(value(depth + 1));
      else
        out["k" + std::to_string(n)] = value(depth + 1);
    }
    return out;
  }

  Json changed(Json document) {
    if (!document.is_structured() || document.empty() || below(4) == 0) return value();
    auto at = document.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(document.size())));
    *at = changed(*at);
    return document;
  }

 private:
  std::mt19937_64 random_;
};

Finding survives_random(const Subject& subject) {
  constexpr int each = 60;
  Random random(subject.seed);
  std::vector<Document> documents;
  for (int n = 0; n < each; ++n)
    for (const auto& [id, inputs] : subject.inputs) {
      const std::string name =
          "random document " + std::to_string(n) + " of seed " + std::to_string(subject.seed);
      Json document = random.changed(inputs);
      if (!document.is_object() && random.below(8) != 0) document = {{"name", document}};
      std::string bytes = document.dump(-1, ' ', false, Json::error_handler_t::replace);
      if (random.below(10) == 0) bytes.resize(random.below(bytes.size()));
      documents.push_back({name, std::move(bytes)});
    }
  return survives(subject, documents);
}

Finding survives_bad_utf8(const Subject& subject) {
  std::vector<Document> documents;
  for (const char* bad : {"\xff", "\xc3", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\x80"})
    for (const char* member : {"name", "zone", "hosts", "names"}) {
      const std::string text = bad;
      documents.push_back({"bad UTF-8 in " + std::string(member),
                           "{\"" + std::string(member) + "\":\"a" + text + "b\"}"});
      documents.push_back({"bad UTF-8 in a key", "{\"" + text + "\":1}"});
    }
  documents.push_back({"a zero byte", std::string("{\"name\":\"a\0b\"}", 14)});
  documents.push_back({"no bytes at all", ""});
  return survives(subject, documents);
}

Finding errors_carry_a_code(const Subject& subject) {
  std::vector<Document> documents{{"an empty document", "{}"}};
  for (const auto& [id, inputs] : subject.inputs)
    for (const auto& [member, value] : inputs.items())
      for (const auto& wrong :
           {Json(), Json(7), Json(""), Json("no such thing"), Json::array({7}), Json{{"a", 1}}}) {
        Json document = inputs;
        document[member] = wrong;
        documents.push_back({wrong.dump() + " as " + member, document.dump()});
      }
  return survives(subject, documents);
}

}  // namespace

const std::vector<Check> input_checks{
    {"survives-null-services", "Without any service it fails with a code.", survives_null_services},
    {"survives-1-mib-input", "Large documents are answered or refused.", survives_size},
    {"survives-random-json", "Random documents (--seed) are answered or refused.", survives_random},
    {"survives-bad-utf8", "What is no UTF-8 is refused.", survives_bad_utf8},
    {"errors-carry-a-code", "Whatever is wrong with a document is said by a code and in words.",
     errors_carry_a_code},
};

}  // namespace hyops::plugin::check
