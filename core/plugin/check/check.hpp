// The conformance kit: what a plugin promises by the contract, tried one promise at a time, each in
// a helper process of its own. It prints nothing; `hyops plugin check` does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/check/subject.hpp"

namespace hyops::plugin::check {

enum class Outcome { ok, failed, skipped };  // skipped: the promise is not one of this plugin's
std::string_view name(Outcome outcome);

struct Verdict {
  std::string check;  // "plan-is-pure"
  Outcome outcome = Outcome::ok;
  std::string reason;  // one line: what was seen
  int64_t ms = 0;
};

struct Report {
  Subject subject;
  std::vector<Verdict> verdicts;
  size_t count(Outcome outcome) const;
  bool passed() const { return count(Outcome::failed) == 0; }
  bool whole() const;  // every check was made: some of them passing says little for a stranger
};

struct Promise {
  std::string check, promise;  // what it tries, in a sentence
};
std::vector<Promise> promises();  // every check, in the order they are made

// Makes the checks named in `only` (all, where it is empty) and tells each verdict as it falls.
// After a plugin that does not even start, the rest is skipped. plugin.check.unknown
Result<Report> run(Subject subject, const std::vector<std::string>& only,
                   const std::function<void(const Verdict&)>& told = {});

// {"plugin","version","abi","object","manifest","seed","passed","whole","checks":[{"check",
// "outcome","reason","ms"}]}: digests say which bytes were checked.
Json to_json(const Report& report);

}  // namespace hyops::plugin::check
