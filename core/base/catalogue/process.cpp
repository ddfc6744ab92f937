#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> process() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"process.not_found", invalid,
       "A program that was to be started does not exist on this machine.", "hyops doctor"},
      {"process.not_executable", invalid,
       "A file that was to be started is no program, or may not be run.",
       "Check its mode and its first line, or pin a pack whose files are right."},
      {"process.spawn", unavailable,
       "The system could not start a program: the message says what it lacks.",
       "Check memory, process limits (ulimit -u) and open files (ulimit -n), then repeat."},
      {"process.wait", internal,
       "A child process could not be watched, or was reaped by somebody else.",
       "Keep the record and report it with the message."},
      {"process.deadline", deadline, "A helper program did not answer in time and was killed.",
       "Run it by hand to see what it waits for."},
      {"process.cancelled", cancelled,
       "A helper program was killed because the run was told to stop.",
       "Nothing; the run goes on as it was told to."},
      {"process.output", invalid, "A helper program wrote far more than any answer can have.",
       "Run it by hand to see what it writes."},
      {"process.step.request", invalid,
       "A tool was to be started with a request that cannot be carried out.",
       "Correct what the message names; nothing was started."},
      {"process.step.busy", conflict, "The folder of this step belongs to a tool that is running.",
       "Wait for it, or end it: hyops run cancel"},
      {"process.step.used", conflict,
       "The folder of this step holds the traces of an earlier tool. They are evidence, and a "
       "folder "
       "serves one start.",
       "Start the tool under a new attempt, with a folder of its own."},
      {"process.step.host", internal,
       "The process that watches over a tool could not be started or died at once.",
       "Check that libexec/hyops/hyops-step-host is installed beside hyops, then repeat."},
      {"process.step.file", internal,
       "A file of the step folder could not be written or does not say what it must.",
       "Check the disk (df, dmesg); then: hyops run resume"},
      {"process.step.lost", unavailable,
       "The process that watched over a tool is gone without saying how the tool ended. "
       "The tool died with it; what it had done by then is unknown.",
       "hyops run resume"},
      {"process.metadata", unavailable,
       "This machine cannot keep the tools of a step from its metadata service, where whatever "
       "asks is given the credentials of the machine (K7). No run is refused for that: its record "
       "says which tools could reach it. It takes root, control groups of version 2 and a kernel "
       "that lets programs look at their sockets.",
       "Run hyops as root outside of containers that forbid it: mount -t cgroup2; hyops doctor"},
      {"process.secrets.namespace", denied,
       "This step needs secrets as files, and the machine allows no mount namespace with a tmpfs "
       "in "
       "which nobody else could see them. hyops does not write secrets to a disk instead (K1).",
       "Run hyops as root, or allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1"},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
