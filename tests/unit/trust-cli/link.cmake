# The tests run the real bin/hyops.
set(link hyops_plan hyops_process hyops_trust)
if(NOT TARGET hyops_trust_cli_under_test)
  add_library(hyops_trust_cli_under_test INTERFACE)
  add_dependencies(hyops_trust_cli_under_test hyops)
endif()
list(APPEND link hyops_trust_cli_under_test)
