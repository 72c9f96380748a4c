# Builds the library (and the tool) with cargo, as
#   <build>/lib/libcheckpoint.so.X.Y.Z, with the two usual links
#   <build>/lib/libcheckpoint.a
#   <build>/bin/ckpt
include_guard()

find_program(CARGO_EXECUTABLE cargo HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin)
if(NOT CARGO_EXECUTABLE)
    message(FATAL_ERROR "libcheckpoint is built with cargo, which is not here: see https://rustup.rs")
endif()

# Named, so that cargo builds for this machine wherever its configuration or environment would have it build for another.
set(_triple ${CMAKE_SYSTEM_PROCESSOR}-unknown-linux-gnu)
execute_process(COMMAND "${CARGO_EXECUTABLE}" --version --verbose OUTPUT_VARIABLE _cargo_version COMMAND_ERROR_IS_FATAL ANY)
if(NOT _cargo_version MATCHES "\nhost: ${_triple}\n")
    string(REGEX MATCH "\nhost: ([^\n]*)" _host "${_cargo_version}")
    message(FATAL_ERROR "libcheckpoint is built by a Rust for ${_triple}, not by one for ${CMAKE_MATCH_1}")
endif()

# Debug builds get debug assertions and overflow checks; everything else is for use.
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(_profile dev)
    set(_profile_dir debug)
else()
    set(_profile release)
    set(_profile_dir release)
endif()
set(_cargo_options --locked --profile ${_profile} --target ${_triple} --manifest-path "${PROJECT_SOURCE_DIR}/Cargo.toml")
# The two libraries alone: were the Rust library among what is built, cargo would leave out link-time optimization.
set(_cargo_library "${CARGO_EXECUTABLE}" rustc ${_cargo_options} --lib --no-default-features --crate-type cdylib,staticlib)
set(_cargo_tool "${CARGO_EXECUTABLE}" build ${_cargo_options} --bin ckpt --features cli)

set(CHECKPOINT_LIB_DIR "${PROJECT_BINARY_DIR}/lib")
set(CHECKPOINT_BIN_DIR "${PROJECT_BINARY_DIR}/bin")
set(_so libcheckpoint.so)
set(_soname ${_so}.${PROJECT_VERSION_MAJOR})
set(_sofile ${_so}.${PROJECT_VERSION})
set(_lib_from "${CHECKPOINT_CARGO_TARGET_DIR}/lib/${_triple}/${_profile_dir}")
set(_tool_from "${CHECKPOINT_CARGO_TARGET_DIR}/tool/${_triple}/${_profile_dir}")
# A directory must exist before cargo's output is copied to it.
file(MAKE_DIRECTORY "${CHECKPOINT_LIB_DIR}" "${CHECKPOINT_BIN_DIR}")

# Cargo knows better than CMake what is out of date, so it is asked every time; the copies keep their times if nothing changed.
add_custom_target(checkpoint_cargo ALL
    COMMAND ${_cargo_library} --target-dir "${CHECKPOINT_CARGO_TARGET_DIR}/lib"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_lib_from}/${_so}" "${CHECKPOINT_LIB_DIR}/${_sofile}"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_lib_from}/libcheckpoint.a" "${CHECKPOINT_LIB_DIR}/libcheckpoint.a"
    COMMAND "${CMAKE_COMMAND}" -E create_symlink ${_sofile} "${CHECKPOINT_LIB_DIR}/${_soname}"
    COMMAND "${CMAKE_COMMAND}" -E create_symlink ${_soname} "${CHECKPOINT_LIB_DIR}/${_so}"
    BYPRODUCTS "${CHECKPOINT_LIB_DIR}/${_sofile}" "${CHECKPOINT_LIB_DIR}/libcheckpoint.a"
    COMMENT "cargo build libcheckpoint"
    USES_TERMINAL VERBATIM)

# A target directory of its own: features differ, and the two builds would overwrite each other's library.
if(CHECKPOINT_BUILD_TOOL)
    add_custom_target(checkpoint_tool ALL
        COMMAND ${_cargo_tool} --target-dir "${CHECKPOINT_CARGO_TARGET_DIR}/tool"
        COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_tool_from}/ckpt" "${CHECKPOINT_BIN_DIR}/ckpt"
        BYPRODUCTS "${CHECKPOINT_BIN_DIR}/ckpt"
        COMMENT "cargo build ckpt"
        USES_TERMINAL VERBATIM)
    add_dependencies(checkpoint_tool checkpoint_cargo)    # one cargo at a time
endif()

include("${CMAKE_CURRENT_LIST_DIR}/checkpoint-targets.cmake")
_checkpoint_targets(GLOBAL LIBDIR "${CHECKPOINT_LIB_DIR}" VERSION ${PROJECT_VERSION}
    INCLUDE "${PROJECT_SOURCE_DIR}/include" INCLUDE_CPP "${CHECKPOINT_CPP_INCLUDE}")
add_dependencies(checkpoint::shared checkpoint_cargo)
add_dependencies(checkpoint::static checkpoint_cargo)
