// doctor: what this machine can and cannot do, said before it matters.
#include "cli/doctor.hpp"

#include "base/text.hpp"
#include "cli/system.hpp"
#include "cli/terminal.hpp"

namespace hyops::cli {
namespace {

std::string_view word(Level level) {
  return level == Level::ok ? "ok" : level == Level::warn ? "warn" : "bad";
}
Paint paint(Level level) {
  return level == Level::ok ? Paint::good : level == Level::warn ? Paint::warn : Paint::bad;
}

int doctor(Context& context, const po::variables_map&) {
  Diagnosis diagnosis;
  examine_machine(context, diagnosis);
  examine_tools(context, diagnosis);
  examine_installation(context, diagnosis);
  examine_runner(context, diagnosis);
  examine_lanes(context, diagnosis);
  int counts[3] = {0, 0, 0};
  Json list = Json::array();
  for (const auto& finding : diagnosis.findings()) {
    ++counts[static_cast<int>(finding.level)];
    list.push_back({{"area", finding.area},
                    {"level", word(finding.level)},
                    {"says", finding.says},
                    {"next", finding.next}});
    context.say(draw({{cell(word(finding.level), 6), paint(finding.level)},
                      {cell(finding.area, 10), Paint::faint},
                      {finding.says, Paint::plain}},
                     0, context.colour));
    if (!finding.next.empty())
      context.say("                  next: " + printable(finding.next, 400));
  }
  const bool good = counts[2] == 0;
  context.answer({{"findings", list},
                  {"ok", counts[0]},
                  {"warn", counts[1]},
                  {"bad", counts[2]},
                  {"good", good}});
  context.say("\n" + std::to_string(counts[0]) + " ok, " + std::to_string(counts[1]) + " warn, " +
              std::to_string(counts[2]) + " bad" +
              (good ? "" : ": what is bad has to be mended before this machine is relied on"));
  return good ? exit_ok : exit_failed;
}

}  // namespace

void add_doctor_command(Commands& commands) {
  commands.push_back({"doctor",
                      "",
                      "",
                      "what this machine can and cannot do, before it matters",
                      "Looks at the machine, tools, plugins, ledger, keys and lanes, and at "
                      "whether this part of the control plane\n"
                      "stands outside the primary site (D1). Changes nothing. Exit code 0 if "
                      "nothing is bad, else 1; warnings name\n"
                      "what would not work.",
                      {},
                      nullptr,
                      doctor});
}

}  // namespace hyops::cli
