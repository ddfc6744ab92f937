# The same sources against the first frozen headers, the last ones (released), today's, and by the other
# compiler.
include(${CMAKE_SOURCE_DIR}/tests/plugins/plugins.cmake)
set(frozen ${CMAKE_SOURCE_DIR}/core/sdk/abi/1.0)
set(released ${CMAKE_SOURCE_DIR}/core/sdk/abi/1.1)
set(today ${CMAKE_SOURCE_DIR}/core/sdk/include)
set(abi ${CMAKE_SOURCE_DIR}/tests/sdk/abi)

foreach(which frozen released today)
  add_library(abi_layout_${which} OBJECT ${abi}/layout.c)
  target_include_directories(abi_layout_${which} BEFORE PRIVATE ${${which}})
  target_link_libraries(abi_layout_${which} PRIVATE hyops_flags)
  foreach(source plain.c glued.cpp)
    get_filename_component(kind ${source} NAME_WE)
    set(plugin abi_${kind}_${which})
    add_library(test_${plugin} MODULE ${abi}/${source})
    set_target_properties(test_${plugin} PROPERTIES PREFIX "" OUTPUT_NAME plugin C_VISIBILITY_PRESET hidden
      CXX_VISIBILITY_PRESET hidden CXX_STANDARD 17 LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/plugins/${plugin})
    target_include_directories(test_${plugin} BEFORE PRIVATE ${${which}})
    target_link_libraries(test_${plugin} PRIVATE hyops_flags)
    add_dependencies(test_plugins test_${plugin})
  endforeach()
endforeach()
target_compile_definitions(abi_layout_frozen PRIVATE ABI_LAYOUT=layout_of_1_0)
target_compile_definitions(abi_layout_released PRIVATE ABI_LAYOUT=layout_of_1_1)
target_compile_definitions(abi_layout_today PRIVATE ABI_LAYOUT=todays_layout)

# Another compiler with another C++ library, where both are installed.
find_program(CLANGXX clang++)
if(CLANGXX AND NOT HYOPS_SANITIZE AND NOT HYOPS_FUZZ)
  file(WRITE ${CMAKE_BINARY_DIR}/tests/libcxx.cpp "#include <string>\nint main() { return 0; }\n")
  execute_process(COMMAND ${CLANGXX} -stdlib=libc++ ${CMAKE_BINARY_DIR}/tests/libcxx.cpp
    -o ${CMAKE_BINARY_DIR}/tests/libcxx RESULT_VARIABLE no_libcxx OUTPUT_QUIET ERROR_QUIET)
  if(no_libcxx EQUAL 0)
    set(place ${CMAKE_BINARY_DIR}/tests/plugins/abi_glued_libcxx)
    add_custom_command(OUTPUT ${place}/plugin.so
      COMMAND ${CMAKE_COMMAND} -E make_directory ${place}
      COMMAND ${CLANGXX} -std=c++17 -stdlib=libc++ -fPIC -shared -fvisibility=hidden -Wall -Wextra -Wpedantic
        -Werror -I${today} ${abi}/glued.cpp -o ${place}/plugin.so
      DEPENDS ${abi}/glued.cpp ${today}/hyops/plugin.h ${today}/hyops/plugin.hpp)
    add_custom_target(abi_libcxx DEPENDS ${place}/plugin.so)
    add_dependencies(test_plugins abi_libcxx)
  endif()
endif()

set(link hyops_plugin test_plugins abi_layout_frozen abi_layout_released abi_layout_today ${CMAKE_DL_LIBS})
