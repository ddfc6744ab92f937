# The tests run the real bin/hyops; the live view's picture is also looked at by itself.
set(link hyops_engine)
list(APPEND sources ${CMAKE_SOURCE_DIR}/core/cli/picture.cpp
  ${CMAKE_SOURCE_DIR}/core/cli/picture_block.cpp ${CMAKE_SOURCE_DIR}/core/cli/terminal.cpp)
if(NOT TARGET hyops_cli_under_test)
  add_library(hyops_cli_under_test INTERFACE)
  add_dependencies(hyops_cli_under_test hyops hyops-step-host)
endif()
list(APPEND link hyops_cli_under_test)
