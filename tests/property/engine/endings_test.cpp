// Whatever fails wherever: no step runs whose need did not end well (E7), no phase starts before
// the ones before it ended well (E4, E5), and every step has exactly one of the six endings in the
// record (G4).
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;

RC_GTEST_PROP(Endings, hold_for_any_graph_and_any_failures, ()) {
  const auto count = *rc::gen::inRange<size_t>(1, 7);
  const char* phases[] = {"fence", "data", "readiness", "publish"};
  struct Node {
    size_t phase = 0;
    bool fails = false;
    std::vector<size_t> needs;
  };
  std::vector<Node> nodes(count);
  size_t phase = 0;
  for (size_t i = 0; i < count; ++i) {
    phase = std::min<size_t>(3, phase + *rc::gen::inRange<size_t>(0, 2));
    nodes[i].phase = phase;
    nodes[i].fails = *rc::gen::inRange(0, 4) == 0;
    for (size_t j = 0; j < i; ++j)
      if (*rc::gen::inRange(0, 3) == 0) nodes[i].needs.push_back(j);
  }
  Site site;
  site.tool("good", "[outputs.x]\ntype = \"string\"\n[effects]\n",
            "printf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.tool("bad", "[outputs.x]\ntype = \"string\"\n[effects]\n", "exit 1\n");
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    std::string needs;
    for (const size_t need : nodes[i].needs)
      needs += (needs.empty() ? "\"s" : ", \"s") + std::to_string(need) + "\"";
    text += "[[step]]\nid = \"s" + std::to_string(i) + "\"\nmodule = \"test/" +
            (nodes[i].fails ? "bad" : "good") + "\"\nphase = \"" + phases[nodes[i].phase] +
            "\"\nneeds = [" + needs + "]\n";
  }
  site.blueprint(text);
  const std::string status = site.run(site.plan());
  const auto endings = site.endings();
  RC_ASSERT(endings.size() == count);
  bool any_failed = false;
  for (size_t i = 0; i < count; ++i) {
    const std::string& ending = endings.at("s" + std::to_string(i));
    bool may_run = true;
    for (const size_t need : nodes[i].needs)
      may_run = may_run && endings.at("s" + std::to_string(need)) == "ok";
    for (size_t j = 0; j < count; ++j)
      if (nodes[j].phase < nodes[i].phase)
        may_run = may_run && endings.at("s" + std::to_string(j)) == "ok";
    RC_ASSERT(ending == (!may_run ? "not_run" : nodes[i].fails ? "failed" : "ok"));
    any_failed = any_failed || ending == "failed";
  }
  RC_ASSERT(status == (any_failed ? "failed" : "ok"));
  RC_ASSERT(site.verify().clean);
}
