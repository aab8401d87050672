// The parts of the console report, in the order they are printed. Each prints nothing when it has nothing to say.
// Thread: pure functions.
#pragma once

#include "lgen/summary.h"
#include "lgen/text.h"

namespace lgen {

void print_run(Page& page, const RunInfo& run);
void print_thresholds(Page& page, const Summary& summary);
void print_checks(Page& page, const Summary& summary);
/// Of what a threshold has observed: that of its metric, or "" of a number of things.
std::string observed_unit(const Summary& summary, const ThresholdResult& threshold);
/// "excused by threshold checks rate > 0.9": a threshold on checks that holds judges them instead; else "".
std::string excuse_of_checks(const Summary& summary);
void print_distribution(Page& page, const DistributionResult& result);
void print_scenarios(Page& page, const std::vector<ScenarioProgress>& scenarios);
/// Why the sections below are missing.
void print_only_warmup(Page& page, const Summary& summary);
void print_latencies(Page& page, const Snapshot& metrics);
void print_status_codes(Page& page, const Summary& summary);
void print_streams(Page& page, const Snapshot& metrics);
void print_backends(Page& page, const Snapshot& metrics);
void print_http(Page& page, const Snapshot& metrics);
void print_own_metrics(Page& page, const Snapshot& metrics);
void print_conservation(Page& page, const std::string& conservation);
void print_connections(Page& page, const Summary& summary);
void print_first_calls(Page& page, const Summary& summary);
void print_events(Page& page, const Summary& summary);
void print_errors(Page& page, const Summary& summary);
void print_generator(Page& page, const Summary& summary);
void print_notes(Page& page, const std::vector<std::string>& notes);
void print_outcome(Page& page, const Summary& summary);

/// "spread over a, b and c": the verdict in words, without its name.
std::string verdict_words(const DistributionResult& result, std::size_t room);

/// The kinds of errors in their order, behind them those that warm-up alone has seen.
std::vector<const ErrorSample*> errors_that_count_first(const Summary& summary);

/// "passed", "exit code 99: 2 thresholds failed": what came of the run.
std::string outcome_words(const Summary& summary);

/// "stopped by SIGINT"; "" for a run that was completed.
std::string how_it_ended(const RunInfo& run);

/// "4 sockets for 3 channels: one reconnect"; "" without channels.
std::string socket_words(const std::vector<ChannelSummary>& channels);
/// How many these are.
std::uint64_t sockets_of(const std::vector<ChannelSummary>& channels);

/// "made in 310us at the median, at most in 14ms for main[3]#1: dial 120us, TLS 13ms, SETTINGS 1.1ms"; "" where the
/// transport does not know.
std::string making_words(const std::vector<ConnectionRecord>& connections);

}  // namespace lgen
