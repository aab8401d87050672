// lgen's own log: levels, one line per message on stderr or a file, never on stdout.
// Thread: any thread may log.
#pragma once

#include <string>
#include <string_view>

#include "lgen/error.h"

namespace lgen {

enum class LogLevel { debug, info, warn, error, off };

/// Messages below this level are dropped. Default: warn.
void set_log_level(LogLevel level);
LogLevel log_level();

/// Sends further messages to `path` (appended) instead of stderr.
Outcome set_log_file(const std::string& path);

/// Called with each line (no newline) just before it is written to a terminal, so that a progress bar can step aside.
void set_log_hook(void (*before_line)());

/// The same courtesy for lines that are no log messages: call it before writing them to a terminal.
void step_aside();

void log(LogLevel level, std::string_view message);

/// Writes `text` to standard error as it is. Where that is closed or full the text is lost, and nothing else happens.
void write_stderr(std::string_view text);

/// An error when a line could not be written to the log file.
Outcome log_outcome();

Result<LogLevel> parse_log_level(std::string_view name);

}  // namespace lgen
