// The hash chain of events.jsonl in one pass, at the speed of the digest.
#include "base/digest.hpp"
#include "base/file.hpp"
#include "record/event_line.hpp"
#include "record/findings.hpp"

namespace hyops::record {
namespace {

// Follows the lines as they come and says what each break is.
class ChainCheck {
 public:
  ChainCheck(const RunId& run, const std::set<int64_t>& wanted, Findings& findings)
      : run_(run.value),
        wanted_(wanted),
        findings_(findings),
        previous_(ledger::chain_start(run)) {}

  void line(std::string_view text) {
    ++number_;
    const auto event = parse_event_line(text);
    if (!event) {
      found("record.event.changed", "not an event as hyops writes it");
      linked_ = false;
      return;
    }
    ++chain.events;
    if (event->run != run_) found("record.event.changed", "the event is of another run");
    if (!event->intact()) found("record.event.changed", "the hash does not match");
    if (!event->redacted.empty()) ++chain.redacted_events;
    place(*event);
    remember(*event, text);
    if (wanted_.contains(event->seq)) chain.heads.emplace(event->seq, event->hash);
    previous_.assign(event->hash);
    linked_ = true;
  }

  void end(bool whole_line) {
    if (!whole_line)
      findings_.add("record.event.truncated",
                    "events.jsonl ends within line " + std::to_string(number_));
    for (const auto& [seq, at] : gaps_)
      findings_.add("record.event.missing", "events.jsonl line " + std::to_string(at) + ": event " +
                                                std::to_string(seq) + " is missing before it");
    chain.head = previous_;
    chain.http_digest = http_.hex();
  }

  Chain chain;

 private:
  void found(const char* code, const std::string& what) {
    findings_.add(code, "events.jsonl line " + std::to_string(number_) + ": " + what);
  }

  // Where the event stands, against where it belongs. A gap is remembered until its event turns up
  // (then the lines were reordered) or the end comes (then it is missing).
  void place(const EventLine& event) {
    if (event.seq == next_) {
      if (linked_ && event.previous != previous_)
        found("record.event.changed", "it does not follow from the event before it");
      ++next_;
      return;
    }
    if (event.seq > next_) {
      constexpr int64_t named = 1000;  // of a bigger hole the first thousand are enough to know
      for (int64_t seq = next_; seq < event.seq && seq < next_ + named; ++seq)
        gaps_.emplace(seq, number_);
      next_ = event.seq + 1;
      return;
    }
    const std::string which = "event " + std::to_string(event.seq);
    if (gaps_.erase(event.seq) > 0)
      found("record.event.reordered", which + " stands behind later ones");
    else
      found("record.event.duplicate", which + " was there before");
  }

  void remember(const EventLine& event, std::string_view line) {
    if (event.type == "step.http") {
      http_.update(line);
      http_.update("\n");
    } else if (event.type == "step.ended") {
      chain.endings[std::string(text_member(event.body, "step"))].assign(event.body);
    } else if (event.type == "step.outcome" || event.type == "step.reconciled") {
      chain.outcomes[std::string(text_member(event.body, "step"))].assign(event.body);
      if (text_member(event.body, "seen") == "stated") chain.stated.emplace_back(event.body);
    } else if (event.type == "step.probe") {
      ++chain.probes[std::string(text_member(event.body, "step"))];
    } else if (event.type == "run.started") {
      chain.plan.assign(text_member(event.body, "plan"));
    } else if (event.type == "run.resumed") {
      chain.run_ended.clear();  // it goes on: the end it had is no longer its end
    } else if (event.type == "run.ended") {
      chain.run_ended.assign(event.body);
    }
  }

  std::string run_;
  const std::set<int64_t>& wanted_;
  Findings& findings_;
  std::string previous_;
  int64_t number_ = 0, next_ = 1;
  bool linked_ = true;               // the line before could be read
  std::map<int64_t, int64_t> gaps_;  // missing seq -> line it is missing before
  Sha256 http_;
};

}  // namespace

Chain check_chain(const std::filesystem::path& folder, const RunId& run,
                  const std::set<int64_t>& wanted, Findings& findings) {
  ChainCheck check(run, wanted, findings);
  std::string carried;  // the begin of a line that the last piece ended in
  const auto file = folder / "events.jsonl";
  std::error_code problem;
  if (std::filesystem::symlink_status(file, problem).type() != std::filesystem::file_type::regular)
    return check.chain;
  auto read = read_chunks(file, [&](std::string_view piece) {
    for (size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
      if (carried.empty()) {
        check.line(piece.substr(0, end));
      } else {
        carried.append(piece.substr(0, end));
        check.line(carried);
        carried.clear();
      }
      piece.remove_prefix(end + 1);
    }
    carried.append(piece);
  });
  if (!carried.empty()) check.line(carried);
  check.end(carried.empty());
  (void)read;  // a file that cannot be read is named by check_files, which reads it, too
  return check.chain;
}

}  // namespace hyops::record
