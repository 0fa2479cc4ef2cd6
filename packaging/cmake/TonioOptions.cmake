# tonio_options: an interface target that every target of ours links PRIVATE or
# PUBLIC, so that warnings as errors never reach code that is not ours.

option(TONIO_WERROR "Treat warnings in tonio's own code as errors" ON)
option(TONIO_LTO "Link-time optimisation in Release builds (docs/decisions/0009)" ON)
option(TONIO_ASAN "AddressSanitizer and LeakSanitizer" OFF)
option(TONIO_TSAN "ThreadSanitizer" OFF)
option(TONIO_UBSAN "UndefinedBehaviorSanitizer" OFF)
option(TONIO_FUZZ "libFuzzer programs of tests/fuzz (clang)" OFF)
option(TONIO_STRESS_POINTS "Random delays where threads race, from TONIO_STRESS_SEED (runtime/base/stress.h)" OFF)

if(TONIO_TSAN AND TONIO_ASAN)
  message(FATAL_ERROR "tonio: TONIO_TSAN and TONIO_ASAN can't be combined; choose one preset of tsan and asan")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Our static libraries end in executables only, where -fPIE makes thread_local
# variables cheaper than CMake's -fPIC does.
add_compile_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,STATIC_LIBRARY>:-fPIE>)
# The build's run path is the installed one: CMake would end another with an
# empty entry, which the loader takes for the current folder.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
include(CheckPIESupported)
check_pie_supported()

# Line tables cost nothing at run time, and a crash report without them is
# worth little.
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g1 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O3 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")

find_package(Threads REQUIRED)

add_library(tonio_options INTERFACE)
add_library(tonio::options ALIAS tonio_options)
target_compile_features(tonio_options INTERFACE cxx_std_20)
target_include_directories(tonio_options INTERFACE "${PROJECT_SOURCE_DIR}/runtime")
target_link_libraries(tonio_options INTERFACE Threads::Threads)
target_compile_options(tonio_options INTERFACE -Wall -Wextra -Wshadow $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
if(TONIO_WERROR)
  target_compile_options(tonio_options INTERFACE -Werror)
endif()

if(TONIO_STRESS_POINTS)
  target_compile_definitions(tonio_options INTERFACE TONIO_STRESS_POINTS)
endif()

if(TONIO_LTO)
  include(CheckIPOSupported)
  check_ipo_supported()
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION_RELEASE ON)
endif()

# Sanitizers must see every object of the program, so they are directory-wide.
set(sanitizers)
foreach(pair ASAN=address TSAN=thread UBSAN=undefined)
  string(REPLACE "=" ";" pair "${pair}")
  list(GET pair 0 option)
  list(GET pair 1 name)
  if(TONIO_${option})
    list(APPEND sanitizers ${name})
  endif()
endforeach()
if(sanitizers)
  if(TONIO_UBSAN)
    list(APPEND sanitizers float-cast-overflow) # not of undefined's
  endif()
  list(JOIN sanitizers "," sanitizers)
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizers})
  if(TONIO_UBSAN)
    add_compile_options(-fno-sanitize-recover=undefined,float-cast-overflow)
  endif()
  if(TONIO_TSAN)
    # GCC warns that TSan doesn't model a lone atomic_thread_fence; it is a
    # property of the tool, and the fences carry comments of their own.
    add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-tsan>)
  endif()
  if(TONIO_FUZZ)
    # Coverage of our own code; the fuzz programs bring the rest.
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
else()
  # The sanitizers replace what these check, and _FORTIFY_SOURCE hides
  # overflows from them.
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -D_GLIBCXX_ASSERTIONS
    $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=3>)
  add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)
endif()
