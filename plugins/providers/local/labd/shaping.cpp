// Token buckets on the bridges of the router: one class for each zone that sends into a bridge.
#include "shaping.hpp"

#include "subprocess.hpp"

namespace hyops::labd::shaping {
namespace {

// The class of what comes from `from`, on whatever bridge: its third octet, as people read it.
std::string class_of(const Zone& from) {
  return "1:" + std::to_string(network_of(from).network >> 8 & 0xff);
}
std::string priority_of(const Zone& from) { return class_of(from).substr(2); }

Done tc(std::vector<std::string> words) {
  words.insert(words.begin(), "tc");
  auto ran = run(words);
  if (!ran) return tl::make_unexpected(ran.error());
  return {};
}

// Absence is what was asked for, so a missing filter or class is no failure.
void forget(const Zone& from, const Zone& into) {
  const std::string bridge(into.bridge);
  (void)tc({"filter", "del", "dev", bridge, "parent", "1:", "pref", priority_of(from)});
  (void)tc({"class", "del", "dev", bridge, "classid", class_of(from)});
}

Done one_way(const Zone& from, const Zone& into, int kbit) {
  const std::string bridge(into.bridge);
  // `replace` of an existing root queue would throw its classes away.
  auto queues = run({"tc", "qdisc", "show", "dev", bridge});
  if (!queues) return tl::make_unexpected(queues.error());
  if (queues->find("htb 1:") == std::string::npos) {
    if (auto done = tc({"qdisc", "add", "dev", bridge, "root", "handle", "1:", "htb"}); !done)
      return done;
  }
  forget(from, into);
  if (auto done = tc({"class", "add", "dev", bridge, "parent", "1:", "classid", class_of(from),
                      "htb", "rate", std::to_string(kbit) + "kbit"});
      !done)
    return done;
  return tc({"filter", "add", "dev", bridge, "parent", "1:", "protocol", "ip", "pref",
             priority_of(from), "u32", "match", "ip", "src", std::string(from.network), "flowid",
             class_of(from)});
}

}  // namespace

Done slow(const Zone& a, const Zone& b, int kbit) {
  if (auto done = one_way(a, b, kbit); !done) return done;
  return one_way(b, a, kbit);
}

Done full(const Zone& a, const Zone& b) {
  forget(a, b);
  forget(b, a);
  return {};
}

}  // namespace hyops::labd::shaping
