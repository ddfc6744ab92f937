// The helper process of one plugin instance: gives up what it does not need, loads, answers until
// told to end.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <exception>
#include <thread>

#include "base/file.hpp"
#include "plugin-host/confine.hpp"
#include "plugin-host/module.hpp"
#include "plugin-host/probe.hpp"

namespace hyops::plugin_host {
namespace {

// A verb that hangs would outlive a core that was killed. This thread sees the socket hang up.
void end_with_the_core() {
  std::thread([] {
    pollfd socket{socket_number, 0, 0};
    while (::poll(&socket, 1, -1) < 0) {
    }
    ::_exit(0);
  }).detach();
}

Json to_head(const char* type, const Error& error) {
  return {{"t", type}, {"code", error.code}, {"message", error.message}};
}

// Said before the vendor's code could say anything: that frame is the core's proof.
Result<plugin::Frame> confine_as(const plugin::Frame& frame) {
  auto holds = confine({frame.head.value("read", std::vector<std::string>{}),
                        frame.head.value("direct", std::vector<std::string>{})});
  if (!holds) return pass(holds);
  end_with_the_core();
  return plugin::Frame{{{"t", "confined"}, {"holds", std::move(*holds)}}, {}};
}

Status start(Wire& wire, Host& host, std::optional<Module>& module, const plugin::Frame& frame) {
  for (const auto& service : frame.head.value("services", std::vector<std::string>{}))
    host.granted.insert(service);
  const std::string path = "/proc/self/fd/" + std::to_string(object_number);
  auto loaded = Module::load(path, get_string(frame.head, "id"), get_string(frame.head, "version"));
  if (!loaded) return pass(loaded);
  ::close(object_number);
  module.emplace(*loaded);
  Call call = make_call(wire, "{}");
  return module->create(host, call, frame.bytes,
                        frame.head.value("interfaces", std::vector<std::string>{}));
}

// What `ps` shows of a helper: the verb it is in, or that it waits.
void show_as(const std::string& at_work) { ::prctl(PR_SET_NAME, ("hyops:" + at_work).c_str()); }

void run_verb(Wire& wire, Module& module, const plugin::Frame& frame) {
  Call call = make_call(wire, frame.head.value("about", Json::object()).dump());
  wire.begin_call(get_int(frame.head, "left_ms", -1));
  std::string thrown = "the plugin let something unknown escape";
  try {
    auto done = module.call(get_string(frame.head, "interface"), get_string(frame.head, "verb"),
                            call, frame.bytes);
    wire.tell({done ? Json{{"t", "return"}} : to_head("refused", done.error()), {}});
    return;
  } catch (const std::exception& error) {
    thrown = std::string("the plugin let an exception escape: ") + error.what();
  } catch (...) {
  }
  wire.tell({{{"t", "thrown"}, {"message", thrown}}, {}});
}

int serve() {
  Wire wire;
  if (auto done = give_up_privileges(object_number); !done) {
    wire.tell({to_head("refused", done.error()), {}});
    return 1;
  }
  Host host = make_host(wire, {});
  std::optional<Module> module;
  bool confined = false;
  for (;;) {
    const plugin::Frame frame = wire.wait();
    if (frame.type() == "confine" && !confined) {
      const auto done = confine_as(frame);
      confined = done.has_value();
      wire.tell(done ? *done : plugin::Frame{to_head("refused", done.error()), {}});
    } else if (frame.type() == "create") {
      const Status started = !confined ? fail("plugin.isolation", "not confined yet")
                             : module  ? fail("plugin.load", "created twice")
                                       : start(wire, host, module, frame);
      wire.tell({started ? Json{{"t", "ready"}} : to_head("refused", started.error()), {}});
    } else if (frame.type() == "call" && module) {
      show_as(get_string(frame.head, "verb"));
      run_verb(wire, *module, frame);
      show_as("idle");
    } else if (probe(wire, host, module, frame)) {
      continue;
    } else if (frame.type() == "end") {
      if (module) module->destroy();
      ::_exit(0);  // without running what a vendor registered for exit
    }
  }
}

// What would hold for a plugin on this machine, found out by doing it: for the doctor.
int examine() {
  Result<Json> holds = Json();
  if (auto done = give_up_privileges(2); !done)
    holds = pass(done);
  else
    holds = confine({});
  (void)write_all(1, (holds ? holds->dump() : holds.error().text()) + "\n");
  return holds ? 0 : 1;
}

}  // namespace
}  // namespace hyops::plugin_host

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "examine") return hyops::plugin_host::examine();
  if (::fcntl(hyops::plugin_host::socket_number, F_GETFD) < 0) {
    (void)hyops::write_all(
        2, "hyops-plugin-host is started by hyops to hold one plugin; it is of no use by hand.\n");
    return 2;
  }
  return hyops::plugin_host::serve();
}
