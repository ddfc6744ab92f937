// Counting is done in here because nobody outside may look into a process that cannot be dumped.
#include "plugin-host/probe.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>

namespace hyops::plugin_host {
namespace {

// Without opening anything: the helper cannot look into /proc.
Json census(bool loaded) {
  // This thread, and from the loading on the one that watches for the core's end.
  const int64_t our_threads = loaded ? 2 : 1;
  int open = 0;
  for (int fd = 0; fd < 1024; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  struct stat tasks {};
  ::stat("/proc/self/task", &tasks);  // one link for each thread, and two of its own
  const auto heap = ::mallinfo2();
  return {{"t", "census"},
          {"fds", open},
          {"threads", static_cast<int64_t>(tasks.st_nlink) - 2 - our_threads},
          {"heap", static_cast<int64_t>(heap.uordblks + heap.hblkhd)}};
}

Status cycle(Wire& wire, Host& host, Module& module, const plugin::Frame& frame) {
  for (int64_t n = get_int(frame.head, "n"); n > 0; --n) {
    Call call = make_call(wire, "{}");
    if (auto made = module.create(host, call, frame.bytes, {}); !made) return made;
    module.destroy();
  }
  return {};
}

}  // namespace

bool probe(Wire& wire, Host& host, std::optional<Module>& module, const plugin::Frame& frame) {
  const std::string type = frame.type();
  if (type == "census") return wire.tell({census(module.has_value()), {}}), true;
  if (!module) return false;
  if (type == "interface") {
    wire.tell({{{"t", type}, {"known", module->has(get_string(frame.head, "id"))}}, {}});
  } else if (type == "destroy") {
    module->destroy();
    wire.tell({{{"t", "destroyed"}}, {}});
  } else if (type == "cycle") {
    module->destroy();
    const auto done = cycle(wire, host, *module, frame);
    wire.tell({done ? Json{{"t", "cycled"}}
                    : Json{{"t", "refused"},
                           {"code", done.error().code},
                           {"message", done.error().message}},
               {}});
  } else {
    return false;
  }
  return true;
}

}  // namespace hyops::plugin_host
