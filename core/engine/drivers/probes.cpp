#include "engine/drivers/probes.hpp"

namespace hyops::engine {

Status write_probes(const std::vector<Json>& probes, const Call& call, Journal& journal,
                    std::optional<Error>& failed) {
  std::vector<std::pair<std::string, Json>> events;
  for (const auto& probe : probes) {
    const bool ok = get_bool(probe, "ok");
    Json body{{"step", call.step.id},
              {"attempt", call.attempt},
              {"probe", get_string(probe, "probe")},
              {"ok", ok},
              {"expected", probe.value("expected", Json())},
              {"found", probe.value("found", Json())}};
    if (!ok && !failed)
      failed = make_error("engine.probe.failed", "probe " + get_string(probe, "probe") +
                                                     " of step " + call.step.id + " expected " +
                                                     body["expected"].dump() + " and found " +
                                                     body["found"].dump());
    events.emplace_back("step.probe", std::move(body));
  }
  return events.empty() ? Status{} : journal.write_all(events);
}

}  // namespace hyops::engine
