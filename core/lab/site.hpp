// The business that the drill recovers: runners in three zones, a lane, sealed secrets, a database
// with a repository outside its site, and a client that writes through its name.
#pragma once

#include <map>
#include <string>

#include "lab/lab.hpp"

namespace hyops::lab {

struct Runner {
  std::string name, zone, host;   // "cloud", "cloud", "runner-cloud"
  std::string address, host_key;  // of its sshd
  std::string key, seal, ssh;     // public parts
};

// Where things stand on the lab's hosts.
inline constexpr const char* dispatcher =
    "runner-edge";  // the operator's place, outside the primary site (D1)
inline constexpr const char* client_host = "client";
inline constexpr const char* client_log = "/var/lib/hyops-client/client.log";
inline constexpr const char* lane_name = "drill";

class Site {
 public:
  Site(const Lab& lab, std::function<void(const std::string&)> say)
      : lab_(lab), say_(std::move(say)) {}

  // Places runners and the client, makes keys, seals secrets, installs the lane; then builds
  // repository, DNS and primary by ordinary runs.
  Status build();
  Status start_client(const std::filesystem::path& prefix);  // of the hyops whose client it is
  Status stop_client();

  // An ordinary operation as an operator does it: plan at the dispatcher, one approval by somebody
  // else, dispatch to the runner of `target`. `decision` is a file on the dispatcher or empty.
  // `watch` sees the run's events as JSON lines where it is given; else they go to our standard
  // output. Returns the run's id.
  struct Operation {
    std::string blueprint, target, decision, reason;
    std::function<void(const Json& event)> watch;
    bool local = false;               // run it on the dispatcher itself, without a dispatch
    std::vector<std::string> inputs;  // STEP.INPUT=VALUE
    bool carried = false;  // the order is carried to the runner's console, which nobody can reach
  };
  struct Outcome {
    std::string run, status;
    int exit_code = 0;
  };
  Result<Outcome> carry_out(const Operation& operation);
  Result<std::string> decide(const std::string& type, const std::string& target,
                             const std::string& rationale);
  const std::map<std::string, Runner>& runners() const { return runners_; }
  const Json& repository() const { return repository_; }  // its endpoint; null until build() ended
  // What was sealed for the runners, by the lane's names of it: for whoever plays a person who has
  // these on paper.
  const std::map<std::string, std::string>& secrets() const { return secrets_; }
  // More of lane.toml, from its next table on, on every runner.
  Status add_to_lane(const std::string& text);

 private:
  Status place_runners();
  Status make_keys();
  Status seal_secrets();
  Status seal_bundle(const std::string& name);
  Status install_lane();
  std::string lane_text() const;

  const Lab& lab_;
  std::function<void(const std::string&)> say_;
  std::map<std::string, Runner> runners_;
  std::string approver_key_, decider_key_;
  std::map<std::string, std::string> secrets_;
  Json repository_;        // endpoint, once it is there
  std::string lane_more_;  // what was added to the lane
  int operations_ = 0;
};

}  // namespace hyops::lab
