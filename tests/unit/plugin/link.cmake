include(${CMAKE_SOURCE_DIR}/tests/plugins/plugins.cmake)
set(link hyops_plugin test_plugins Boost::headers)
