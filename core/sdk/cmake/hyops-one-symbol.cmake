# Fails a build whose plugin exports anything but hyops_module: what else is visible could be bound to
# by accident, and would be part of a contract nobody wrote.
execute_process(COMMAND "${NM}" -D --defined-only "${OBJECT}"
  OUTPUT_VARIABLE output ERROR_VARIABLE problem RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "${NM} cannot read ${OBJECT}: ${problem}")
endif()
string(REGEX MATCHALL "[^\n]+" lines "${output}")
set(found "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE ".* " "" name "${line}")
  list(APPEND found "${name}")
endforeach()
if(NOT found STREQUAL "hyops_module")
  list(JOIN found " " found)
  message(FATAL_ERROR "${OBJECT} exports: ${found}\n"
    "It must export hyops_module and nothing else: HYOPS_PLUGIN(...) in C++, HYOPS_EXPORT in C.")
endif()
