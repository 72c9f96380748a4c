# Builds the library (and the tool) with cargo, as
#   <build>/lib/libcheckpoint.so.X.Y.Z, with the two usual links
#   <build>/lib/libcheckpoint.a, which CheckpointArchive.cmake makes of cargo's
#   <build>/bin/ckpt
include_guard()

find_program(CARGO_EXECUTABLE cargo HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin)
if(NOT CARGO_EXECUTABLE)
    message(FATAL_ERROR "libcheckpoint is built with cargo, which is not here: see https://rustup.rs")
endif()

# Named, so that cargo builds for this machine wherever its configuration or environment would have
# it build for another.
set(_triple ${CMAKE_SYSTEM_PROCESSOR}-unknown-linux-gnu)
execute_process(COMMAND "${CARGO_EXECUTABLE}" --version --verbose OUTPUT_VARIABLE _cargo_version COMMAND_ERROR_IS_FATAL ANY)
if(NOT _cargo_version MATCHES "\nhost: ${_triple}\n")
    string(REGEX MATCH "\nhost: ([^\n]*)" _host "${_cargo_version}")
    message(FATAL_ERROR "libcheckpoint is built by a Rust for ${_triple}, not by one for ${CMAKE_MATCH_1}")
endif()

# Debug builds of this project alone get debug assertions and overflow checks. Whoever takes the
# project in debugs their own program, with a library for use.
set(_profile release)
if(PROJECT_IS_TOP_LEVEL AND CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(_profile dev)
endif()
set(CHECKPOINT_CARGO_PROFILE ${_profile} CACHE STRING "Cargo's profile of the library: release, or dev with its checks")
if(NOT CHECKPOINT_CARGO_PROFILE MATCHES "^(release|dev)$")
    message(FATAL_ERROR "CHECKPOINT_CARGO_PROFILE is release or dev, not ${CHECKPOINT_CARGO_PROFILE}")
endif()
set(_profile ${CHECKPOINT_CARGO_PROFILE})
set(_profile_dir ${_profile})
set(_stripped ON)
if(_profile STREQUAL "dev")
    set(_profile_dir debug)
    set(_stripped OFF)
endif()
set(_cargo_options --locked --profile ${_profile} --target ${_triple} --manifest-path "${PROJECT_SOURCE_DIR}/Cargo.toml")
# Each by itself, so that the tool's dependencies cannot switch on features of the library's.
set(_cargo_library "${CARGO_EXECUTABLE}" build ${_cargo_options} --package libcheckpoint-c --lib)
set(_cargo_tool "${CARGO_EXECUTABLE}" build ${_cargo_options} --package libcheckpoint-tool --bin ckpt)

set(CHECKPOINT_LIB_DIR "${PROJECT_BINARY_DIR}/lib")
set(CHECKPOINT_BIN_DIR "${PROJECT_BINARY_DIR}/bin")
set(_so libcheckpoint.so)
set(_soname ${_so}.${PROJECT_VERSION_MAJOR})
set(_sofile ${_so}.${PROJECT_VERSION})
set(_cargo_made "${CHECKPOINT_CARGO_TARGET_DIR}/${_triple}/${_profile_dir}")
# A directory must exist before cargo's output is copied to it.
file(MAKE_DIRECTORY "${CHECKPOINT_LIB_DIR}" "${CHECKPOINT_BIN_DIR}")

# Of GNU's linker: what CMake links with may be another.
find_program(CHECKPOINT_LD NAMES ld.bfd ld)
if(NOT CHECKPOINT_LD)
    message(FATAL_ERROR "libcheckpoint.a is made with GNU ld, which is not here (binutils)")
endif()

# Cargo knows better than CMake what is out of date, so it is asked every time; the copies keep
# their times if nothing changed.
add_custom_target(checkpoint_cargo ALL
    COMMAND ${_cargo_library} --target-dir "${CHECKPOINT_CARGO_TARGET_DIR}"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_cargo_made}/${_so}" "${CHECKPOINT_LIB_DIR}/${_sofile}"
    COMMAND "${CMAKE_COMMAND}" "-DCARGO_ARCHIVE=${_cargo_made}/libcheckpoint.a" "-DLIBRARY=${CHECKPOINT_LIB_DIR}/${_sofile}"
        "-DARCHIVE=${CHECKPOINT_LIB_DIR}/libcheckpoint.a" "-DLINKER=${CHECKPOINT_LD}" "-DNM=${CMAKE_NM}"
        "-DOBJCOPY=${CMAKE_OBJCOPY}" "-DAR=${CMAKE_AR}" "-DSTRIP=${_stripped}"
        -P "${CMAKE_CURRENT_LIST_DIR}/CheckpointArchive.cmake"
    COMMAND "${CMAKE_COMMAND}" -E create_symlink ${_sofile} "${CHECKPOINT_LIB_DIR}/${_soname}"
    COMMAND "${CMAKE_COMMAND}" -E create_symlink ${_soname} "${CHECKPOINT_LIB_DIR}/${_so}"
    BYPRODUCTS "${CHECKPOINT_LIB_DIR}/${_sofile}" "${CHECKPOINT_LIB_DIR}/libcheckpoint.a"
    COMMENT "cargo build libcheckpoint"
    USES_TERMINAL VERBATIM)

if(CHECKPOINT_BUILD_TOOL)
    add_custom_target(checkpoint_tool ALL
        COMMAND ${_cargo_tool} --target-dir "${CHECKPOINT_CARGO_TARGET_DIR}"
        COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${_cargo_made}/ckpt" "${CHECKPOINT_BIN_DIR}/ckpt"
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

# What is installed has no symbols but those that are needed to link it.
set(CHECKPOINT_INSTALLED_DIR "${CHECKPOINT_LIB_DIR}")
set(CHECKPOINT_INSTALLED_BIN_DIR "${CHECKPOINT_BIN_DIR}")
if(CHECKPOINT_INSTALL AND CHECKPOINT_STRIP)
    set(CHECKPOINT_INSTALLED_DIR "${PROJECT_BINARY_DIR}/stripped")
    set(CHECKPOINT_INSTALLED_BIN_DIR "${PROJECT_BINARY_DIR}/stripped")
    file(MAKE_DIRECTORY "${CHECKPOINT_INSTALLED_DIR}")
    add_custom_target(checkpoint_stripped ALL
        COMMAND "${CMAKE_STRIP}" --strip-unneeded -o "${CHECKPOINT_INSTALLED_DIR}/${_sofile}" "${CHECKPOINT_LIB_DIR}/${_sofile}"
        COMMAND "${CMAKE_STRIP}" --strip-unneeded -D -o "${CHECKPOINT_INSTALLED_DIR}/libcheckpoint.a" "${CHECKPOINT_LIB_DIR}/libcheckpoint.a"
        COMMENT "strip libcheckpoint" VERBATIM)
    add_dependencies(checkpoint_stripped checkpoint_cargo)
    if(CHECKPOINT_BUILD_TOOL)
        add_custom_target(checkpoint_tool_stripped ALL
            COMMAND "${CMAKE_STRIP}" --strip-unneeded -o "${CHECKPOINT_INSTALLED_BIN_DIR}/ckpt" "${CHECKPOINT_BIN_DIR}/ckpt"
            COMMENT "strip ckpt" VERBATIM)
        add_dependencies(checkpoint_tool_stripped checkpoint_tool)
    endif()
endif()
