# Finds what tonio is built on, and gives each a target tonio_dep::<name> whose
# headers are SYSTEM, so that our warnings don't look into them.
#
# packaging/bootstrap writes the places of what it built to TONIO_DEPS_FILE;
# CMAKE_PREFIX_PATH and the variables in this file come before it.

if(DEFINED ENV{TONIO_CACHE})
  set(tonio_cache "$ENV{TONIO_CACHE}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(tonio_cache "$ENV{XDG_CACHE_HOME}/tonio")
else()
  set(tonio_cache "$ENV{HOME}/.cache/tonio")
endif()
set(TONIO_DEPS_FILE "${tonio_cache}/deps.cmake" CACHE FILEPATH "What packaging/bootstrap set up")

# Set in TONIO_DEPS_FILE, where they are known.
set(TONIO_FOUND_PREFIXES)     # prefixes of libraries that are too old or missing in the system
set(TONIO_FOUND_PYTHON)       # the interpreter to embed
set(TONIO_FOUND_PYTHON_TSAN)  # the same, built with ThreadSanitizer
include("${TONIO_DEPS_FILE}" OPTIONAL)
if(EXISTS "${TONIO_DEPS_FILE}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${TONIO_DEPS_FILE}")
endif()

function(tonio_dependency_missing what)
  message(FATAL_ERROR "tonio: not found: ${what}. Run packaging/bootstrap setup, which installs or builds it.")
endfunction()

# tonio_find_version(<variable> <header> <regex of one number>...): the dotted
# version that a header states.
function(tonio_find_version variable header)
  file(READ "${header}" text)
  set(numbers)
  foreach(regex IN LISTS ARGN)
    string(REGEX MATCH "${regex}" unused "${text}")
    list(APPEND numbers "${CMAKE_MATCH_1}")
  endforeach()
  list(JOIN numbers "." version)
  set(${variable} "${version}" PARENT_SCOPE)
endfunction()

# tonio_add_dependency(<name> INCLUDE <dir> [LIBRARIES <file>...])
function(tonio_add_dependency name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "INCLUDE" "LIBRARIES")
  add_library(tonio_dep_${name} INTERFACE)
  add_library(tonio_dep::${name} ALIAS tonio_dep_${name})
  target_include_directories(tonio_dep_${name} SYSTEM INTERFACE "${arg_INCLUDE}")
  target_link_libraries(tonio_dep_${name} INTERFACE ${arg_LIBRARIES})
endfunction()

# Static libraries first: one executable that starts quickly and can be moved.
# Each search is repeated when a new deps.cmake names another place, so nothing
# here stays in CMake's cache.
function(tonio_find_library variable name prefix)
  unset(found)
  find_library(found NAMES lib${name}.a ${name} HINTS "${prefix}/lib" NO_CACHE)
  set(${variable} "${found}" PARENT_SCOPE)
endfunction()
function(tonio_find_header variable header)
  unset(found)
  find_path(found "${header}" HINTS ${TONIO_FOUND_PREFIXES} PATH_SUFFIXES include NO_CACHE)
  string(REGEX REPLACE "/$" "" found "${found}")
  set(${variable} "${found}" PARENT_SCOPE)
endfunction()

# libuv
tonio_find_header(uv_include uv.h)
if(NOT uv_include)
  tonio_dependency_missing("libuv 1.50 or newer")
endif()
tonio_find_version(uv_version "${uv_include}/uv/version.h"
  "UV_VERSION_MAJOR +([0-9]+)" "UV_VERSION_MINOR +([0-9]+)" "UV_VERSION_PATCH +([0-9]+)")
cmake_path(GET uv_include PARENT_PATH uv_prefix)
tonio_find_library(uv_library uv "${uv_prefix}")
if(uv_version VERSION_LESS 1.50 OR NOT uv_library)
  tonio_dependency_missing("libuv 1.50 or newer (there is ${uv_version} in ${uv_include})")
endif()
tonio_add_dependency(uv INCLUDE "${uv_include}" LIBRARIES "${uv_library}" Threads::Threads ${CMAKE_DL_LIBS} rt)
message(STATUS "tonio: libuv ${uv_version}, ${uv_library}")

# mbedTLS. Two connections on two threads share the library's random generator
# and its PSA key store, which only MBEDTLS_THREADING_C protects.
tonio_find_header(mbedtls_include mbedtls/build_info.h)
if(NOT mbedtls_include)
  tonio_dependency_missing("mbedTLS 3.6 or newer")
endif()
tonio_find_version(mbedtls_version "${mbedtls_include}/mbedtls/build_info.h"
  "MBEDTLS_VERSION_MAJOR +([0-9]+)" "MBEDTLS_VERSION_MINOR +([0-9]+)" "MBEDTLS_VERSION_PATCH +([0-9]+)")
file(STRINGS "${mbedtls_include}/mbedtls/mbedtls_config.h" mbedtls_threading REGEX "^#define MBEDTLS_THREADING_(C|PTHREAD)")
list(LENGTH mbedtls_threading threading_lines)
cmake_path(GET mbedtls_include PARENT_PATH mbedtls_prefix)
set(mbedtls_libraries)
foreach(name mbedtls mbedx509 mbedcrypto)
  tonio_find_library(library ${name} "${mbedtls_prefix}")
  if(NOT library)
    tonio_dependency_missing("mbedTLS's library ${name}")
  endif()
  list(APPEND mbedtls_libraries "${library}")
endforeach()
if(mbedtls_version VERSION_LESS 3.6 OR NOT threading_lines EQUAL 2)
  tonio_dependency_missing("mbedTLS 3.6 or newer with MBEDTLS_THREADING_C and MBEDTLS_THREADING_PTHREAD (there is ${mbedtls_version} in ${mbedtls_include})")
endif()
tonio_add_dependency(mbedtls INCLUDE "${mbedtls_include}" LIBRARIES ${mbedtls_libraries} Threads::Threads)
message(STATUS "tonio: mbedTLS ${mbedtls_version}, ${mbedtls_prefix}")

# Header-only libraries. spdlog and fmt are compiled into the one file that
# includes them: two shared libraries fewer to load at each start.
foreach(entry cli11=CLI/CLI.hpp spdlog=spdlog/spdlog.h doctest=doctest/doctest.h fmt=fmt/format.h)
  string(REPLACE "=" ";" entry "${entry}")
  list(GET entry 0 name)
  list(GET entry 1 header)
  tonio_find_header(include ${header})
  if(NOT include)
    tonio_dependency_missing("${name} (${header})")
  endif()
  if(NOT name STREQUAL "fmt")
    tonio_add_dependency(${name} INCLUDE "${include}")
  endif()
endforeach()
target_compile_definitions(tonio_dep_spdlog INTERFACE SPDLOG_HEADER_ONLY SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)

include(TonioPython)
