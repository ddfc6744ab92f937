# Plugins for tests, most of them broken on purpose: build/tests/plugins/<name>/plugin.so.
include_guard(GLOBAL)
add_library(test_plugins INTERFACE)

function(test_plugin name source)
  add_library(test_${name} MODULE ${CMAKE_SOURCE_DIR}/tests/plugins/${source}.cpp)
  set_target_properties(test_${name} PROPERTIES PREFIX "" OUTPUT_NAME plugin CXX_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/plugins/${name})
  target_compile_definitions(test_${name} PRIVATE ${ARGN})
  target_link_libraries(test_${name} PRIVATE hyops_flags hyops_sdk nlohmann_json::nlohmann_json)
  add_dependencies(test_plugins test_${name})
endfunction()

test_plugin(speaking speaking)
test_plugin(impostor speaking SPEAKING_IMPOSTOR)
test_plugin(hostile hostile)
test_plugin(keeper keeper)
test_plugin(broken broken)
test_plugin(dies dies)
test_plugin(vault vault)

# The broken family: each member is wrong in one way, which its name says.
file(GLOB members CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/plugins/family/*.cpp)
list(FILTER members EXCLUDE REGEX "_test\\.cpp$")
foreach(member ${members})
  get_filename_component(member ${member} NAME_WE)
  test_plugin(${member} family/${member})
endforeach()

add_dependencies(test_plugins hyops-plugin-host)
