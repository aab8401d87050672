# What `cmake --install` gives: programs, plans, headers, the two static libraries, a CMake package and pkg-config files.
# Everything is found from where it lies, so an installed tree may be moved.
if(NOT PROJECT_IS_TOP_LEVEL)
  return()  # inside another project that project decides what is installed
endif()
include(CMakePackageConfigHelpers)

install(TARGETS lgen lgen-server lgen-cluster RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY plans/ DESTINATION ${CMAKE_INSTALL_DATADIR}/lgen/plans FILES_MATCHING PATTERN "*.lua")
install(FILES schema/summary.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/lgen/schema)
install(FILES bindings/meta/lgen.d.lua DESTINATION ${CMAKE_INSTALL_DATADIR}/lgen/meta)

set(lgen_share ${PROJECT_BINARY_DIR}/share)
install(FILES ${lgen_share}/lgen.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${lgen_share}/lgen.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME lgen)
install(FILES ${lgen_share}/_lgen DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${lgen_share}/lgen.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# One export set for each library, so that an embedder of the engine need not have LuaJIT.
set(lgen_headers ${CMAKE_INSTALL_INCLUDEDIR}/lgen)
set(lgen_package ${CMAKE_INSTALL_LIBDIR}/cmake/lgen)
install(TARGETS lgen_engine EXPORT lgenEngineTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS lgen_lua EXPORT lgenLuaTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY engine/include/lgen/ bindings/include/lgen/ DESTINATION ${lgen_headers} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/engine/include/lgen/version.h DESTINATION ${lgen_headers})
install(EXPORT lgenEngineTargets NAMESPACE lgen:: DESTINATION ${lgen_package})
install(EXPORT lgenLuaTargets NAMESPACE lgen:: DESTINATION ${lgen_package})

configure_package_config_file(cmake/lgenConfig.cmake.in lgenConfig.cmake INSTALL_DESTINATION ${lgen_package})
write_basic_package_version_file(lgenConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lgenConfig.cmake ${PROJECT_BINARY_DIR}/lgenConfigVersion.cmake
        DESTINATION ${lgen_package})

# Prefix as seen from the folder of the .pc files.
file(RELATIVE_PATH lgen_pc_prefix /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
foreach(pc lgen lgen-lua)
  configure_file(cmake/${pc}.pc.in ${pc}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
