# The tests run the real bin/hyops.
set(link hyops_record hyops_process)
if(NOT TARGET hyops_record_cli_under_test)
  add_library(hyops_record_cli_under_test INTERFACE)
  add_dependencies(hyops_record_cli_under_test hyops)
endif()
list(APPEND link hyops_record_cli_under_test)
