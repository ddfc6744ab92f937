// The hypervisor's life: adoption after a restart, operations from their start to their end.
#include "lab.hpp"

#include <signal.h>

#include <boost/asio/post.hpp>

#include "host_group.hpp"

namespace hyops::labd {
namespace {
constexpr size_t kept_operations = 4096;
}

Lab::Lab(LabPaths paths) : paths_(std::move(paths)) {}

Lab::~Lab() {
  workers_.stop();  // what did not start yet is taken up by the next serve
  workers_.join();
}

Result<std::unique_ptr<Lab>> Lab::open(LabPaths paths) {
  auto state = load_state(paths);
  if (!state) return tl::make_unexpected(state.error());
  std::unique_ptr<Lab> lab(new Lab(std::move(paths)));
  lab->state_ = std::move(*state);
  if (auto done = lab->restore_egress(); !done) return tl::make_unexpected(done.error());
  for (const auto& id : lab->state_.order) {
    if (lab->state_.operations[id].state != "running") continue;
    boost::asio::post(lab->workers_, [self = lab.get(), id] { self->execute(id); });
  }
  return lab;
}

Done Lab::check_fencing(const LaneToken& token) {
  const Lock lock(mutex_);
  auto& highest = state_.lanes[token.lane];
  if (token.token < highest) {
    return fail(409, "fencing.stale",
                "fencing token " + std::to_string(token.token) + " of lane " + token.lane +
                    " is older than the highest seen, " + std::to_string(highest),
                "another runner holds the lane now; find out which before doing anything: hyops "
                "lane show " +
                    token.lane);
  }
  if (token.token == highest) return {};
  highest = token.token;
  return save();
}

Done Lab::not_busy(const Host& host) const {
  if (host.operation.empty()) return {};
  return fail(409, "host.busy", "operation " + host.operation + " works on host " + host.name,
              "wait for it: GET /v1/operations/" + host.operation);
}

Done Lab::not_lost(const std::string& zone) const {
  if (!state_.lost_zones.contains(zone)) return {};
  return fail(409, "zone.lost", "zone " + zone + " is lost",
              "restore it: hyops-labd fault zone-restore " + zone);
}

void Lab::prune_operations() {
  size_t spare = state_.order.size() > kept_operations ? state_.order.size() - kept_operations : 0;
  for (auto it = state_.order.begin(); spare > 0 && it != state_.order.end();) {
    const auto found = state_.operations.find(*it);
    if (found != state_.operations.end() && found->second.state == "running") {
      ++it;
      continue;
    }
    if (found != state_.operations.end()) {
      const auto key = state_.keys.find(found->second.zone + " " + found->second.key);
      if (key != state_.keys.end() && key->second == found->first) state_.keys.erase(key);
      state_.operations.erase(found);
    }
    it = state_.order.erase(it);
    --spare;
  }
}

Result<Json> Lab::begin(const std::string& kind, Host& host, const std::string& key,
                        const std::string& body) {
  Operation operation;
  operation.id = "op-" + std::to_string(state_.next_operation++);
  operation.kind = kind;
  operation.host = host.name;
  operation.zone = host.zone;
  operation.key = key;
  operation.body = body;
  operation.note = "waiting";
  host.operation = operation.id;
  const std::string id = operation.id;
  state_.order.push_back(id);
  if (!key.empty()) state_.keys[host.zone + " " + key] = id;
  const Json answer = operation_json(operation);
  state_.operations[id] = std::move(operation);
  prune_operations();
  // Only what is on disk is started: after a crash nothing runs that nobody remembers.
  if (auto done = save(); !done) return tl::make_unexpected(done.error());
  boost::asio::post(workers_, [this, id] { execute(id); });
  return answer;
}

void Lab::execute(const std::string& id) {
  Operation operation;
  Host host;
  {
    const Lock lock(mutex_);
    operation = state_.operations[id];
    const auto found = state_.hosts.find(operation.host);
    if (found == state_.hosts.end() || found->second.operation != id) {
      finish(id, operation.kind == "release"
                     ? Done{}
                     : Done(fail(404, "host.unknown", "the host is gone", "list hosts")));
      return;
    }
    host = found->second;
  }
  const auto done = work(operation, host);
  const Lock lock(mutex_);
  finish(id, done);
}

Done Lab::work(const Operation& operation, const Host& host) {
  if (operation.kind == "place") return do_place(operation.id, host);
  if (operation.kind == "power-on") return do_power_on(operation.id, host);
  if (operation.kind == "power-off") return power_off(host.process, host.link, Ending::orderly);
  return do_release(host);
}

Done Lab::do_place(const std::string& id, const Host& host) {
  // A placement that a crash interrupted starts over: whatever is there nobody has been told of
  // yet.
  if (auto done = do_release(host); !done) return done;
  note(id, 100, "making the file system");
  auto host_key = make_layers(paths_.host(host.name), {host.name, host.zone, host.address,
                                                       host.image, host.authorized_keys});
  if (!host_key) return tl::make_unexpected(host_key.error());
  const Zone& zone = **find_zone(host.zone);
  const Json spec{{"name", host.name},
                  {"address", host.address},
                  {"gateway", zone.gateway},
                  {"image", host.image}};
  if (auto done = write_atomic(paths_.host(host.name) / "spec.json", spec.dump(1), 0600); !done)
    return done;
  {
    const Lock lock(mutex_);
    state_.hosts[host.name].host_key = *host_key;
  }
  return do_power_on(id, host);
}

Done Lab::do_power_on(const std::string& id, const Host& host) {
  if (auto done = power_off(host.process, host.link, Ending::sudden); !done) return done;
  note(id, 500, "starting");
  PowerOn order{paths_, host.name, host.address, host.image, *find_zone(host.zone), host.link, {}};
  order.born = [this, &host](const ProcessIdentity& process) -> Done {
    const Lock lock(mutex_);
    state_.hosts[host.name].process = process;
    return save();
  };
  auto process = power_on(order);
  if (!process) return tl::make_unexpected(process.error());
  bool lost = false;
  {
    const Lock lock(mutex_);
    lost = state_.lost_zones.contains(host.zone);
  }
  if (lost) {  // while it started; a host of a lost zone does not run
    end_process(*process, SIGKILL, 5000);
    return fail(409, "zone.lost", "zone " + host.zone + " was lost while the host started",
                "restore the zone first");
  }
  return {};
}

Done Lab::do_release(const Host& host) {
  if (auto done = power_off(host.process, host.link, Ending::sudden); !done) return done;
  if (const auto marker = load_marker(paths_))
    if (const auto left = remove_group(marker->name, host.name); !left.empty())
      return fail(500, "host.remove", left);
  std::error_code error;
  fs::remove_all(paths_.host(host.name), error);
  if (error)
    return fail(500, "host.remove",
                "cannot remove the files of " + host.name + ": " + error.message());
  return {};
}

void Lab::note(const std::string& id, int permille, const std::string& text) {
  const Lock lock(mutex_);
  auto& operation = state_.operations[id];
  operation.permille = permille;
  operation.note = text;
}

void Lab::finish(const std::string& id, const Done& done) {
  auto& operation = state_.operations[id];
  const auto found = state_.hosts.find(operation.host);
  if (found != state_.hosts.end() && found->second.operation == id) {
    Host& host = found->second;
    host.operation.clear();
    if (done && operation.kind != "release") operation.result = host_json(host);
    const bool gone = done ? operation.kind == "release" : operation.kind == "place";
    if (gone) {  // a failed placement leaves nothing, and its name is free again
      const auto name = operation.host;
      if (auto closed = close_ports_of(host.address); !closed)
        operation.note = closed.error().message;
      if (!done) {
        power_off(host.process, host.link, Ending::sudden);
        std::error_code ignored;
        fs::remove_all(paths_.host(name), ignored);
      }
      state_.hosts.erase(found);
      // What left nothing is no answer for its key: the same request again is a fresh attempt.
      if (!done) state_.keys.erase(operation.zone + " " + operation.key);
    }
  }
  operation.state = done ? "done" : "failed";
  operation.permille = done ? 1000 : operation.permille;
  operation.note = done ? "done" : done.error().message;
  if (!done) {
    operation.error = {{"code", done.error().code},
                       {"message", done.error().message},
                       {"next", done.error().next}};
  } else if (operation.kind == "release") {
    operation.result = {{"absent", true}};
  }
  if (auto saved = save(); !saved) operation.note += "; not saved: " + saved.error().message;
}

}  // namespace hyops::labd
