// The hypervisor itself: hosts, operations, the network's rules and the faults, over one persisted
// state.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "checks.hpp"
#include "host_start.hpp"
#include "ruleset.hpp"
#include "state.hpp"
#include "zones.hpp"

namespace hyops::labd {

struct Reply {
  int status = 200;
  Json body = Json::object();
};

// Whose request it is: a zone's API speaks for its zone, the admin socket (nullptr) for all.
struct Caller {
  const Zone* zone = nullptr;
  [[nodiscard]] bool admin() const { return zone == nullptr; }
  [[nodiscard]] bool sees(const std::string& name) const { return admin() || zone->name == name; }
};

// Every method may be called from any thread. Methods that take time start an operation and answer
// 202; short changes of the packet filter are done when the method returns.
class Lab {
 public:
  // Adopts the hosts that still run and takes up operations that a crash interrupted.
  static Result<std::unique_ptr<Lab>> open(LabPaths paths);
  ~Lab();

  Result<Reply> place(const Caller& caller, const Json& body, const std::string& key);
  Result<Reply> list_hosts(const Caller& caller);
  Result<Reply> show_host(const Caller& caller, const std::string& name);
  Result<Reply> set_power(const Caller& caller, const std::string& name, const Json& body);
  Result<Reply> release(const Caller& caller, const std::string& name);
  Result<Reply> console(const Caller& caller, const std::string& name);
  Result<Reply> list_images(const Caller& caller);
  Result<Reply> show_operation(const Caller& caller, const std::string& id);
  Result<Reply> find_operation(const Caller& caller, const std::string& key);

  Result<Reply> open_port(const Caller& caller, const Json& body);
  Result<Reply> list_ports(const Caller& caller);
  Result<Reply> close_port(const Caller& caller, const std::string& name);
  Result<Reply> put_egress(const Caller& caller, const std::string& name, const Json& body);
  Result<Reply> list_egress(const Caller& caller);
  Result<Reply> show_egress(const Caller& caller, const std::string& name);
  Result<Reply> remove_egress(const Caller& caller, const std::string& name);
  Result<Reply> probe(const Caller& caller, const Json& body);
  Result<Reply> isolate(const Caller& caller, const std::string& zone, const Json& body);
  Result<Reply> show_isolation(const Caller& caller, const std::string& zone);
  Result<Reply> end_isolation(const Caller& caller, const std::string& zone);

  Result<Reply> fault(const Json& body);
  Result<Reply> status();

  // Refuses a token lower than the lane's highest, remembers a higher one for ever.
  Done check_fencing(const LaneToken& token);

 private:
  explicit Lab(LabPaths paths);
  using Lock = std::lock_guard<std::mutex>;

  // All of these want the lock to be held.
  Done save() { return save_state(paths_, state_); }
  Result<Host*> host_of(const Caller& caller, const std::string& name);
  Result<Json> begin(const std::string& kind, Host& host, const std::string& key,
                     const std::string& body);
  Done not_busy(const Host& host) const;
  Done not_lost(const std::string& zone) const;
  Result<std::string> choose_address(const Zone& zone, const Json& body) const;
  [[nodiscard]] bool image_known(const Caller& caller, const std::string& image) const;
  Json host_json(const Host& host) const;
  Json operation_json(const Operation& operation) const;
  struct Probed {  // one checked request: who is to try, and whom
    std::string from, to;
    uint16_t port = 0;
    ProcessIdentity process;
  };
  Result<Probed> prepare_probe(const Caller& caller, const Json& item);
  Result<std::vector<ruleset::Connection>> connections_of(const Egress& egress);
  Result<Json> egress_json(const Egress& egress);
  Result<Json> isolation_json(const std::string& zone);
  Done close_ports_of(const std::string& address);
  Done forget_closed_ports();
  Done restore_egress();  // what was remembered but not yet enforced when a daemon died
  void prune_operations();

  Result<Reply> fault_of_host(const std::string& name, const Json& args);
  Result<Reply> fault_host_kill(const Host& host);
  Result<Reply> fault_zone_loss(const Zone& zone);
  Result<Reply> fault_zone_restore(const Zone& zone);
  Result<Reply> fault_link(const Zone& a, const Zone& b, ruleset::Change change);
  Result<Reply> fault_speed(const Zone& a, const Zone& b, const std::string& kbit);
  Result<Reply> fault_api(const Zone& from, const Zone& to, ruleset::Change change);

  // These run on the workers and take the lock for short moments only.
  void execute(const std::string& id);
  Done work(const Operation& operation, const Host& host);
  Done do_place(const std::string& id, const Host& host);
  Done do_power_on(const std::string& id, const Host& host);
  Done do_release(const Host& host);
  void note(const std::string& id, int permille, const std::string& text);
  void finish(const std::string& id, const Done& done);

  LabPaths paths_;
  std::mutex mutex_;
  State state_;
  boost::asio::thread_pool workers_{3};  // last: joined before what its work uses is gone
};

}  // namespace hyops::labd
