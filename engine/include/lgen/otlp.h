// Pushes what a run measures to a receiver of OpenTelemetry's metrics: OTLP over HTTP, in JSON. A receiver that fails
// or is slow never holds the run up; what it says first is told once and kept. Thread: the loop's. Lifetime: the loop
// outlives it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lgen/error.h"
#include "lgen/http.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/summary.h"

namespace lgen {

struct OtlpOptions {
  std::string url;  // without a path: /v1/metrics
  std::vector<std::pair<std::string, std::string>> tags;
  Duration timeout = std::chrono::seconds(5);  // of one push
};

class OtlpPush {
 public:
  /// Fails on what is no http:// or https:// URL.
  static Result<std::string> endpoint(std::string_view url);

  OtlpPush(Loop& loop, OtlpOptions options);

  void begin(const RunInfo& run, std::vector<std::pair<std::string, std::string>> tags);
  /// `elapsed` since the start of the run. Left out while the push before is still under way.
  void push(const Snapshot& snapshot, Duration elapsed);
  /// The last one: sent when the push before is through.
  void push_last(const Snapshot& snapshot, Duration elapsed);
  bool under_way() const { return static_cast<bool>(op_); }
  /// An error when the last push was not taken. Points are cumulative: what an earlier one has lost, a later one tells.
  Outcome result() const;

 private:
  void send(std::string body);
  void sent(const HttpResult& result);
  void failed(std::string why);
  std::string body_of(const Snapshot& snapshot, Duration elapsed) const;

  OtlpOptions options_;
  RunInfo run_;
  std::string run_id_;
  HttpClient client_;
  Op op_;
  std::optional<std::string> last_;  // waits for the push before
  std::uint64_t pushes_ = 0, failures_ = 0;
  std::string first_failure_;
  bool last_failed_ = false;
};

}  // namespace lgen
