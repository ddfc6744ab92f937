# Installs from the build tree what the vendor gets, so what is installed has to be built.
add_library(sdk_vendor INTERFACE)
add_dependencies(sdk_vendor hyops hyops-plugin-host)
set(link hyops_plugin sdk_vendor)
set(timeout 600)
