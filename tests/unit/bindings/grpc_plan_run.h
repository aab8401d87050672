// Runs a plan against a server as `lgen` does, without a terminal: load, run, count, close.
// Thread: the test's.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "lgen/grpc.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/plan.h"
#include "lgen/runner.h"
#include "lgen/summary.h"

namespace lgen::test {

struct EngineFlag {
  std::string name, value;
};

class PlanRun {
 public:
  /// A plan in a file; the flags are the engine's, "target" among them.
  explicit PlanRun(std::string path, std::vector<EngineFlag> flags = {}, PlanInput input = {}) : loop_(clock_) {
    input.path = std::move(path);
    for (const EngineFlag& flag : flags) {
      const Outcome set = input.options.set(OptionLayer::flags, flag.name, {flag.value}, "test");
      if (!set) throw std::invalid_argument(set.error().message);
    }
    plan_.emplace(loop_, metrics_, std::move(input));
  }
  ~PlanRun() { plan_->close(); }
  PlanRun(const PlanRun&) = delete;
  PlanRun& operator=(const PlanRun&) = delete;

  /// The error of load(), or "".
  std::string load() {
    const Outcome loaded = plan_->load();
    return loaded ? "" : loaded.error().message;
  }

  /// To the end, streams included.
  const Summary& run() {
    Runner runner(loop_, metrics_, plan_->run_spec());
    plan_->attach(runner);
    std::optional<RunOutcome> outcome;
    runner.start([&](const RunOutcome& ended) { outcome = ended; });
    loop_.run_until([&] { return outcome && plan_->open_streams() == 0; });
    summary_.run.duration = to_seconds(outcome->finished - outcome->started);
    summary_.run.end_reason = outcome->reason;
    summary_.metrics = metrics_.snapshot();
    plan_->fill(summary_);
    return summary_;
  }

  Loop& loop() { return loop_; }
  Plan& plan() { return *plan_; }
  const Summary& summary() const { return summary_; }
  double total(std::string_view metric, const Labels& labels = {}) const {
    const MetricSnapshot* found = summary_.metrics.find(metric);
    return found ? aggregate(*found, labels).value : 0;
  }

 private:
  RealClock clock_;
  Loop loop_;
  Metrics metrics_;
  std::optional<Plan> plan_;
  Summary summary_;
};

/// A plan written for one test; the file goes with it.
class PlanFile {
 public:
  explicit PlanFile(const std::string& text) {
    char name[] = "/tmp/lgen_plan_XXXXXX.lua";
    ::close(::mkstemps(name, 4));
    path_ = name;
    std::ofstream(path_) << text;
  }
  ~PlanFile() { std::remove(path_.c_str()); }
  PlanFile(const PlanFile&) = delete;
  PlanFile& operator=(const PlanFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// `top` at the top level, `body` in the one iteration of the one VU.
inline std::string plan_text(const std::string& top, const std::string& body) {
  return "local lgen = require \"lgen\"\n"
         "local api = lgen.proto { files = { \"streaming.proto\", \"echo.proto\", \"hello.proto\" } }\n" +
         top +
         "\nlgen.scenario(\"test\", { load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "
         "\"60s\" }, run = function(vu)\n" +
         body + "\nend })\n";
}

}  // namespace lgen::test
