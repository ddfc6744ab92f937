#include "trust/statement.hpp"

#include "base/text.hpp"
#include "trust/document.hpp"
#include "trust/keys.hpp"

namespace hyops::trust {

Result<std::string> to_document(const Statement& statement) {
  auto text = canonical({{"statement", statement.version},
                         {"by", statement.by},
                         {"lane", statement.lane},
                         {"run", statement.run},
                         {"step", statement.step},
                         {"attempt", statement.attempt},
                         {"choice", statement.choice},
                         {"outputs", statement.outputs},
                         {"reason", statement.reason},
                         {"made_ms", statement.made_ms}});
  if (!text) return text;
  if (auto readable = parse_statement(*text); !readable)
    return pass(readable, "while writing a statement");
  return text;
}

Result<Statement> parse_statement(std::string_view document) {
  Document in(document, "the statement");
  Statement out;
  out.version = static_cast<int>(in.integer("statement", 1, 1));
  out.by = in.name("by");
  out.lane = in.name("lane");
  out.run = in.name("run");
  out.step = in.name("step");
  out.attempt = in.integer("attempt", 1, 1'000'000);
  out.choice = in.text("choice", 16);
  if (const Json* outputs = in.object("outputs")) out.outputs = *outputs;
  out.reason = in.text("reason", 4096);
  out.made_ms = in.integer("made_ms", 0, max_time_ms);
  if (out.choice != "adopt" && out.choice != "retry")
    in.complain("\"choice\" is neither adopt nor retry");
  if (out.choice == "retry" && !out.outputs.empty())
    in.complain("a step that did not take effect has no outputs");
  if (out.reason.empty()) in.complain("it gives no reason");
  if (const auto problem = in.done())
    return fail("trust.statement.malformed", "the statement is malformed: " + *problem);
  return out;
}

Result<Statement> check_statement(const SignedDocument& document, const contract::Lane& lane) {
  auto statement = parse_statement(document.document);
  if (!statement) return statement;
  const auto found = lane.approvers.find(statement->by);
  if (found == lane.approvers.end()) {
    std::vector<std::string> names;
    for (const auto& [name, key] : lane.approvers) names.push_back(name);
    return fail("trust.statement.unknown_person", statement->by + " is no approver of lane " +
                                                      lane.name + "." +
                                                      did_you_mean(statement->by, names));
  }
  auto key = parse_public_key(found->second);
  if (!key) return pass(key, "the key of " + statement->by + " in lane " + lane.name);
  if (auto signer = verify(document.document, document.signature, {*key}); !signer)
    return fail("trust.statement.signature",
                "the statement of " + statement->by +
                    " is not signed by that person's key: " + signer.error().message);
  if (statement->lane != lane.name)
    return fail("trust.statement.lane",
                "the statement is for lane " + statement->lane + ", not " + lane.name);
  return statement;
}

}  // namespace hyops::trust
