// A Summary as text: for the terminal, as JSON, and back, and as a page for a browser.
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "lgen/error.h"
#include "lgen/summary.h"

namespace lgen {

struct ConsoleStyle {
  bool color = false;
  int width = 80;       // columns; tables are cut to it, never wrapped
  bool printed = true;  // what the plan has printed stands above; not where it stands there already
};

/// THRESHOLDS, CHECKS, verdicts with their matrix, latencies, status codes, connections, generator health.
std::string render_console(const Summary& summary, const ConsoleStyle& style);

/// What a threshold demands: "grpc_calls{code=OK} count > 3".
std::string threshold_words(const ThresholdResult& threshold);

/// One distribution's part of it: the verdict in a line, why, and the matrix.
std::string render_distribution(const DistributionResult& result, const ConsoleStyle& style);

/// Schema "lgen.summary/1".
std::string render_json(const Summary& summary);

/// A row of figures for each series of each metric, after the metric's total.
std::string render_csv(const Summary& summary);

/// JUnit XML: thresholds, checks, distributions and the run itself as test cases.
std::string render_junit(const Summary& summary);

/// Reads what render_json wrote; says which key is missing or of the wrong type.
Result<Summary> parse_json_summary(std::string_view text);

/// One file for a browser, below 1 MB, that needs nothing else: no network, no server.
std::string render_html(const Summary& summary);

/// The same page as a server shows it while the run goes on: it follows the server-sent events at `events` beside it
/// (live.js knows them).
std::string render_live_page(const Summary& summary);

/// Writes whole or not at all: to `path`.tmp, then renames; "-" is standard output; devices and pipes are written to as
/// they stand. Says what failed and where.
Outcome write_file(const std::string& path, std::string_view text);

/// Whether write_file could create `path`, asked before a run; leaves nothing behind.
Outcome check_writable(const std::string& path);

}  // namespace lgen
