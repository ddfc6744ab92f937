# The relay's double speaks TLS and WebSocket: compiled once, for these tests alone.
add_library(relay_double STATIC ${CMAKE_SOURCE_DIR}/tests/support/relay_double.cpp)
set_target_properties(relay_double PROPERTIES UNITY_BUILD OFF)
target_include_directories(relay_double PUBLIC ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(relay_double PUBLIC hyops_iap_tunnel)
add_dependencies(relay_double hyops_access_gcp-iap hyops-plugin-host hyops-step-host hyops-stream-host)
set(link hyops_iap relay_double hyops_plugin)
