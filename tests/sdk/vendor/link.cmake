# Installs from the build tree what the vendor gets, so what is installed has to be built; the runner is
# the build tree itself.
add_library(sdk_vendor INTERFACE)
add_dependencies(sdk_vendor hyops hyops-plugin-host hyops-step-host hyops_secrets_offline-bundle)
set(link hyops_engine sdk_vendor Boost::headers)
set(timeout 600)
set(labels kit)  # counts the threads of helpers, of which the thread sanitizer adds some
