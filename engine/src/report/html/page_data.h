// What the HTML page shows, as one JSON value: figures, tables and charts ready to be drawn. page.js knows its keys.
// Each part is made by itself, so that a live page can send the parts that have changed.
// Thread: pure functions.
// Units: seconds, bytes, per second; shares 0..1.
#pragma once

#include <nlohmann/json.hpp>

#include "lgen/summary.h"

namespace lgen::html {

using Json = nlohmann::ordered_json;

/// All parts: {"run": …, "outcome": …, "figures": …, …}.
Json page_data(const Summary& summary);

// The parts.
Json outcome_part(const Summary& summary);      // how it ended, what was judged, validity
Json figures_part(const Summary& summary);      // the tiles
Json judged_part(const Summary& summary);       // thresholds and checks
Json spread_part(const Summary& summary);       // verdicts with their matrices
Json time_part(const Summary& summary);         // charts over time
Json latency_part(const Summary& summary);      // table and percentile spectrum
Json traffic_part(const Summary& summary);      // status codes, streams and messages, backends
Json scenarios_part(const Summary& summary);    //
Json connections_part(const Summary& summary);  // sockets, channels, connections that ended
Json cold_starts_part(const Summary& summary);  // slow first calls on a backend or connection
Json events_part(const Summary& summary);       // marks of the charts
Json printed_part(const Summary& summary);      // what the plan has said
Json errors_part(const Summary& summary);       //
Json metrics_part(const Summary& summary);      // the plan's own counters, gauges and rates
Json generator_part(const Summary& summary);    // its health
Json run_part(const Summary& summary);          // what ran, with which options

}  // namespace lgen::html
