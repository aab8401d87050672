// One line of a streaming server's log, taken apart: lgen-server's and the Python original's forms, in any prefix.
//   2025-07-31 14:48:01,861 - root - INFO - [Client: C, Channel: N] Stream opened. Active streams: 3.0
// Thread: a pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lgen {

enum class LogLineKind {
  foreign,         // none of the forms: a banner, a traceback, another program
  server_started,  // with connection age and grace
  other_known,     // a form that says nothing about streams
  opened,
  no_messages,  // a stream that ended before its first message
  closed,       // by the client
  cancelled,    // by the client
  failed,       // an RPC error
  finished,     // follows each of the last three
};

struct LogLine {
  LogLineKind kind = LogLineKind::foreign;
  std::string_view pod;     // of kubectl's prefix [pod/NAME/container]; "" without
  std::int64_t at_ms = 0;   // since 1970, in the log's own time zone
  bool has_client = false;  // the line has a [Client: …, Channel: …] prefix
  std::string_view client, channel;
  std::optional<double> active;  // the gauge, on opened and finished
  std::uint64_t messages = 0;    // on closed and cancelled
  double age_s = 0, grace_s = 0;
  std::string_view detail;  // of failed
};

/// The views point into `line`.
LogLine parse_log_line(std::string_view line);

}  // namespace lgen
