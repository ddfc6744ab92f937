// hyops.stream/1: local endpoints that outlive helper and core, each kept by hyops-stream-host
// under a step host.
//
// A stream has a folder of its own below the run's, named after key and name:
//   stream.json   what was asked, where it listens, until when, and whether it was closed
//   files/        the files of the request
//   1/ 2/ ...     one step folder (process/step_host.hpp) for every time its keeper was started,
//                 with dial.json, which is all that the keeper reads
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/programs.hpp"
#include "plugin/services.hpp"
#include "process/metadata.hpp"

namespace hyops::plugin {

// One caller at a time for a place: a lock in its folder sees to that, across processes.
class Streams {
 public:
  using SecretOf = std::function<Result<Secret>(const std::string& name)>;
  Streams(StreamPlace place, SecretOf secret)
      : place_(std::move(place)), secret_(std::move(secret)) {}

  // As in hyops/plugin.h. An endpoint that listens is given again where it carries to the same
  // place; otherwise it is started at the port it had before, or at a free one.
  // plugin.service.request, plugin.exec.denied, plugin.file.*, stream.{start,port}, file.*
  Result<Json> open(const std::string& key, const std::string& name, const Json& request,
                    const Programs& programs, const Json& values,
                    process::Metadata metadata = process::Metadata::refused);
  Result<Json> observe(const std::string& key, const std::string& name);
  Result<Json> close(const std::string& key, const std::string& name);
  // What stands between its programs and the metadata service, for the record: {"metadata"} and
  // perhaps {"metadata_open"}; nothing where it was never open.
  Json metadata(const std::string& key, const std::string& name) const;

  // For whoever goes on with a run: starts the keepers again that should be there and are not
  // (killed, or the machine was booted again). Nothing to do costs a look at the folder.
  Status revive();
  Status close_all();

  // What listens now, as {key, name, address, port, expires_ms}; starts and closes nothing.
  Result<std::vector<Json>> standing();

 private:
  std::filesystem::path folder_of(const std::string& key, const std::string& name) const;
  Status start(const std::filesystem::path& folder, Json& stream);
  Status end(const std::filesystem::path& folder, Json& stream);

  StreamPlace place_;
  SecretOf secret_;
};

}  // namespace hyops::plugin
