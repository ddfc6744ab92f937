# find_package(hyops-sdk 1 REQUIRED): the target hyops::sdk (headers only) and hyops_add_plugin().
get_filename_component(HYOPS_SDK_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET hyops::sdk)
  add_library(hyops::sdk INTERFACE IMPORTED)
  set_target_properties(hyops::sdk PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${HYOPS_SDK_PREFIX}/include")
endif()

# The command that checks and signs comes with the SDK; where it stands, `ctest` runs the check.
find_program(HYOPS_COMMAND hyops HINTS "${HYOPS_SDK_PREFIX}/bin" NO_DEFAULT_PATH)

include("${CMAKE_CURRENT_LIST_DIR}/hyops-add-plugin.cmake")
