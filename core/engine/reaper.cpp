#include "engine/reaper.hpp"

#include <map>
#include <memory>
#include <optional>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "engine/means.hpp"
#include "engine/run.hpp"
#include "engine/secrets.hpp"
#include "plugin/stream_service.hpp"

namespace hyops::engine {
namespace {

namespace fs = std::filesystem;

constexpr int64_t verb_ms = 30'000;

bool ended(const std::string& status) {
  return status == "ok" || status == "failed" || status == "cancelled" || status == "unknown";
}

class Reaper {
 public:
  Reaper(const Setup& setup, ledger::Ledger& ledger, const contract::Lane& lane,
         const ReapRequest& request, plugin::Registry registry, const std::string& authority)
      : setup_(setup),
        ledger_(ledger),
        lane_(lane),
        request_(request),
        registry_(std::move(registry)),
        name_("reaper-" + random_token(4)),
        secrets_(setup, registry_, lane,
                 {name_, [this](const auto& secrets) { return know(secrets); },
                  [](const auto&) { return Status(); }},
                 authority) {}
  ~Reaper() {
    if (lease_) (void)ledger_.release_lease(lane_.name, RunId(name_), lease_->token);
  }
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  Result<Reaping> reap() {
    Reaping out;
    // Before anything is looked at: what is judged now is judged of runs that cannot go on.
    if (auto held = hold_lane(); !held) return pass(held);
    for (const auto& [id, ignored] : lane_.plugins)
      if (is_of_access(registry_, id)) look_where_enforced(id, out);
    if (auto looked = look_at_this_machine(out); !looked) return pass(looked);
    for (auto& one : out.all) {
      if (auto judged = judge(one); !judged) return pass(judged);
      if (one.fate == Reaped::Fate::open && !request_.look_only) close(one);
    }
    return out;
  }

 private:
  // Takes the lane, or says who has it.
  Status hold_lane() {
    if (!request_.look_only) {
      auto taken = ledger_.take_lease(lane_.name, RunId(name_));
      if (taken) {
        lease_ = *taken;
        return {};
      }
      if (taken.error().code != "ledger.lease.held") return pass(taken);
    }
    auto held = ledger_.lease(lane_.name);
    if (!held) return pass(held);
    if (!*held) {
      if (!request_.look_only) holder_.emplace("another process", ledger::Holder::alive);
      return {};
    }
    auto judged = ledger_.judge(**held);
    if (!judged) return pass(judged);
    if (*judged != ledger::Holder::dead) holder_.emplace((*held)->holder, *judged);
    return {};
  }

  void look_where_enforced(const std::string& id, Reaping& out) {
    auto standing = standing_open(id, ask_of(id));
    if (!standing) {
      Error error = standing.error();
      error.message = redacted(error.message);
      out.unasked.emplace_back(id, std::move(error));
      return;
    }
    for (auto& open : *standing) {
      open.what = redacted(open.what);
      take(std::move(open), out);
    }
  }

  Status look_at_this_machine(Reaping& out) {
    std::error_code problem;
    for (const auto& entry : fs::directory_iterator(setup_.home / "runs", problem)) {
      const std::string run = entry.path().filename().string();
      std::error_code ignored;
      if (!fs::exists(entry.path() / "streams", ignored)) continue;
      auto row = ledger_.find_run(RunId(run));
      if (!row) return pass(row);
      if (!*row || (*row)->lane != lane_.name) continue;
      auto standing = plugin::Streams(setup_.streams(run), {}).standing();
      if (!standing) return pass(standing);
      for (const auto& one : *standing)
        take({"", run, "", get_string(one, "key"),
              get_string(one, "address") + " port " + std::to_string(get_int(one, "port")) +
                  ", a way to " + get_string(one, "name"),
              0, get_int(one, "expires_ms")},
             out);
      names_[run] = std::move(*standing);
    }
    return {};
  }

  void take(LeftOpen open, Reaping& out) const {
    if (request_.run.empty() || open.run == request_.run)
      out.all.push_back({std::move(open), {}, Reaped::Fate::open, {}});
  }

  // Whether a core looks after it, and if nobody can tell, whether somebody answers for that.
  Status judge(Reaped& one) const {
    auto row = ledger_.find_run(RunId(one.open.run));
    if (!row) return pass(row);
    const auto leave = [&](Reaped::Fate fate, const std::string& why) {
      one.fate = fate;
      one.why = why;
    };
    using enum Reaped::Fate;
    const bool holds = holder_ && holder_->first == one.open.run;
    one.owner = !*row || (*row)->status == "dispatched" ? "elsewhere" : (*row)->status;
    if (one.owner == "running" && !holds) one.owner = "interrupted";
    if (holds && holder_->second == ledger::Holder::alive)
      leave(kept, "its core lives, and closes this when the run ends");
    else if (holds)
      leave(unclear,
            "its core may live on another machine; if that is gone for good: hyops run abandon " +
                one.open.run + " --by NAME --reason TEXT");
    else if (holder_)
      leave(kept, "the lane is held by " + holder_->first + ": once more when that has ended");
    else if (one.owner == "elsewhere" && (request_.run.empty() || request_.reason.empty()))
      leave(unclear,
            "another runner carried this run out, and whether its core lives cannot be seen from "
            "here; if that is gone for good: hyops runner reap --lane " +
                lane_.name + " --run " + one.open.run + " --by NAME --reason TEXT");
    return {};
  }

  void close(Reaped& one) {
    const Status closed =
        one.open.plugin.empty()
            ? close_endpoint(one.open)
            : close_left_open(one.open, ask_of(one.open.plugin), one.open.fencing_token);
    if (!closed) {
      one.fate = Reaped::Fate::failed;
      one.why = redacted(closed.error().text());
      return;
    }
    one.fate = Reaped::Fate::closed;
    if (auto noted = note(one); !noted)
      one.why = "closed, but not noted in its run: " + noted.error().message;
  }

  Status close_endpoint(const LeftOpen& open) {
    plugin::Streams streams(setup_.streams(open.run), {});
    for (const auto& one : names_.at(open.run))
      if (get_string(one, "key") == open.key)
        if (auto closed = streams.close(open.key, get_string(one, "name")); !closed)
          return pass(closed);
    return {};
  }

  // In the chain of the run that opened it; of one that ended in its record, too. Of a run that is
  // not in this ledger the lane's state tells it, whose history keeps each.
  Status note(const Reaped& one) {
    const RunId run(one.open.run);
    auto row = ledger_.find_run(run);
    if (!row) return pass(row);
    Json body{{"key", one.open.key},         {"what", one.open.what},
              {"opened_by", one.open.run},   {"opened_under", one.open.fencing_token},
              {"ends_ms", one.open.ends_ms}, {"by", request_.by}};
    if (!one.open.plugin.empty()) body["plugin"] = one.open.plugin;
    if (!request_.reason.empty()) body["reason"] = request_.reason;
    if (!*row) return note_in_lane(run.value, body);
    Unwatched nobody;
    auto journal = Journal::open(ledger_, run, nobody, setup_.clock());
    if (!journal) return pass(journal);
    if (auto known = journal->add_secrets(copies()); !known) return known;
    if (auto written = journal->write("access.reaped", body); !written) return written;
    if (!ended((*row)->status)) return {};  // its record is written when it has ended
    return write_record(setup_, ledger_, *journal);
  }

  Status note_in_lane(const std::string& run, const Json& body) {
    // What is enforced elsewhere may name any run.
    const std::string key = "access/reaped#" + (is_name(run) ? run : sha256_hex(run).substr(0, 12));
    auto redactor = record::Redactor::create(copies());
    if (!redactor) return pass(redactor);
    auto slot = ledger_.slot(lane_.name, key);
    if (!slot) return pass(slot);
    ledger::Slot next = *slot;
    next.lane = lane_.name;
    next.key = key;
    next.epoch = lane_.epoch;
    next.value = redactor->redact(body);
    next.run = name_;
    next.step = "reap";
    auto put = ledger_.put_slot(next, slot->version, lease_->token);
    return put ? Status() : pass(put);
  }

  // A helper for each plugin, kept until all is done.
  AskAccess ask_of(const std::string& id) {
    return [this, id](const std::string& verb, const Json& inputs, const std::string& key,
                      int64_t fencing_token) -> Result<Json> {
      auto& helper = helpers_[id];
      if (!helper || !helper->running()) {
        auto started = start(id);
        if (!started) return pass(started);
        helper.emplace(std::move(*started));
      }
      plugin::CallRequest call;
      call.interface = "hyops.access/1";
      call.verb = verb;
      call.input = inputs;
      call.key = key;
      call.run = name_;
      call.lane = lane_.name;
      call.fencing_token = fencing_token;
      call.deadline_ms = setup_.clock().mono_ms() + verb_ms;
      return helper->call(call);
    };
  }

  Result<plugin::Instance> start(const std::string& id) {
    plugin::Services services;
    services.secret = [this](const std::string& name) { return secrets_.get(name); };
    services.exec_values = {{"identity_file", setup_.ssh_identity().string()}};
    auto started = setup_.means->plugin(registry_, id, lane_.plugins.at(id), std::move(services));
    if (!started) return pass(started, "while starting plugin " + id);
    return started;
  }

  Status know(const std::vector<record::Redactor::Named>& secrets) {
    for (const auto& one : secrets) known_.push_back({one.name, one.value.copy()});
    return {};
  }
  std::vector<record::Redactor::Named> copies() const {
    std::vector<record::Redactor::Named> out;
    for (const auto& one : known_) out.push_back({one.name, one.value.copy()});
    return out;
  }
  std::string redacted(const std::string& text) const {
    auto redactor = record::Redactor::create(copies());
    return redactor ? redactor->redact(text) : std::string();
  }

  const Setup& setup_;
  ledger::Ledger& ledger_;
  const contract::Lane& lane_;
  const ReapRequest& request_;
  plugin::Registry registry_;
  const std::string name_;  // in the lane's lease
  std::vector<record::Redactor::Named> known_;
  SecretStore secrets_;
  std::map<std::string, std::optional<plugin::Instance>> helpers_;
  std::map<std::string, std::vector<Json>> names_;  // endpoints at this machine, by run
  std::optional<ledger::Lease> lease_;
  std::optional<std::pair<std::string, ledger::Holder>> holder_;  // who else has the lane
};

}  // namespace

Result<Reaping> reap_lane(const Setup& setup, ledger::Ledger& ledger, const contract::Lane& lane,
                          const ReapRequest& request) {
  auto registry =
      plugin::Registry::open(plugin::standard_sources(setup.prefix, setup.home, lane.name));
  if (!registry) return pass(registry);
  auto authority = authority_in_force(ledger, lane);
  if (!authority) return pass(authority);
  return Reaper(setup, ledger, lane, request, std::move(*registry), *authority).reap();
}

}  // namespace hyops::engine
