# Real namespaces, sshd and packets: needs root, skips itself with a line otherwise.
add_library(local_plugins INTERFACE)
add_dependencies(local_plugins hyops-labd hyops-plugin-host hyops_local_compute hyops_local_egress
  hyops_access_runner-local hyops_access_public-ephemeral)
set(link hyops_plugin local_plugins)
set(labels lab)
set(timeout 900)
