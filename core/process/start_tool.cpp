// The core's side of a start: lock the folder, start the host, hand it the request, hear that the
// tool runs.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "process/metadata_filter.hpp"
#include "process/step_files.hpp"
#include "process/step_frame.hpp"
#include "process/step_host.hpp"

namespace hyops::process {
namespace {

// A lock of the open file description: the host inherits it with the descriptor, and it ends with
// the last of both processes, however they end. So a folder without host.json and without this lock
// is one whose tool never started, and never will.
Result<Fd> lock_folder(const std::filesystem::path& folder) {
  const auto file = folder / step_files::lock_name;
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("process.step.request", "cannot lock " + folder.string(), errno);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &whole) != 0)
    return fail("process.step.busy", "a tool is being run in " + folder.string());
  struct stat info {};
  for (const char* name : {step_files::host_name, step_files::status_name})
    if (::lstat((folder / name).c_str(), &info) == 0)
      return fail("process.step.used", "a tool was already run in " + folder.string());
  return fd;
}

Status check(const ToolRequest& request) {
  if (!request.step_folder.is_absolute())
    return fail("process.step.request", "the step folder must be an absolute path");
  if (request.argv.empty()) return fail("process.step.request", "the tool has no argument vector");
  std::set<std::string> files;
  for (const auto& secret : request.secrets) {
    const std::string& name = secret.file;
    if (name.empty()) continue;
    if (name == "." || name == ".." || name.size() > 200 || name.find('/') != std::string::npos)
      return fail("process.step.request", "\"" + name + "\" cannot name a secret's file");
    if (!files.insert(name).second)
      return fail("process.step.request", "two secrets are to be in the file \"" + name + "\"");
  }
  return {};
}

}  // namespace

Result<Identity> start_tool(const std::filesystem::path& step_host, const ToolRequest& request) {
  if (auto good = check(request); !good) return Failure(good.error());
  auto lock = lock_folder(request.step_folder);
  if (!lock) return Failure(lock.error());
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno("process.step.host", "cannot make a socket for the step host", errno);
  Fd ours(ends[0]), theirs(ends[1]);

  SpawnRequest host;
  host.argv = {step_host.string()};
  host.extra = {{theirs.get(), step_files::request_fd}, {lock->get(), step_files::lock_fd}};
  if (const auto programs = loaded_metadata_programs())
    for (int number = step_files::programs_fd; const int program : *programs)
      host.extra.emplace_back(program, number++);
  host.new_session = true;
  auto child = spawn(host);
  if (!child) return pass(child, "starting the step host");
  theirs.reset();
  lock->reset();
  // What we started forks at once and ends: the real host is nobody's child here, and no zombie
  // later.
  if (auto sent = send_request(ours.get(), request); !sent) return Failure(sent.error());
  ::shutdown(ours.get(), SHUT_WR);
  auto answer = receive_answer(ours.get());
  if (!answer) return pass(answer, "starting " + request.argv[0]);
  if (auto ended = child->wait(-1); !ended) return Failure(ended.error());
  return answer;
}

}  // namespace hyops::process
