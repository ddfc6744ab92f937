include(${CMAKE_SOURCE_DIR}/tests/plugins/plugins.cmake)
add_dependencies(test_plugins hyops_secrets_offline-bundle hyops_local_compute hyops_local_egress hyops_access_runner-local
  hyops-step-host hyops-stream-host)
set(link hyops_plugin test_plugins Boost::headers)
