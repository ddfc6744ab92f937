# Real namespaces, sshd and packets: needs root, skips itself with a line otherwise.
add_library(access_plugins INTERFACE)
add_dependencies(access_plugins hyops-labd hyops-plugin-host hyops-step-host hyops-stream-host
  hyops_access_bastion-explicit hyops_access_private-overlay hyops_access_runner-local)
set(link hyops_engine access_plugins)
set(labels lab)
set(timeout 900)
