# Every third-party library lgen builds on, found once, under one target name each.
# Global, because a project that adds lgen as a subdirectory links these through lgen::engine from its own folders.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(civetweb CONFIG REQUIRED)
find_package(gRPC CONFIG REQUIRED)
pkg_check_modules(libuv REQUIRED IMPORTED_TARGET GLOBAL libuv)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET GLOBAL libnghttp2)
pkg_check_modules(luajit REQUIRED IMPORTED_TARGET GLOBAL luajit)
pkg_check_modules(yaml_cpp REQUIRED IMPORTED_TARGET GLOBAL yaml-cpp)
# It comes without a package file; found here so that its absence is told at once, linked by its plain name.
find_library(lgen_http_parser http_parser REQUIRED)
