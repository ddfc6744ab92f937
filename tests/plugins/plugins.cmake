# Plugins for tests, most of them broken on purpose: build/tests/plugins/<name>/plugin.so.
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
test_plugin(broken broken)
test_plugin(no_symbol misfit MISFIT_NO_SYMBOL)
test_plugin(wrong_magic misfit MISFIT_MAGIC=0x12345678u)
test_plugin(wrong_abi misfit MISFIT_ABI=9)
test_plugin(short_module misfit MISFIT_SIZE=16)
test_plugin(liar misfit MISFIT_ID="test.somebody_else")
test_plugin(other_version misfit MISFIT_VERSION="6.6.6")
test_plugin(will_not misfit)
test_plugin(will_not_say misfit MISFIT_SILENT)
test_plugin(no_interface misfit MISFIT_SILENT MISFIT_CREATES)

add_dependencies(test_plugins hyops-plugin-host)
