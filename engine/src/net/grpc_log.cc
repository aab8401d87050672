// gRPC core's own log lines as lines of lgen's log.
#include <grpc/support/log.h>

#include <string>
#include <string_view>

#include "lgen/grpc.h"
#include "lgen/log.h"

namespace lgen {
namespace {

LogLevel level_of(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      return LogLevel::debug;
    case GPR_LOG_SEVERITY_INFO:
      return LogLevel::info;
    case GPR_LOG_SEVERITY_ERROR:
      break;
  }
  return LogLevel::info;  // what gRPC calls an error is an outcome of a call to us, told there with its reason
}

void write(gpr_log_func_args* args) {
  const std::string_view path = args->file;
  const std::string_view file = path.substr(path.rfind('/') + 1);
  log(level_of(args->severity),
      "gRPC: " + std::string(args->message) + " (" + std::string(file) + ":" + std::to_string(args->line) + ")");
}

}  // namespace

void route_grpc_log() {
  gpr_set_log_function(write);
  const LogLevel level = log_level();
  gpr_set_log_verbosity(level == LogLevel::debug  ? GPR_LOG_SEVERITY_DEBUG
                        : level == LogLevel::info ? GPR_LOG_SEVERITY_INFO
                                                  : GPR_LOG_SEVERITY_ERROR);
}

}  // namespace lgen
