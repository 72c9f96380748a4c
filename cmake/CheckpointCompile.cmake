# How this project's own C is compiled: strictly.
include_guard()

set(CHECKPOINT_WARNINGS -Wall -Wextra -pedantic -Werror)

# checkpoint_executable(NAME SOURCE [LIBRARY TARGET]): a C11 program, on the shared library unless
# told otherwise.
function(checkpoint_executable name source)
    cmake_parse_arguments(PARSE_ARGV 2 _arg "" LIBRARY "")
    if(NOT _arg_LIBRARY)
        set(_arg_LIBRARY checkpoint::shared)
    endif()
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF NO_SYSTEM_FROM_IMPORTED ON
        RUNTIME_OUTPUT_DIRECTORY "${CHECKPOINT_BIN_DIR}")
    target_compile_options(${name} PRIVATE ${CHECKPOINT_WARNINGS})
    target_link_libraries(${name} PRIVATE ${_arg_LIBRARY})
    if(CHECKPOINT_SANITIZE)
        set(_sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_compile_options(${name} PRIVATE ${_sanitize})
        target_link_options(${name} PRIVATE ${_sanitize})
    endif()
endfunction()

# checkpoint_test(NAME TARGET ARG...): runs it, and once more under valgrind where that is asked
# for.
if(CHECKPOINT_VALGRIND)
    find_program(VALGRIND_EXECUTABLE valgrind REQUIRED)
endif()
function(checkpoint_test name target)
    add_test(NAME ${name} COMMAND ${target} ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/tests/data")
    set_tests_properties(${name} PROPERTIES LABELS c)
    if(CHECKPOINT_SANITIZE)
        # What the library cannot allocate is an error to it, which the sanitizer must not preempt.
        set_tests_properties(${name} PROPERTIES ENVIRONMENT ASAN_OPTIONS=allocator_may_return_null=1)
    endif()
    if(CHECKPOINT_VALGRIND)
        # A forked child lacks the threads whose stacks hold what its parent's threads own: that is
        # no leak.
        set(_leaks full)
        if(name STREQUAL c-fork)
            set(_leaks no)
        endif()
        add_test(NAME valgrind-${name}
            COMMAND "${VALGRIND_EXECUTABLE}" -q --error-exitcode=99 --leak-check=${_leaks} --show-leak-kinds=definite,indirect
                --errors-for-leak-kinds=definite,indirect $<TARGET_FILE:${target}> ${ARGN}
            WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/tests/data")
        set_tests_properties(valgrind-${name} PROPERTIES LABELS valgrind)
    endif()
endfunction()
