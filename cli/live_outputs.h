// The outputs that others look at, or that are sent to them, while a run goes on: --out prometheus, dashboard and
// opentelemetry.
// Thread: the main thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

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

/// An output that listens at the request's place, and may stay there for a while after the run.
template <class Output>
Result<std::unique_ptr<LiveOutput>> open_listening(const OutputRequest& request, const OutputMeans& means) {
  const auto linger = time_key(request, "linger", Duration{0}, Duration{0}, std::chrono::hours(24));
  if (!linger) return linger.error();
  auto output = std::make_unique<Output>(means.loop, *linger);
  if (const Outcome open = output->listen(request.where); !open) {
    return make_error(open.error().code, "--out " + std::string(request.format->name) + ": " + open.error().message);
  }
  return std::unique_ptr<LiveOutput>(std::move(output));
}

/// A line on stderr: where something listens.
void announce(std::string_view what, std::string_view where);

}  // namespace lgen::cli
