# The tests run the real bin/hyops with its step host and the plugins it ships.
set(link hyops_engine)
if(NOT TARGET hyops_operator_under_test)
  add_library(hyops_operator_under_test INTERFACE)
  add_dependencies(hyops_operator_under_test hyops hyops-step-host hyops-plugin-host)
endif()
list(APPEND link hyops_operator_under_test)
