# How everything in hyops is compiled and what a folder of the core becomes.

find_package(Threads REQUIRED)
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(hs REQUIRED IMPORTED_TARGET libhs)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)
add_library(sodium ALIAS PkgConfig::sodium)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

set(HYOPS_SANITIZE "" CACHE STRING "Sanitizers for everything: address,undefined or thread")
option(HYOPS_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(HYOPS_COVERAGE "Count the lines that tests reach" OFF)

# Sources are compiled in batches (a third of the time of a whole build); switch it off to work on a few
# files, where compiling only those is quicker.
option(CMAKE_UNITY_BUILD "Compile sources in batches" ON)
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)

add_library(hyops_flags INTERFACE)
target_compile_options(hyops_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>
  -fstack-protector-strong -fno-omit-frame-pointer)
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # In a batch, types without linkage stand in an included file, which is what the warning is about.
  target_compile_options(hyops_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
elseif(CMAKE_UNITY_BUILD)
  # To clang, a constant of one source of the batch is shadowed by a local of another; g++ looks closer.
  target_compile_options(hyops_flags INTERFACE -Wno-shadow)
endif()
target_compile_definitions(hyops_flags INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_DLL_USE_STD_FS BOOST_ALL_NO_LIB
  $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
# as-needed: an executable does not pay the start-up of a library of which it uses nothing.
target_link_options(hyops_flags INTERFACE -Wl,--as-needed -Wl,-z,relro,-z,now)
if(HYOPS_SANITIZE)
  target_compile_options(hyops_flags INTERFACE -fsanitize=${HYOPS_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(hyops_flags INTERFACE -fsanitize=${HYOPS_SANITIZE})
  target_compile_definitions(hyops_flags INTERFACE HYOPS_SANITIZED)  # compilers say it in different ways
endif()
if(HYOPS_COVERAGE)
  target_compile_options(hyops_flags INTERFACE --coverage)
  target_link_options(hyops_flags INTERFACE --coverage)
endif()

# For who serves or speaks with Boost.Asio's coroutines.
add_library(hyops_coroutines INTERFACE)
target_link_libraries(hyops_coroutines INTERFACE Boost::headers Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17)
  # clang has coroutines, but announces them only since 17; Boost and the library go by that. And it
  # cannot assemble them with the mark that this one check puts before each function. A library of
  # its own, so that this comes after the flags that ask for the check.
  target_compile_definitions(hyops_coroutines INTERFACE
    __cpp_impl_coroutine=201902L BOOST_ASIO_HAS_CO_AWAIT)
  target_compile_options(hyops_coroutines INTERFACE -fno-sanitize=function)
endif()

# core/<name> becomes the static library hyops_<name>; its public includes are "<name>/x.hpp".
function(hyops_library name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/core/${name}/*.cpp)
  if(sources)
    add_library(hyops_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(hyops_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(hyops_${name} ${scope} ${CMAKE_SOURCE_DIR}/core)
  target_link_libraries(hyops_${name} ${scope} hyops_flags nlohmann_json::nlohmann_json Threads::Threads ${arg_LINK})
  if(HYOPS_FUZZ AND sources)  # what a fuzzer is to find its way through
    target_compile_options(hyops_${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# core/<folder> becomes an executable. `hyops` is what people type; all others are its companions.
function(hyops_executable name folder)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/core/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/core)
  target_link_libraries(${name} PRIVATE hyops_flags ${arg_LINK})
  if(name STREQUAL hyops)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    install(TARGETS ${name} RUNTIME DESTINATION bin)
  else()
    install(TARGETS ${name} RUNTIME DESTINATION libexec/hyops)
  endif()
endfunction()

# core/<folder> becomes a tool of the build, hyops-<folder>, which writes a file that <target> includes.
function(hyops_generated target folder file)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  set(tool hyops-${folder})
  set(place ${CMAKE_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${place})
  add_executable(${tool} ${CMAKE_SOURCE_DIR}/core/${folder}/main.cpp)
  set_target_properties(${tool} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tools)
  target_link_libraries(${tool} PRIVATE hyops_flags ${arg_LINK})
  add_custom_command(OUTPUT ${place}/${file} COMMAND ${tool} ${place}/${file} DEPENDS ${tool} VERBATIM)
  target_sources(${target} PRIVATE ${place}/${file})
  target_include_directories(${target} PRIVATE ${place})
endfunction()

# plugins/<folder> becomes the plugin in lib/hyops/plugins/<id>, built by the function that vendors use
# and signed with the key of this build.
include(${CMAKE_SOURCE_DIR}/core/sdk/cmake/hyops-add-plugin.cmake)
function(hyops_builtin_plugin id)
  cmake_parse_arguments(arg "" "" "LINK;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(APPEND sources ${arg_SOURCES})
  string(REPLACE "." "_" target ${id})
  set(place ${CMAKE_BINARY_DIR}/lib/hyops/plugins/${id})
  hyops_add_plugin(${target} SOURCES ${sources} OUTPUT ${place}
    LINK hyops_flags nlohmann_json::nlohmann_json ${arg_LINK})
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND hyops-plugin-sign sign ${place} ${CMAKE_BINARY_DIR}/builtin.key)
  add_dependencies(${target} builtin_key hyops-plugin-sign)
  install(DIRECTORY ${place} DESTINATION lib/hyops/plugins)
endfunction()
