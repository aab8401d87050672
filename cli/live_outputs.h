// The outputs that others look at, or that are sent to them, while a run goes on: --out prometheus, dashboard and
// opentelemetry.
// Thread: the main thread.
#pragma once

#include <memory>

#include "outputs.h"

namespace lgen::cli {

/// ,linger= of those that listen; ,interval= of opentelemetry.
extern const OutputKey kPrometheusKeys[1], kDashboardKeys[1], kOtlpKeys[1];

Result<std::unique_ptr<LiveOutput>> open_prometheus(const OutputRequest& request, const OutputMeans& means);
Result<std::unique_ptr<LiveOutput>> open_dashboard(const OutputRequest& request, const OutputMeans& means);
Result<std::unique_ptr<LiveOutput>> open_opentelemetry(const OutputRequest& request, const OutputMeans& means);

/// The value of a key that is a time, within bounds; `fallback` where it is not given.
Result<Duration> time_key(const OutputRequest& request, std::string_view key, Duration fallback, Duration least,
                          Duration most);

/// A line on stderr: where something listens.
void announce(std::string_view what, std::string_view where);

}  // namespace lgen::cli
