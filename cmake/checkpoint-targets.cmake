# What a program links: used by the build tree and installed beside the package's configuration, so
# that both are the same.
#
#   checkpoint::shared, checkpoint::static   the C library
#   checkpoint::checkpoint                   the static one where BUILD_SHARED_LIBS is set to OFF,
#                                            else the shared one
#   checkpoint::cpp, checkpoint::cpp_static  the C++17 headers, on checkpoint::checkpoint or on
#                                            checkpoint::static
#   checkpoint::headers                      the C and C++ headers alone, for what links no library:
#                                            a plug-in whose program has it, a library of objects

# _checkpoint_targets(LIBDIR <dir> INCLUDE <dir> INCLUDE_CPP <dir> VERSION <x.y.z> [GLOBAL])
function(_checkpoint_targets)
    cmake_parse_arguments(PARSE_ARGV 0 _arg GLOBAL "LIBDIR;INCLUDE;INCLUDE_CPP;VERSION" "")
    set(_global)
    if(_arg_GLOBAL)
        set(_global GLOBAL)
    endif()
    string(REGEX MATCH "^[0-9]+" _major "${_arg_VERSION}")

    add_library(checkpoint::shared SHARED IMPORTED ${_global})
    set_target_properties(checkpoint::shared PROPERTIES
        IMPORTED_LOCATION "${_arg_LIBDIR}/libcheckpoint.so.${_arg_VERSION}"
        IMPORTED_SONAME libcheckpoint.so.${_major}
        CHECKPOINT_VERSION ${_arg_VERSION}
        INTERFACE_INCLUDE_DIRECTORIES "${_arg_INCLUDE}")

    add_library(checkpoint::static STATIC IMPORTED ${_global})
    set_target_properties(checkpoint::static PROPERTIES
        IMPORTED_LOCATION "${_arg_LIBDIR}/libcheckpoint.a"
        IMPORTED_LINK_INTERFACE_LANGUAGES C
        INTERFACE_INCLUDE_DIRECTORIES "${_arg_INCLUDE}"
        # What rustc asks for (`--print native-static-libs`) but gcc_s, which compilers add in the
        # form that fits, and which there is none of under -static; tests/install compares.
        INTERFACE_LINK_LIBRARIES "util;rt;pthread;m;dl;c")

    if(NOT DEFINED BUILD_SHARED_LIBS OR BUILD_SHARED_LIBS)
        add_library(checkpoint::checkpoint ALIAS checkpoint::shared)
    else()
        add_library(checkpoint::checkpoint ALIAS checkpoint::static)
    endif()

    add_library(checkpoint::headers INTERFACE IMPORTED ${_global})
    set_target_properties(checkpoint::headers PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${_arg_INCLUDE};${_arg_INCLUDE_CPP}")

    foreach(_cpp IN ITEMS cpp:checkpoint cpp_static:static)
        string(REPLACE ":" ";" _cpp ${_cpp})
        list(POP_FRONT _cpp _name _library)
        add_library(checkpoint::${_name} INTERFACE IMPORTED ${_global})
        set_target_properties(checkpoint::${_name} PROPERTIES
            INTERFACE_INCLUDE_DIRECTORIES "${_arg_INCLUDE_CPP}"
            INTERFACE_COMPILE_FEATURES cxx_std_17
            INTERFACE_LINK_LIBRARIES checkpoint::${_library})
    endforeach()
endfunction()
