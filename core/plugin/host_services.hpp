// The core's side of the host services: what a plugin asks for is checked against its manifest,
// then done.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "net/http.hpp"
#include "plugin/frame.hpp"
#include "plugin/manifest.hpp"
#include "plugin/programs.hpp"
#include "plugin/services.hpp"
#include "process/metadata.hpp"

namespace hyops::plugin {

class HostServices {
 public:
  HostServices(Services services, const Manifest& manifest, const Json& config, const Clock& clock);

  // Idempotency key of the call that is being served, which what a service keeps is kept under, and
  // whether programs that it starts may ask the metadata service.
  void serve_call(const std::string& key, process::Metadata metadata = process::Metadata::refused) {
    key_ = key;
    metadata_ = metadata;
  }

  // Does what a {"t":"service"} frame asks and gives the frame to answer with. `deadline_ms` is the
  // call's (0 = none). The answer's bytes may be secret: wipe them after sending.
  Frame answer(const Frame& asked, int64_t deadline_ms, const std::function<bool()>& cancelled);

  void log(std::string_view level, const std::string& text) const;

 private:
  Result<Frame> serve(const Frame& asked, int64_t deadline_ms,
                      const std::function<bool()>& cancelled);
  Result<Frame> http(const Json& request, std::string body, int64_t deadline_ms,
                     const std::function<bool()>& cancelled);
  // What "secrets" of a request names, by mark: nothing that the configuration does not.
  Result<std::map<std::string, std::string>> named_secrets(const Json& request) const;
  Result<Frame> exec(const Json& request, int64_t deadline_ms,
                     const std::function<bool()>& cancelled);
  Result<Frame> stream(const std::string& verb, const Json& request);
  Result<Frame> sink(const Frame& asked, std::string_view value);
  Result<Frame> unseal(std::string_view sealed);

  Services services_;
  const Clock& clock_;
  std::string id_, key_;
  process::Metadata metadata_ = process::Metadata::refused;
  std::vector<std::string> granted_, hosts_, secrets_;
  Programs programs_;
  net::HttpClient client_;
};

}  // namespace hyops::plugin
