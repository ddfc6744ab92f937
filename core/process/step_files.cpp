// What host.json and status.json hold, read back with suspicion: they are all that a new core
// knows.
#include "process/step_files.hpp"

namespace hyops::process::step_files {

Json to_json(const Identity& identity) {
  return {
      {"pid", identity.pid}, {"start_ticks", identity.start_ticks}, {"boot_id", identity.boot_id}};
}

Result<Identity> identity_from(const Json& json) {
  const Identity identity{static_cast<pid_t>(get_int(json, "pid")), get_int(json, "start_ticks"),
                          get_string(json, "boot_id")};
  if (identity.pid <= 0 || identity.boot_id.empty())
    return fail("process.step.file", "host.json does not name a process");
  return identity;
}

Json to_json(const Host& host) {
  Json out = to_json(host.identity);
  out["metadata"] = name(host.metadata);
  if (host.metadata == Metadata::open) out["metadata_open"] = host.metadata_open;
  return out;
}

Result<Host> host_from(const Json& json) {
  auto identity = identity_from(json);
  if (!identity) return Failure(identity.error());
  Host host{std::move(*identity), metadata_named(get_string(json, "metadata")),
            get_string(json, "metadata_open")};
  if (host.metadata == Metadata::open && host.metadata_open.empty())
    host.metadata_open = "its step host did not say";
  return host;
}

Json to_json(const ToolStatus& status) {
  return {{"code", status.exit.code},        {"signal", status.exit.signal},
          {"started_ms", status.started_ms}, {"ended_ms", status.ended_ms},
          {"reason", status.reason},         {"log_complete", status.log_complete}};
}

Result<ToolStatus> status_from(const Json& json) {
  if (!json.is_object() || !json.contains("code") || !json.contains("signal"))
    return fail("process.step.file", "status.json does not say how the tool ended");
  ToolStatus status;
  status.exit.code = static_cast<int>(get_int(json, "code"));
  status.exit.signal = static_cast<int>(get_int(json, "signal"));
  status.started_ms = get_int(json, "started_ms");
  status.ended_ms = get_int(json, "ended_ms");
  status.reason = get_string(json, "reason");
  status.log_complete = get_bool(json, "log_complete", true);
  return status;
}

}  // namespace hyops::process::step_files
