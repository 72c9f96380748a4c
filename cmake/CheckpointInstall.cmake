# What `cmake --install` puts where, in two components:
#   runtime      the shared library under the name that programs ask for, the tool, the licences
#   development  the name that linkers ask for, the static library, the headers, what CMake and
#   pkg-config read, and suppressions for ThreadSanitizer and valgrind
include_guard()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_made "${PROJECT_BINARY_DIR}/package")

# From what is installed to its neighbours. Where the directories are absolute, as some packagers
# set them, this holds too.
set(_include "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
set(_cmake "${CMAKE_INSTALL_FULL_LIBDIR}/cmake/checkpoint")
set(_pkgconfig "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
set(CHECKPOINT_DIR_TO_LIB ../..)
file(RELATIVE_PATH CHECKPOINT_DIR_TO_INCLUDE "${_cmake}" "${_include}")
file(RELATIVE_PATH CHECKPOINT_PC_TO_INCLUDE "${_pkgconfig}" "${_include}")
file(RELATIVE_PATH CHECKPOINT_PC_TO_PREFIX "${_pkgconfig}" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" CHECKPOINT_PC_TO_PREFIX "${CHECKPOINT_PC_TO_PREFIX}")

get_target_property(_libs checkpoint::static INTERFACE_LINK_LIBRARIES)
list(TRANSFORM _libs PREPEND -l)
list(JOIN _libs " " CHECKPOINT_PC_LIBS_PRIVATE)

configure_file("${PROJECT_SOURCE_DIR}/cmake/checkpoint.pc.in" "${_made}/checkpoint.pc" @ONLY)
configure_file("${PROJECT_SOURCE_DIR}/cmake/checkpoint-config.cmake.in" "${_made}/checkpoint-config.cmake" @ONLY)
write_basic_package_version_file("${_made}/checkpoint-config-version.cmake" COMPATIBILITY SameMajorVersion)

# PROGRAMS, since tools that make packages look for debugging symbols in what may be executed.
install(PROGRAMS "${CHECKPOINT_INSTALLED_DIR}/libcheckpoint.so.${PROJECT_VERSION}"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime)
install(FILES "${CHECKPOINT_LIB_DIR}/libcheckpoint.so.${PROJECT_VERSION_MAJOR}"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime)
if(CHECKPOINT_BUILD_TOOL)
    install(PROGRAMS "${CHECKPOINT_INSTALLED_BIN_DIR}/ckpt" DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/LICENSE-APACHE" "${PROJECT_SOURCE_DIR}/LICENSE-MIT"
    "${PROJECT_SOURCE_DIR}/THIRD-PARTY-NOTICES"
    DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/checkpoint" COMPONENT runtime)      # CMAKE_INSTALL_DOCDIR may be another project's

install(FILES "${CHECKPOINT_LIB_DIR}/libcheckpoint.so" "${CHECKPOINT_INSTALLED_DIR}/libcheckpoint.a"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(FILES "${PROJECT_SOURCE_DIR}/include/checkpoint.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
install(DIRECTORY "${CHECKPOINT_CPP_INCLUDE}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
    FILES_MATCHING PATTERN "*.hpp")
install(FILES "${_made}/checkpoint.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
install(FILES "${_made}/checkpoint-config.cmake" "${_made}/checkpoint-config-version.cmake"
        "${PROJECT_SOURCE_DIR}/cmake/checkpoint-targets.cmake"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/checkpoint" COMPONENT development)
install(FILES "${PROJECT_SOURCE_DIR}/cmake/tsan.supp" "${PROJECT_SOURCE_DIR}/cmake/valgrind.supp"
    DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/checkpoint" COMPONENT development)
