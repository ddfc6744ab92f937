# Kills the real bin/hyops and what it starts, at system calls chosen by strace.
include(${CMAKE_SOURCE_DIR}/tests/plugins/plugins.cmake)
set(link hyops_engine test_plugins Boost::headers SQLite::SQLite3)
add_dependencies(test_plugins hyops hyops-step-host)
set(timeout 600)
set(labels crash)
