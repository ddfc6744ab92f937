// hyops-step-host: runs one tool and outlives the core that asked for it (L5, L6).
//
// Two processes: the watcher only waits for the host and, should the host be killed, kills what the
// tool left behind; the host does everything else. Both keep the step folder's lock, so the tool
// counts as running until nothing of it can act any more.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "descendants.hpp"
#include "log.hpp"
#include "process/metadata.hpp"
#include "process/metadata_filter.hpp"
#include "process/step_files.hpp"
#include "process/step_frame.hpp"
#include "reports.hpp"
#include "secrets.hpp"
#include "status.hpp"
#include "supervise.hpp"

namespace hyops::step_host {
namespace {

using process::ToolRequest;
namespace files = process::step_files;

// K2: no core dump of ours or of a tool, and nobody of the same user looks into our memory.
void protect() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::umask(077);
}

Fd block_signals() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&ours, number);
  ::sigprocmask(SIG_BLOCK, &ours, nullptr);
  return Fd(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
}

Result<Fd> open_control(const std::filesystem::path& fifo) {
  if (::mkfifo(fifo.c_str(), 0600) != 0)
    return fail_errno("process.step.file", "cannot make " + fifo.string(), errno);
  // Open for both, so that it never ends when a writer goes away.
  Fd fd(::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail_errno("process.step.file", "cannot open " + fifo.string(), errno);
  return fd;
}

Result<record::Redactor> redactor_for(const ToolRequest& request) {
  std::vector<record::Redactor::Named> named;
  for (const auto& secret : request.secrets) named.push_back({secret.name, secret.value.copy()});
  return record::Redactor::create(named);
}

// From the complete request to the status on disk. The answer is sent as soon as the tool runs.
Status serve(ToolRequest request, const process::Guard& guard, int socket) {
  const auto& folder = request.step_folder;
  const auto redactor = redactor_for(request);
  if (!redactor) return Failure(redactor.error());
  const Fd signals = block_signals();
  auto control = open_control(folder / files::control_name);
  if (!control) return Failure(control.error());
  auto status_file = StatusFile::reserve(folder);
  if (!status_file) return Failure(status_file.error());
  auto log = Log::create(folder / files::log_name, *redactor);
  if (!log) return Failure(log.error());
  auto secrets =
      std::make_optional(SecretFolder::create(folder / files::secrets_name, request.secrets));
  if (!*secrets) return Failure(secrets->error());
  request.environment["HYOPS_SECRETS"] = (folder / files::secrets_name).string();
  request.secrets.clear();

  const auto identity = process::identify(::getpid());
  if (!identity) return fail("process.step.host", "the step host cannot find itself in /proc");
  const bool declared = request.metadata == process::Metadata::declared;
  const files::Host about = declared ? files::Host{*identity, request.metadata, {}}
                                     : files::Host{*identity, guard.metadata, guard.why_open};
  const auto document = canonical(files::to_json(about));
  if (auto put = write_file(folder / files::host_name, *document, 0600); !put) return put;

  process::ToolStatus status;
  bool runs = false;
  const bool held = about.metadata == process::Metadata::refused;
  if (held && (*secrets)->apart())
    if (auto closed = process::close_control_groups(); !closed) log->note(closed.error().message);
  if (auto tool = start(request, held ? guard.cgroup() : -1); tool) {
    runs = true;
    static_cast<void>(process::send_answer(socket, *identity));  // the core may be dead by now
    status = Supervisor(request, std::move(*tool), *log, signals.get(), control->get()).run();
    clean_reports(request.reports, *redactor, *log);
  } else {
    status.started_ms = status.ended_ms = system_clock().wall_ms();
    status.exit.code = 127;
    status.reason = redactor->redact("spawn: " + printable(tool.error().message));
    log->note(tool.error().message);
    log->finish();
  }
  secrets.reset();
  ::unlink((folder / files::control_name).c_str());
  auto kept = status_file->keep(status);
  if (!runs && kept) static_cast<void>(process::send_answer(socket, *identity));
  return kept;
}

int host(const process::Guard& guard) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Fd socket(files::request_fd);
  auto request = process::receive_request(socket.get());
  if (!request) return 1;  // the core is gone, or never was one
  if (auto served = serve(std::move(*request), guard, socket.get()); !served) {
    static_cast<void>(process::send_answer(socket.get(), Failure(served.error())));
    return 1;
  }
  return 0;
}

int watch(pid_t host) {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  ::close(files::request_fd);  // only the host may seem to listen
  while (::waitpid(host, nullptr, 0) < 0 && errno == EINTR) {
  }
  kill_descendants();
  return 0;
}

}  // namespace
}  // namespace hyops::step_host

int main() {
  using namespace hyops;
  namespace files = process::step_files;
  if (::fcntl(files::request_fd, F_GETFD) < 0 || ::fcntl(files::lock_fd, F_GETFD) < 0) {
    constexpr std::string_view words =
        "hyops-step-host is started by hyops and by nothing else; type: hyops help\n";
    static_cast<void>(write_all(STDERR_FILENO, words));
    return 2;
  }
  ::fcntl(files::request_fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(files::lock_fd, F_SETFD, FD_CLOEXEC);
  step_host::protect();
  // Away from the core: an orphan in a session of its own, reaped by init and never a zombie of
  // hyops.
  if (const pid_t pid = ::fork(); pid != 0) return pid < 0 ? 1 : 0;
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // The watcher's, who is there when the last of the tool is gone, whoever killed the host.
  process::inherit_metadata_programs(files::programs_fd);
  auto guard = process::keep_from_metadata(process::Metadata::refused);
  const pid_t pid = ::fork();
  if (pid < 0) return 1;
  if (pid > 0) return step_host::watch(pid);
  ::setsid();
  if (guard.group) guard.group->forget();
  return step_host::host(guard);
}
