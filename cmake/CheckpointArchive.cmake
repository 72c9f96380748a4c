# Makes of cargo's static library one of a single object, in which nothing but the C ABI is global.
# Two Rust libraries in one program would else both define what Rust's standard library defines.
#
#   cmake -DCARGO_ARCHIVE=… -DLIBRARY=… -DARCHIVE=… -DLINKER=… -DNM=… -DOBJCOPY=… -DAR=…
#         [-DSTRIP=ON] -P CheckpointArchive.cmake
#
# LIBRARY is the shared library: what it exports is the C ABI.
cmake_minimum_required(VERSION 3.21)

# What it was made of: it is made anew when any of that changes.
file(TIMESTAMP "${CARGO_ARCHIVE}" _time "%s" UTC)
file(SIZE "${CARGO_ARCHIVE}" _size)
file(SHA256 "${CMAKE_CURRENT_LIST_FILE}" _script)
set(_made_of "${CARGO_ARCHIVE} ${_time} ${_size} ${STRIP} ${_script}")
set(_note "${ARCHIVE}.made-of")
if(EXISTS "${ARCHIVE}" AND EXISTS "${_note}")
    file(READ "${_note}" _noted)
    if(_noted STREQUAL _made_of)
        return()
    endif()
endif()
set(_roots "${ARCHIVE}.roots")
set(_whole "${ARCHIVE}.whole.o")
get_filename_component(_object "${ARCHIVE}" NAME_WE)
set(_object "${ARCHIVE}.d/${_object}.o")
file(MAKE_DIRECTORY "${ARCHIVE}.d")

execute_process(COMMAND "${NM}" --dynamic --defined-only "${LIBRARY}" OUTPUT_VARIABLE _exported COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "ckpt_[a-z0-9_]+" _exported "${_exported}")
list(TRANSFORM _exported PREPEND "-u ")
list(JOIN _exported "\n" _exported)
file(WRITE "${_roots}" "${_exported}\n")

# Groups are dissolved, since a group of one name would be taken from only one of two libraries.
execute_process(COMMAND "${LINKER}" -r --gc-sections --force-group-allocation "@${_roots}" "${CARGO_ARCHIVE}" -o "${_whole}"
    COMMAND_ERROR_IS_FATAL ANY)
set(_strip)
if(STRIP)
    set(_strip --strip-unneeded)
endif()
# Rust's standard library has bitcode with it, on which an older LLVM's plugin for ar aborts.
execute_process(COMMAND "${OBJCOPY}" --wildcard "--keep-global-symbol=ckpt_*" --remove-section=.llvmbc --remove-section=.llvmcmd
        ${_strip} "${_whole}" "${_object}"
    COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE "${ARCHIVE}")
execute_process(COMMAND "${AR}" rcsD "${ARCHIVE}" "${_object}" COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE "${_roots}" "${_whole}" "${ARCHIVE}.d")
file(WRITE "${_note}" "${_made_of}")
