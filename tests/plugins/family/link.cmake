include(${CMAKE_SOURCE_DIR}/tests/plugins/plugins.cmake)
add_dependencies(test_plugins hyops-step-host)
set(link hyops_engine test_plugins)
