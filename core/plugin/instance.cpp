// Starting a helper and talking to it: deadlines, cancelling, and the proof that a verb ended well.
#include "plugin/instance.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <mutex>

#include "base/secret.hpp"
#include "base/text.hpp"
#include "plugin/answer.hpp"
#include "plugin/host_services.hpp"
#include "plugin/sealed.hpp"
#include "process/metadata.hpp"
#include "process/spawn.hpp"

namespace hyops::plugin {
namespace {

constexpr int tick_ms = 100;           // how often a cancel is looked for
constexpr int64_t start_ms = 30'000;   // a helper that is not ready by then never will be
constexpr int64_t end_ms = 2'000;      // for destroy()
const std::string starting = "start";  // where it crashed, if not in a verb

// A helper that knows of no plugin yet, and the two things that it was given.
struct Empty {
  Fd object;  // the memory file it will load, empty
  Fd socket;
  process::Child child;
};

Result<Empty> spawn_helper(const Sources& sources, int cgroup = -1) {
  auto object = memory_file();
  if (!object) return pass(object);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno("plugin.helper", "cannot make a socket pair", errno);
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  // A helper that reads no more must not hold up the thread that would tell it to stop.
  const timeval patience{10, 0};
  ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  process::SpawnRequest request;
  // Out of the terminal's reach: an interrupt is for the core, which tells the plugin in its own
  // time.
  request.new_session = true;
  request.argv = {sources.helper.string()};
  request.extra = {{theirs.get(), 3}, {object->get(), 4}};
  request.cgroup = cgroup;
  auto child = process::spawn(request);
  if (!child) return fail("plugin.helper", child.error().message);
  return Empty{std::move(*object), std::move(ours), std::move(*child)};
}

// What a plugin says along the way: a flood of it must not fill the ledger, nor hold up its
// writers.
class Chatter {
 public:
  bool takes_line() { return ++lines_ <= most_lines; }
  bool takes_progress(int64_t now) {
    if (shown_ && now - *shown_ < between_ms) return false;
    shown_ = now;
    return true;
  }
  void end(const HostServices& host) const {
    if (lines_ > most_lines)
      host.log("warning", std::to_string(lines_ - most_lines) + " more lines were dropped");
  }

 private:
  static constexpr int64_t most_lines = 200, between_ms = 50;
  int64_t lines_ = 0;
  std::optional<int64_t> shown_;
};

struct HelperProcess final : Instance::Helper {
  HelperProcess(Manifest m, Services services, const Json& config, Quarantine q, const Clock& c,
                process::Guard g, Fd fd, process::Child child_)
      : about(std::move(m)),
        clock(c),
        host(std::move(services), about, config, c),
        quarantine(std::move(q)),
        guard(std::move(g)),
        socket(std::move(fd)),
        child(std::move(child_)) {}
  ~HelperProcess() override {
    if (!alive) return;
    if (send_frame(socket.get(), {{{"t", "end"}}, {}})) (void)child.wait(end_ms);
    end(0);
  }
  HelperProcess(const HelperProcess&) = delete;
  HelperProcess& operator=(const HelperProcess&) = delete;

  const Manifest& manifest() const override { return about; }
  const Json& isolation() const override { return holds; }
  pid_t pid() const override { return child.pid(); }
  bool running() const override { return alive; }

  // How the helper ended; nothing: it had to be killed. Dead in either case.
  std::optional<process::Exit> end(int64_t wait_ms) {
    socket.reset();
    std::optional<process::Exit> exit;
    if (auto ended = child.wait(wait_ms)) exit = *ended;
    alive = false;
    if (exit) return exit;
    (void)child.signal(SIGKILL);
    (void)child.wait(-1);
    return std::nullopt;
  }

  // The plugin's own doing ended the helper, or had to: counted towards its quarantine.
  Failure crashed(const char* code, const std::string& where, const std::string& how) {
    Error error = make_error(code, about.id + " " + how + " in " + where);
    auto full = quarantine.crashed(about.id, about.digest, where, how);
    if (full && *full) error.context.push_back("it crashed too often and is in quarantine now");
    if (!full) error.context.push_back("the crash was not counted: " + full.error().message);
    return Failure(std::move(error));
  }
  Failure died(const char* code, const std::string& where) {
    const auto exit = end(end_ms);
    if (exit && exit->signal == SIGSYS && where != starting)
      return crashed("plugin.forbidden", where, "tried what no plugin may do and was ended");
    return crashed(code, where, "died (" + (exit ? exit->text() : "killed") + ")");
  }

  Result<Json> talk(const CallRequest& request, const Progress& progress,
                    const Cancelled& cancelled) override;
  Status wait_until_ready(const Frame& create);

  Manifest about;
  const Clock& clock;
  HostServices host;
  Quarantine quarantine;
  process::Guard guard;  // outlives the child in its group
  Fd socket;
  process::Child child;
  FrameReader reader;
  Json holds;  // what the helper took from itself; null until it said so
  bool alive = true;
  std::mutex one_at_a_time;
};

}  // namespace

bool outcome_is_unknown(const Error& error) {
  return error.code == "plugin.died" || error.code == "plugin.deadline" ||
         error.code == "plugin.protocol" || error.code == "plugin.forbidden";
}

Result<Instance> Instance::start(const Registry& registry, const std::string& id,
                                 const Json& config, Services services, const Clock& clock) {
  // Starting a process takes longer than judging a plugin, so both happen at once. The helper is
  // ours alone until the plugin is judged: one that is refused, it never hears of.
  auto empty = spawn_helper(registry.sources());
  auto manifest = registry.trusted(id);
  if (!manifest) return pass(manifest);
  const auto listed = manifest->files.find(object_name);
  if (listed == manifest->files.end())
    return fail("plugin.file.missing", id + " was signed without the digest of its " + object_name);
  auto checked = check_config(*manifest, config);
  if (!checked) return pass(checked);
  auto text = canonical(*checked);
  if (!text) return fail("plugin.config.value", id + ": " + text.error().message);

  // One that may make connections of its own is kept from the machine's credentials like a tool
  // (K7). What it needs of them, it asks for by hyops.http/1.
  auto guard = manifest->direct.empty() ? process::Guard{}
                                        : process::keep_from_metadata(process::Metadata::refused);
  if (guard.group) empty = spawn_helper(registry.sources(), guard.cgroup());
  if (!empty) return pass(empty);

  const Frame confine{{{"t", "confine"},
                       {"read", configured(manifest->read_paths, *checked)},
                       {"direct", manifest->direct}},
                      {}};
  const Frame create{{{"t", "create"},
                      {"id", id},
                      {"version", manifest->version},
                      {"interfaces", manifest->implements},
                      {"services", manifest->services}},
                     *text};
  const auto file = manifest->folder / object_name;
  const std::string sha256 = listed->second;
  auto helper = std::make_unique<HelperProcess>(std::move(*manifest), std::move(services), *checked,
                                                registry.quarantine(), clock, std::move(guard),
                                                std::move(empty->socket), std::move(empty->child));
  const int socket = helper->socket.get();
  // A refused frame is one to a helper that died: why, wait_until_ready finds out.
  (void)send_frame(socket, confine);
  // The helper confines itself while the object is hashed; it loads nothing before it is told to.
  if (auto sealed = fill_and_seal(empty->object.get(), file, sha256); !sealed) return pass(sealed);
  if (auto ready = helper->wait_until_ready(create); !ready) return pass(ready);
  if (!helper->about.direct.empty())
    helper->holds["metadata"] = process::name(helper->guard.metadata);
  return Instance(std::move(helper));
}

Status HelperProcess::wait_until_ready(const Frame& create) {
  const int64_t until = clock.mono_ms() + start_ms;
  Answer answer;
  Chatter chatter;
  if (auto sent = send_frame(socket.get(), create); !sent)
    return died("plugin.load.died", starting);
  for (;;) {
    auto frame = receive_frame(socket.get(), reader, tick_ms);
    if (!frame) return died("plugin.load.died", starting);
    if (clock.mono_ms() >= until) {
      end(0);
      return fail("plugin.load",
                  about.id + " was not ready after " + std::to_string(start_ms / 1000) + " s");
    }
    if (!*frame) continue;
    const std::string type = (*frame)->type();
    if (type == "ready" && !holds.is_null()) {
      quarantine.worked(about.id, about.digest, starting);
      return {};
    }
    if (type == "ready") {
      end(0);
      return fail("plugin.isolation", "the helper loaded a plugin without confining itself");
    }
    if (type == "refused") {
      end(end_ms);
      return start_failure(**frame, answer);
    }
    if (type == "confined" && holds.is_null()) {
      holds = (*frame)->head.value("holds", Json::object());
      continue;
    }
    if (type == "log" && chatter.takes_line()) {
      host.log(get_string((*frame)->head, "level"), get_string((*frame)->head, "text"));
    } else if (type == "service") {
      Frame reply = host.answer(**frame, until, {});
      (void)send_frame(socket.get(), reply);
      wipe(reply.bytes.data(), reply.bytes.size());
    } else {
      answer.take(**frame);
    }
  }
}

Result<Json> HelperProcess::talk(const CallRequest& request, const Progress& progress,
                                 const Cancelled& cancelled) {
  const std::lock_guard only_one(one_at_a_time);
  const auto& verbs = verbs_of(request.interface);
  const auto& implements = about.implements;
  if (std::find(implements.begin(), implements.end(), request.interface) == implements.end() ||
      std::find(verbs.begin(), verbs.end(), request.verb) == verbs.end())
    return fail("plugin.verb",
                about.id + " has no verb " + printable(request.interface + " " + request.verb, 80));
  if (!alive)
    return fail("plugin.stopped", "the helper of " + about.id + " is not running any more");
  const int64_t left = request.deadline_ms ? request.deadline_ms - clock.mono_ms() : -1;
  if (request.deadline_ms && left <= 0)
    return fail("plugin.late", "the deadline had passed before " + request.verb + " was sent");
  auto input = canonical(request.input);
  if (!input) return pass(input);
  const Frame call{{{"t", "call"},
                    {"interface", request.interface},
                    {"verb", request.verb},
                    {"left_ms", left},
                    {"about",
                     {{"key", request.key},
                      {"run", request.run},
                      {"step", request.step},
                      {"lane", request.lane},
                      {"fencing_token", request.fencing_token}}}},
                   *input};
  if (auto sent = send_frame(socket.get(), call); !sent) {
    if (sent.error().code == "plugin.frame.too_large") return pass(sent);  // nothing of it went out
    const auto exit = end(end_ms);
    return fail("plugin.stopped", about.id + " was gone before " + request.verb +
                                      " was sent whole: " + (exit ? exit->text() : "killed"));
  }

  host.serve_call(request.key, request.metadata);
  Answer answer;
  Chatter chatter;
  int64_t kill_at = 0;  // 0: nobody asked it to stop yet
  const auto stop_wanted = [&] {
    return (cancelled && cancelled()) ||
           (request.deadline_ms && clock.mono_ms() >= request.deadline_ms);
  };
  for (;;) {
    if (!kill_at && stop_wanted()) {
      kill_at = clock.mono_ms() + request.grace_ms;
      (void)send_frame(socket.get(), {{{"t", "cancel"}}, {}});
    }
    int wait = cancelled ? tick_ms : 60'000;
    if (kill_at)
      wait = static_cast<int>(std::clamp<int64_t>(kill_at - clock.mono_ms(), 0, wait));
    else if (request.deadline_ms)
      wait = static_cast<int>(std::clamp<int64_t>(request.deadline_ms - clock.mono_ms(), 0, wait));
    auto frame = receive_frame(socket.get(), reader, wait);
    if (!frame && frame.error().code == "plugin.frame.closed")
      return died("plugin.died", request.verb);
    if (!frame) {
      end(0);
      return crashed("plugin.protocol", request.verb,
                     "broke the protocol (" + frame.error().message + ")");
    }
    if (!*frame) {
      if (!kill_at || clock.mono_ms() < kill_at) continue;
      end(0);
      return fail("plugin.deadline",
                  about.id + " did not stop within " + show_duration(request.grace_ms) +
                      " of being told to, in " + request.verb + ", and was killed");
    }
    const std::string type = (*frame)->type();
    if (type == "return") {
      chatter.end(host);
      quarantine.worked(about.id, about.digest, request.verb);
      return answer.judge(about.id, request.verb);
    }
    if (type == "refused")
      return fail("plugin.verb", printable(get_string((*frame)->head, "message")));
    if (type == "progress") {
      if (progress && chatter.takes_progress(clock.mono_ms()))
        progress(
            static_cast<int>(std::clamp<int64_t>(get_int((*frame)->head, "permille"), 0, 1000)),
            printable(get_string((*frame)->head, "note")));
    } else if (type == "log") {
      if (chatter.takes_line())
        host.log(get_string((*frame)->head, "level"), get_string((*frame)->head, "text"));
    } else if (type == "service") {
      // A service stops at the deadline, and then the plugin has its grace; so does one that was
      // cancelled.
      Frame reply = host.answer(**frame, kill_at ? kill_at : request.deadline_ms,
                                kill_at ? Cancelled{} : cancelled);
      wipe((*frame)->bytes.data(), (*frame)->bytes.size());
      (void)send_frame(socket.get(), reply);
      wipe(reply.bytes.data(), reply.bytes.size());
    } else if (!answer.take(**frame)) {
      end(0);
      const std::string why =
          type == "thrown" ? get_string((*frame)->head, "message") : "an unknown frame";
      return crashed("plugin.protocol", request.verb,
                     "broke the contract (" + printable(why) + ")");
    }
  }
}

Result<Json> examine_isolation(const std::filesystem::path& helper) {
  process::SpawnRequest request;
  request.argv = {helper.string(), "examine"};
  auto done = process::run(request, start_ms);
  if (!done) return fail("plugin.helper", done.error().message);
  if (done->exit.code != 0 || done->exit.signal != 0)
    return fail("plugin.isolation", printable(done->out + done->err));
  return parse_json(done->out, "what the helper says of itself");
}

}  // namespace hyops::plugin
