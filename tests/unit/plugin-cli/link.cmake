# The tests run the real bin/hyops.
add_library(hyops_plugin_cli_under_test INTERFACE)
add_dependencies(hyops_plugin_cli_under_test hyops)
set(link hyops_engine hyops_plugin_cli_under_test)
