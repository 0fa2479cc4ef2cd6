# tonio_dep::python, from the interpreter that TONIO_PYTHON names, else from
# the one that packaging/bootstrap chose, else from a python3.Nt in PATH.
# Sets TONIO_PYTHON_EXECUTABLE, _PREFIX, _VERSION (3.13), _FULL_VERSION,
# _ABIFLAGS (t), _LINK (shared or static).
#
# Under ThreadSanitizer an ordinary interpreter reports races that aren't any,
# so there only one built with it counts (packaging/bootstrap setup
# --python-tsan); without one TONIO_WITH_PYTHON is OFF.

set(TONIO_PYTHON "" CACHE FILEPATH "The free-threaded interpreter to embed")

set(TONIO_WITH_PYTHON ON)
set(interpreter "${TONIO_PYTHON}")
if(TONIO_TSAN AND NOT interpreter)
  set(interpreter "${TONIO_FOUND_PYTHON_TSAN}")
  if(NOT interpreter)
    set(TONIO_WITH_PYTHON OFF)
    return()
  endif()
endif()
if(NOT interpreter)
  set(interpreter "${TONIO_FOUND_PYTHON}")
endif()
if(NOT interpreter)
  find_program(TONIO_PYTHON_IN_PATH NAMES python3.15t python3.14t python3.13t)
  mark_as_advanced(TONIO_PYTHON_IN_PATH)
  set(interpreter "${TONIO_PYTHON_IN_PATH}")
endif()
if(NOT interpreter)
  tonio_dependency_missing("free-threaded CPython 3.13 or newer (or pass -DTONIO_PYTHON=/path/to/python3.Nt)")
endif()

if(NOT EXISTS "${interpreter}")
  message(FATAL_ERROR "tonio: there is no interpreter ${interpreter}; name one with -DTONIO_PYTHON=/path/to/python3.Nt, or run packaging/bootstrap setup")
endif()

# An interpreter that was moved may not find its own libpython.
cmake_path(GET interpreter PARENT_PATH folder)
execute_process(
  COMMAND "${CMAKE_COMMAND}" -E env "LD_LIBRARY_PATH=${folder}/../lib:$ENV{LD_LIBRARY_PATH}"
    "${interpreter}" -I "${CMAKE_CURRENT_LIST_DIR}/probe_python.py"
  OUTPUT_VARIABLE facts ERROR_VARIABLE problem RESULT_VARIABLE code OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
if(code)
  if(NOT problem)
    set(problem "${interpreter} does not run (${code})")
  endif()
  message(FATAL_ERROR "tonio: ${problem}")
endif()
string(REPLACE "\n" ";" facts "${facts}")
foreach(fact IN LISTS facts)
  string(REGEX MATCH "^([a-z_]+)=(.*)$" unused "${fact}")
  set(python_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
endforeach()

if(TONIO_TSAN AND NOT python_sanitizer STREQUAL "thread")
  message(FATAL_ERROR "tonio: ${python_executable} is not built with ThreadSanitizer; a tsan build needs one that is (packaging/bootstrap setup --python-tsan), or none")
endif()

foreach(key executable prefix version full_version abiflags link)
  string(TOUPPER "TONIO_PYTHON_${key}" name)
  set(${name} "${python_${key}}" CACHE INTERNAL "")
endforeach()

string(TOUPPER "${python_link}" kind)
add_library(tonio_python_library ${kind} IMPORTED)
set_target_properties(tonio_python_library PROPERTIES IMPORTED_LOCATION "${python_library}")
if(python_link STREQUAL "shared")
  cmake_path(GET python_library FILENAME soname)
  set_target_properties(tonio_python_library PROPERTIES IMPORTED_SONAME "${soname}")
endif()

add_library(tonio_dep_python INTERFACE)
add_library(tonio_dep::python ALIAS tonio_dep_python)
target_include_directories(tonio_dep_python SYSTEM INTERFACE "${python_include}")
if(python_link STREQUAL "static")
  # Extension modules look the C API up in the executable: all of libpython must
  # be in it, and visible. The other libraries in it stay hidden, because an
  # extension module may bring a libuv or mbedTLS of its own.
  separate_arguments(libs UNIX_COMMAND "${python_libs}")
  target_link_options(tonio_dep_python INTERFACE LINKER:--export-dynamic
    LINKER:--exclude-libs,libuv.a:libmbedtls.a:libmbedx509.a:libmbedcrypto.a)
  target_link_libraries(tonio_dep_python INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,tonio_python_library> ${libs})
else()
  target_link_libraries(tonio_dep_python INTERFACE tonio_python_library)
endif()
message(STATUS "tonio: CPython ${python_full_version}${python_abiflags}, ${python_link}, ${python_executable}")
