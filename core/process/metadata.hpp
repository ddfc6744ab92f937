// Keeping what hyops starts away from the metadata service of the machine: whatever asks it there
// is given the credentials of the machine, and no tool needs them by default (K7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace hyops::process {

// What stands between a tool and the metadata service.
enum class Metadata : char {
  refused,   // every connection to it fails with EPERM
  declared,  // its pack says that it needs it, and an approver has seen that
  open       // it was to be refused, and this machine cannot do it
};
inline constexpr uint32_t metadata_address = 0xa9fea9fe;  // 169.254.169.254; more in the filter
const char* name(Metadata metadata);                      // "refused", "declared", "open"
Metadata metadata_named(std::string_view name);           // open, where nothing better is said

// A control group below our own: limits, accounting and whoever ends us find its processes where
// they were. What begins in it (SpawnRequest::cgroup), and all that this ever starts, is refused
// the metadata service by the kernel: as long as it lives, whatever becomes of us.
class NoMetadata {
 public:
  static Result<NoMetadata> create();  // process.metadata
  NoMetadata(NoMetadata&&) noexcept = default;
  NoMetadata& operator=(NoMetadata&&) = delete;
  ~NoMetadata();  // removes the group; where something still lives in it, it stays, and holds
  int folder() const { return folder_.get(); }
  void forget() { above_.reset(); }  // it is another process that removes it

 private:
  NoMetadata(Fd above, std::string name, Fd folder)
      : above_(std::move(above)), folder_(std::move(folder)), name_(std::move(name)) {}
  Fd above_, folder_;
  std::string name_;
};

// Removes the groups below our own whose owners were killed: nothing lives in them, nobody holds
// them, and they are older than a minute, so none is just being made.
void remove_left_groups();

// Where something begins that is to be kept from the metadata service, unless it was declared that
// it needs it; or why it cannot be kept.
struct Guard {
  Metadata metadata = Metadata::open;
  std::string why_open;
  std::optional<NoMetadata> group;                             // outlives what begins in it
  int cgroup() const { return group ? group->folder() : -1; }  // for a SpawnRequest
};
Guard keep_from_metadata(Metadata wanted);  // refused or declared

// Finds out whether this machine can do it, by doing it: a process in such a group tries to
// connect. It needs no network and no metadata service. process.metadata
Status examine_metadata();

// The control groups cannot be written any more from the mount namespace that we are in, so that
// nothing leaves its group by a slip. (Root in it can find another way.) process.metadata
Status close_control_groups();

}  // namespace hyops::process
