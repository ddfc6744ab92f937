# The tests run the real step host, and helpers with the secret authority and a plugin that speaks.
include(${CMAKE_SOURCE_DIR}/tests/plugins/plugins.cmake)
add_dependencies(test_plugins hyops hyops-step-host hyops_secrets_offline-bundle)
set(link hyops_engine test_plugins)
