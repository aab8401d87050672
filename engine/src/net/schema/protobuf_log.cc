#include "protobuf_log.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>

#include <string>

#include "lgen/log.h"

namespace lgen {
namespace {

void write(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  log(LogLevel::debug, fmt::format("protobuf: {}", message));
}

}  // namespace

void route_protobuf_log() { google::protobuf::SetLogHandler(write); }

}  // namespace lgen
