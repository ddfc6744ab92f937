// The faults a drill can inject, each with its expected ending: the one table that the drill
// asserts against, that people read with --list-faults, and that `make faults` runs from top to
// bottom.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace hyops::lab {

// An event that the record must hold once the fault has struck: its type, and a member of its body
// with that value. It is looked for in what was written of the struck step; run.* and clock.* are
// of the run.
struct Trace {
  std::string event, member, value;
};

struct FaultRule {
  std::string name;
  // The steps that it is tried at; the first is meant where none is typed.
  std::vector<std::string> at;
  std::string meaning;  // what it does
  // How the run stands when the dust has settled and nobody has done anything yet: ok, failed,
  // unknown, or abandoned (its core is gone). `running`: it goes on where the dispatcher cannot
  // see it.
  std::string leaves;
  std::string mend;  // what somebody does about the cause; empty: there is nothing to mend
  // With the cause mended, a run that did not end ok is resumed once, and must then end like this.
  std::string ends;
  std::vector<Trace> shows;
};

const std::vector<FaultRule>& fault_table();
const FaultRule* find_fault(const std::string& name);  // nullptr: there is none

// "core-kill@restore" and "core-kill" in parts, the second with the table's own step.
struct FaultWord {
  std::string name, step;
};
FaultWord parse_fault(const std::string& word);

// The table for people, one fault in three lines.
std::string fault_list();

// The events of an exported record, in their order; none where there is no record.
Result<std::vector<Json>> record_events(const std::filesystem::path& record);

// Which traces of the rule the events lack, in words; empty: the record shows what it must.
std::vector<std::string> missing_traces(const FaultRule& rule, const std::string& step,
                                        const std::vector<Json>& events);

// What the record says of the moment a fault struck at `step`: {"known": [what had ended],
// "unknown": [what nobody could know], "done": [what was looked at, repeated, resumed, and how the
// step ended]}, sentences in the order of the events.
Json fault_story(const std::string& step, const std::vector<Json>& events);

}  // namespace hyops::lab
