#include "lgen/error.h"

namespace lgen {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid argument";
    case ErrorCode::not_found:
      return "not found";
    case ErrorCode::io:
      return "I/O error";
    case ErrorCode::refused:
      return "connection refused";
    case ErrorCode::timeout:
      return "timed out";
    case ErrorCode::tls:
      return "TLS";
    case ErrorCode::protocol:
      return "protocol error";
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::exhausted:
      return "exhausted";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::internal:
      return "internal error";
  }
  return "unknown";
}

}  // namespace lgen
