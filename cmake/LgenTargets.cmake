# The project's own ways of making targets: one warning set, one way to embed a text, one way to add a test.

add_library(lgen_warnings INTERFACE)
target_compile_options(lgen_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers)  # options are structs with defaults; naming a few of the fields is the point

# lgen_layer(NAME SOURCES ... USES other layers and libraries)
# One folder of engine/src: a static library whose private headers only those may see that name it in USES.
function(lgen_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/engine/include>
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>)
  target_link_libraries(${name} PUBLIC ${arg_USES} PRIVATE $<BUILD_INTERFACE:lgen_warnings>)
endfunction()

# lgen_embed(TARGET SYMBOL FILE...): compiles texts into TARGET as
# `extern const lgen::EmbeddedFile SYMBOL[]; extern const std::size_t SYMBOL_count;` (see cmake/embedded.h.in).
function(lgen_embed target symbol)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cc)
  set(files ${ARGN})
  list(TRANSFORM files PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]")
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DSYMBOL=${symbol} "-DFILES=${files}" -DBASE=${PROJECT_SOURCE_DIR}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

# lgen_time_limit(TEST SECONDS): after so long the test is ended as failed. A build that is slower than others, because of
# a sanitizer, gives its tests more patience, here and (by the environment) in what they wait for themselves.
set(LGEN_TEST_PATIENCE 1 CACHE STRING "How many times longer than usual the tests may take")
function(lgen_time_limit test seconds)
  math(EXPR limit "${seconds} * ${LGEN_TEST_PATIENCE}")
  set_tests_properties(${test} PROPERTIES TIMEOUT ${limit})
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT LGEN_TEST_PATIENCE=${LGEN_TEST_PATIENCE})
endfunction()

# lgen_test(NAME SOURCES ... USES ...): a Catch2 program, one CTest entry with the label unit; `unit_tests` builds all.
if(NOT TARGET unit_tests)
  add_custom_target(unit_tests)
endif()
function(lgen_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_USES} lgen_test_main lgen_warnings)
  add_dependencies(unit_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit)
  lgen_time_limit(${name} 300)
endfunction()
