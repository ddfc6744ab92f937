// The same frames as in plugin/instance.cpp, but each can be late, wrong, or the last one.
#include "plugin/check/session.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "plugin/sealed.hpp"

namespace hyops::plugin::check {
namespace {

constexpr int64_t start_ms = 30'000;

bool is_event(const Frame& asked) {
  const std::string id = get_string(asked.head, "id");
  return id != "hyops.log/1" && id != "hyops.clock/1";
}

}  // namespace

bool is_broken(const Result<Json>& judged) {
  if (judged) return false;
  const std::string& code = judged.error().code;
  return code.starts_with("plugin.answer.") || code == "plugin.died" || code == "plugin.deadline" ||
         code == "plugin.protocol" || code == "plugin.forbidden";
}

Session::Session(const Subject& subject, World& world, Fd socket, Fd output, process::Child child)
    : subject_(&subject),
      world_(&world),
      socket_(std::move(socket)),
      output_(std::move(output)),
      child_(std::move(child)) {}

Result<Session> Session::open(const Subject& subject, World& world) {
  auto object = sealed_copy(subject.manifest.folder / object_name, subject.sha256);
  if (!object) return pass(object);
  int ends[2], pipe[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno("plugin.helper", "cannot make a socket pair", errno);
  const Fd theirs(ends[1]);
  Fd ours(ends[0]);
  if (::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0)
    return fail_errno("plugin.helper", "cannot make a pipe", errno);
  Fd reads(pipe[0]);
  const Fd writes(pipe[1]);
  process::SpawnRequest request;
  request.new_session = true;
  request.argv = {subject.helper.string()};
  request.out = request.err = writes.get();
  request.extra = {{theirs.get(), 3}, {object->get(), 4}};
  auto child = process::spawn(request);
  if (!child) return fail("plugin.helper", child.error().message);
  return Session(subject, world, std::move(ours), std::move(reads), std::move(*child));
}

Status Session::send(const Frame& frame) { return send_frame(socket_.get(), frame); }

Error Session::ended(const std::string& where) {
  std::string how = "was gone";
  int signal = 0;
  if (auto exit = child_.wait(2'000); exit && *exit) {
    how = (*exit)->text();
    signal = (*exit)->signal;
  }
  if (signal == SIGSYS)
    return make_error("plugin.forbidden", "tried in " + where + " what no plugin may do");
  return make_error("plugin.died", "died in " + where + ": " + how);
}

void Session::note(const Frame& frame, const std::string& where) {
  const std::string type = frame.type();
  if (type == "log") world_->heard("the log", get_string(frame.head, "text"));
  if (type == "progress") world_->heard("progress", get_string(frame.head, "note"));
  if (type == "emit") world_->heard("what " + where + " emitted", frame.bytes);
  if (type == "fail")
    world_->heard("the failure of " + where,
                  get_string(frame.head, "code") + " " + get_string(frame.head, "message"));
  if (type == "thrown") world_->heard("an exception", get_string(frame.head, "message"));
}

Result<Frame> Session::wait_for(const char* type) {
  const int64_t until = system_clock().mono_ms() + start_ms;
  Answer answer;
  while (system_clock().mono_ms() < until) {
    auto frame = receive_frame(socket_.get(), reader_, 100);
    if (!frame) {
      Error error = ended("create");
      if (error.code == "plugin.died") error.code = "plugin.load";
      return Failure(std::move(error));
    }
    if (!*frame) continue;
    note(**frame, "create");
    answer.take(**frame);
    if ((*frame)->type() == type) return std::move(**frame);
    if ((*frame)->type() == "refused") return start_failure(**frame, answer);
    if ((*frame)->type() == "service") (void)send(world_->serve(**frame, until, {}));
  }
  return fail("plugin.load", "there was no answer within " + show_duration(start_ms));
}

Status Session::create(std::optional<std::string> config, bool services) {
  const Manifest& manifest = subject_->manifest;
  if (!config) config = subject_->config.dump();
  const int64_t began = system_clock().mono_ms();
  auto sent = send({{{"t", "confine"},
                     {"read", configured(manifest.read_paths, subject_->config)},
                     {"direct", manifest.direct}},
                    {}});
  if (sent)
    sent = send({{{"t", "create"},
                  {"id", manifest.id},
                  {"version", manifest.version},
                  {"interfaces", manifest.implements},
                  {"services", services ? manifest.services : std::vector<std::string>{}}},
                 *config});
  if (!sent) return Failure(ended("create"));
  auto ready = wait_for("ready");
  if (!ready) return pass(ready);
  create_ms_ = system_clock().mono_ms() - began;
  return {};
}

Heard Session::call(const std::string& interface, const std::string& verb, const Json& inputs,
                    const Manner& manner) {
  return call(interface, verb, inputs.dump(), manner);
}

Heard Session::call(const std::string& interface, const std::string& verb,
                    const std::string& inputs, const Manner& manner) {
  const auto now = [] { return system_clock().mono_ms(); };
  Heard heard;
  Answer answer;
  const int64_t began = now();
  int64_t stop_at = manner.left_ms < 0 ? -1 : began + manner.left_ms;
  const int64_t until = began + manner.patience_ms;
  const auto reach = [&](int event) {  // true: it was killed there
    if (event == manner.cancel_at) {
      stop_at = now();
      (void)send({{{"t", "cancel"}}, {}});
    }
    heard.killed = event == manner.kill_at;
    if (heard.killed) (void)child_.signal(SIGKILL);
    return heard.killed;
  };
  world_->serve_call(manner.key + "-" + world_->token);
  auto sent = send({{{"t", "call"},
                     {"interface", interface},
                     {"verb", verb},
                     {"left_ms", manner.left_ms},
                     {"about",
                      {{"key", manner.key + "-" + world_->token},
                       {"run", "check"},
                       {"step", verb},
                       {"lane", "check"},
                       {"fencing_token", 1}}}},
                    inputs});
  if (sent && reach(0)) return heard;
  for (;;) {
    auto frame = receive_frame(socket_.get(), reader_, 50);
    if (!frame) {
      if (frame.error().code == "plugin.frame.closed") {
        heard.judged = Failure(ended(verb));
      } else {
        heard.judged = fail("plugin.protocol", verb + ": " + frame.error().message);
      }
      return heard;
    }
    if (!*frame) {
      if (now() < until) continue;
      (void)child_.signal(SIGKILL);
      heard.judged = fail("plugin.deadline",
                          verb + " did not return within " + show_duration(manner.patience_ms));
      return heard;
    }
    const std::string type = (*frame)->type();
    note(**frame, verb);
    if (type == "return") {
      if (stop_at >= 0) heard.stop_ms = std::max<int64_t>(0, now() - stop_at);
      heard.judged = answer.judge(subject_->manifest.id, verb);
      return heard;
    }
    if (type == "refused") {
      heard.judged = fail("plugin.verb", printable(get_string((*frame)->head, "message")));
      return heard;
    }
    if (type == "service") {
      Frame reply = world_->serve(**frame, manner.left_ms < 0 ? 0 : stop_at,
                                  [&] { return manner.cancel_at >= 0 && stop_at >= 0; });
      if (is_event(**frame) && reach(++heard.events)) return heard;
      (void)send(reply);
      wipe(reply.bytes.data(), reply.bytes.size());
    } else if (answer.take(**frame)) {
      if (type == "emit") heard.document = (*frame)->bytes;
      if (reach(++heard.events)) return heard;
    } else if (type == "thrown") {
      heard.judged = fail("plugin.protocol", "let an exception escape: " +
                                                 printable(get_string((*frame)->head, "message")));
      return heard;
    }
  }
}

Result<Census> Session::census() {
  if (auto sent = send({{{"t", "census"}}, {}}); !sent) return pass(sent);
  auto told = wait_for("census");
  if (!told) return pass(told);
  return Census{get_int(told->head, "fds"), get_int(told->head, "threads"),
                get_int(told->head, "heap")};
}

Result<bool> Session::knows(const std::string& interface) {
  if (auto sent = send({{{"t", "interface"}, {"id", interface}}, {}}); !sent) return pass(sent);
  auto told = wait_for("interface");
  if (!told) return pass(told);
  return get_bool(told->head, "known");
}

Status Session::cycle(int times) {
  if (auto sent = send({{{"t", "cycle"}, {"n", times}}, subject_->config.dump()}); !sent)
    return sent;
  auto told = wait_for("cycled");
  return told ? Status() : pass(told);
}

Status Session::destroy() {
  if (auto sent = send({{{"t", "destroy"}}, {}}); !sent) return sent;
  auto told = wait_for("destroyed");
  return told ? Status() : pass(told);
}

std::string Session::output() {
  (void)send({{{"t", "end"}}, {}});
  (void)child_.wait(2'000);
  std::string out;
  std::array<char, 4096> piece;
  for (ssize_t got;
       out.size() < 65536 && (got = ::read(output_.get(), piece.data(), piece.size())) > 0;)
    out.append(piece.data(), static_cast<size_t>(got));
  return out;
}

}  // namespace hyops::plugin::check
