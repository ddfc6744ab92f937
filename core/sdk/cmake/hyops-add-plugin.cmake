# Builds one plugin the way hyops wants it: a folder with plugin.so and plugin.toml, one exported
# symbol, nothing unresolved, hardened. Built-in plugins are built by the same function.
#
#   hyops_add_plugin(<target> SOURCES <file>...
#     [MANIFEST plugin.toml]    what the plugin says of itself; its id and version become the macros
#                               HYOPS_PLUGIN_ID and HYOPS_PLUGIN_VERSION, to be said only once
#     [CHECK check.toml]        what `hyops plugin check` gives it to work on; taken along if it is there
#     [OUTPUT <folder>]         default: <build folder>/<id>
#     [LINK <library>...])      prefer static ones: the plugin must find everything on the runner
#
# The target property HYOPS_PLUGIN_FOLDER names the folder to check, sign and ship.
set(hyops_add_plugin_folder "${CMAKE_CURRENT_LIST_DIR}")

# "key" of plugin.toml, which stands above its first table.
function(hyops_read_manifest file key result)
  file(STRINGS "${file}" lines REGEX "^${key}[ \t]*=[ \t]*\"[^\"]*\"")
  if(NOT lines)
    message(FATAL_ERROR "${file} has no line ${key} = \"...\"")
  endif()
  list(GET lines 0 line)
  string(REGEX REPLACE "^${key}[ \t]*=[ \t]*\"([^\"]*)\".*" "\\1" value "${line}")
  set(${result} "${value}" PARENT_SCOPE)
endfunction()

function(hyops_add_plugin target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MANIFEST;CHECK;OUTPUT" "SOURCES;LINK")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "hyops_add_plugin(${target} SOURCES ...): ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_MANIFEST)
    set(arg_MANIFEST plugin.toml)
  endif()
  if(NOT arg_CHECK)
    set(arg_CHECK check.toml)
  endif()
  get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE)
  get_filename_component(check "${arg_CHECK}" ABSOLUTE)
  hyops_read_manifest("${manifest}" plugin id)
  hyops_read_manifest("${manifest}" version version)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
  if(NOT arg_OUTPUT)
    set(arg_OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${id}")
  endif()
  set(map "${hyops_add_plugin_folder}/plugin.map")

  add_library(${target} MODULE ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME plugin SUFFIX ".so"
    LIBRARY_OUTPUT_DIRECTORY "${arg_OUTPUT}" HYOPS_PLUGIN_FOLDER "${arg_OUTPUT}"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS "${map};${manifest}")
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(CXX IN_LIST languages)
    target_compile_features(${target} PRIVATE cxx_std_17)
  endif()
  target_compile_definitions(${target} PRIVATE
    HYOPS_PLUGIN_ID="${id}" HYOPS_PLUGIN_VERSION="${version}")
  target_link_libraries(${target} PRIVATE hyops::sdk ${arg_LINK})
  set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  target_compile_options(${target} PRIVATE -fstack-protector-strong
    -ffunction-sections -fdata-sections $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
  target_link_options(${target} PRIVATE "LINKER:--version-script=${map}" LINKER:--exclude-libs,ALL
    LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack
    # Every start of the plugin hashes and copies the whole file: what nobody runs is not shipped.
    LINKER:--gc-sections $<$<CONFIG:Release,MinSizeRel>:LINKER:--strip-all>)
  if(NOT "${HYOPS_SANITIZE}${CMAKE_CXX_FLAGS}${CMAKE_C_FLAGS}" MATCHES "address|thread|sanitize|coverage")
    target_link_options(${target} PRIVATE LINKER:-z,defs)  # a sanitizer's symbols come from its host
  endif()

  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_COMMAND} "-DNM=${CMAKE_NM}" "-DOBJECT=$<TARGET_FILE:${target}>"
            -P "${hyops_add_plugin_folder}/hyops-one-symbol.cmake"
    COMMAND ${CMAKE_COMMAND} -E copy "${manifest}" "${arg_OUTPUT}/plugin.toml"
    VERBATIM)
  if(EXISTS "${check}")
    add_custom_command(TARGET ${target} POST_BUILD
      COMMAND ${CMAKE_COMMAND} -E copy "${check}" "${arg_OUTPUT}/check.toml" VERBATIM)
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${check}")
  endif()
  if(HYOPS_COMMAND)
    add_test(NAME ${target}.check COMMAND "${HYOPS_COMMAND}" plugin check "${arg_OUTPUT}")
  endif()
endfunction()
