# The project's compile flags, and one function per kind of target. Every target of ours goes through one of these, so that
# flags are said once.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(ringpost_flags INTERFACE)
target_include_directories(ringpost_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(ringpost_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these falsely inside libstdc++ and fmt once they are inlined; clang's build keeps us honest.
  target_compile_options(ringpost_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-maybe-uninitialized -Wno-interference-size)
else()
  target_compile_options(ringpost_flags INTERFACE -Wno-string-conversion)  # ASSERT(!"sentence")
endif()
if(RINGPOST_NATIVE)
  target_compile_options(ringpost_flags INTERFACE -march=native)
endif()
if(RINGPOST_SANITIZE)
  target_compile_options(ringpost_flags INTERFACE -fsanitize=${RINGPOST_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ringpost_flags INTERFACE -fsanitize=${RINGPOST_SANITIZE})
  if(RINGPOST_SANITIZE MATCHES "undefined" AND NOT RINGPOST_FUZZ)
    # UBSan's check of a virtual call opens a pipe to see whether memory can be read, and calls every object invalid when
    # there is no descriptor left for it, which a test of ours sees to. The fuzzers keep the check.
    target_compile_options(ringpost_flags INTERFACE -fno-sanitize=vptr)
  endif()
  if(RINGPOST_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The queue behind the shards' inbox has fences, which TSan does not see. Ours has none: tools/tidy looks.
    target_compile_options(ringpost_flags INTERFACE -Wno-tsan)
  endif()
endif()

if(RINGPOST_FUZZ)
  # Coverage for libFuzzer in all code of ours; its main comes with ringpost_fuzz alone.
  target_compile_options(ringpost_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(ringpost_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# ringpost_library(NAME [SOURCES a.cc ...] [LIBS other ...]): a layer or a protocol. Without sources it is header-only.
# The alias is ringpost::NAME.
function(ringpost_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  if(arg_SOURCES)
    add_library(ringpost_${name} STATIC ${arg_SOURCES})
    target_link_libraries(ringpost_${name} PUBLIC ringpost_flags ${arg_LIBS})
  else()
    add_library(ringpost_${name} INTERFACE)
    target_link_libraries(ringpost_${name} INTERFACE ringpost_flags ${arg_LIBS})
  endif()
  add_library(ringpost::${name} ALIAS ringpost_${name})
endfunction()

# ringpost_cold(a.cc ...): sources of this folder that run seldom and are large once compiled.
function(ringpost_cold)
  separate_arguments(flags UNIX_COMMAND "${RINGPOST_COLD_FLAGS}")
  set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS ${flags})
endfunction()

# What is compiled for one thread has nothing that TSan could find, so its build has no such tests.
if(RINGPOST_SANITIZE MATCHES "thread")
  set(RINGPOST_ONE_THREAD_TESTS OFF)
else()
  set(RINGPOST_ONE_THREAD_TESTS ON)
endif()

# ringpost_test(NAME [OPTIMIZED] SOURCES a.cc ... LIBS ringpost::x ... [LABELS l ...] [TIMEOUT s]): a GoogleTest binary that
# CTest runs as one test. OPTIMIZED ones are compiled as the engine is: where the subject is all in headers and its timing
# counts, and where the test computes for long.
function(ringpost_test name)
  cmake_parse_arguments(arg "OPTIMIZED" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ringpost_flags ${arg_LIBS} GTest::gtest GTest::gtest_main Threads::Threads)
  if(NOT arg_OPTIMIZED)
    separate_arguments(flags UNIX_COMMAND "${RINGPOST_COLD_FLAGS}")
    target_compile_options(${name} PRIVATE ${flags})
    if(TARGET ringpost_test_headers)
      target_precompile_headers(${name} REUSE_FROM ringpost_test_headers)
    endif()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()

# ringpost_bench(NAME SOURCES a.cc ... LIBS ...): a Google Benchmark binary with its own main. The target `benchmarks` has
# them all.
function(ringpost_bench name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ringpost_flags ${arg_LIBS} benchmark::benchmark Threads::Threads)
  if(NOT TARGET benchmarks)
    add_custom_target(benchmarks)
  endif()
  add_dependencies(benchmarks ${name})
endfunction()

# ringpost_fuzz(NAME SOURCES a.cc ... LIBS ringpost::x ... [CORPUS folder]): a libFuzzer target (it defines
# LLVMFuzzerTestOneInput) that CTest runs for RINGPOST_FUZZ_SECONDS, starting from the inputs of the corpus folder; what it
# finds stays in the build folder.
# The target `fuzzers` is all of them.
if(RINGPOST_FUZZ)
  add_custom_target(fuzzers)
endif()
set(RINGPOST_FUZZ_SECONDS 15 CACHE STRING "How long CTest runs each fuzz target")
function(ringpost_fuzz name)
  cmake_parse_arguments(arg "" "CORPUS" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ringpost_flags ${arg_LIBS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
  set(found ${CMAKE_CURRENT_BINARY_DIR}/${name}.found)
  file(MAKE_DIRECTORY ${found})
  if(arg_CORPUS)
    cmake_path(ABSOLUTE_PATH arg_CORPUS BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  # The same inputs in every run: what a test finds is to be found again. New ones are for runs by hand.
  add_test(NAME ${name}
    COMMAND ${name} -seed=1 -max_total_time=${RINGPOST_FUZZ_SECONDS} -timeout=10 -rss_limit_mb=2048 ${found} ${arg_CORPUS})
  math(EXPR timeout "${RINGPOST_FUZZ_SECONDS} + 120")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS fuzz)
endfunction()
