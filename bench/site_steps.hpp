// Runs of a whole installation, with the moments at which its steps began and ended.
#pragma once

#include "support/site.hpp"

#include "measure.hpp"

namespace hyops::bench {

// A module without inputs or outputs whose tool is /bin/true.
inline void add_noop(tests::Site& site) {
  site.file(site.setup.catalog / "modules/test/noop/module.toml",
            "module = \"test/noop\"\nversion = \"1.0.0\"\ntitle = \"Nothing\"\ndoc = \"Does "
            "nothing.\"\n[effects]\n");
  site.file(site.setup.catalog / "packs/test/noop/pack.toml",
            "pack = \"test/noop\"\nversion = \"1.0.0\"\nmodule = \"test/noop\"\ndriver = "
            "\"process\"\n\n[process]\nrun = [\"true\"]\n");
  site.bind("test/noop", "test/noop");
}

inline std::string noop_chain(int steps) {
  std::string text;
  for (int i = 0; i < steps; ++i)
    text += "[[step]]\nid = \"s" + std::to_string(i) +
            "\"\nmodule = \"test/noop\"\nphase = \"data\"\n" +
            (i ? "needs = [\"s" + std::to_string(i - 1) + "\"]\n" : "");
  return text;
}

struct StepTimes {
  std::vector<double> intents, endings;  // ms, of the steps as they came
};

// Admits the plan and runs it to its end; anything but "ok" ends the measurement.
inline StepTimes run_steps(tests::Site& site, const Json& plan) {
  StepTimes times;
  const auto begin = std::chrono::steady_clock::now();
  site.observer.on_event = [&](const std::string& type, const Json&) {
    const double at =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    if (type == "step.intent") times.intents.push_back(at);
    if (type == "step.ended") times.endings.push_back(at);
  };
  const std::string status = site.run(plan);
  site.observer.on_event = {};
  if (status != "ok") {
    std::string why = "the measured run ended " + status;
    for (const auto& event : site.events("step.ended")) why += "\n" + event;
    give_up(why);
  }
  return times;
}

}  // namespace hyops::bench
