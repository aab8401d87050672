// Virtual users for tests: small real programs on the loop, whose steps take a given time, and a log of all they did.
// Thread: the loop's.
// Lifetime: the log outlives the VUs and their operations.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "lgen/loop.h"
#include "lgen/vu.h"

namespace lgen::testing {

/// What a FakeVu does; one script may serve many.
struct FakeScript {
  std::optional<Duration> begin = {}, end = {};  // nothing: an empty Op, as of a VU that has none
  Duration iteration{0};
  bool heeds_stop = false;   // ask_to_stop() ends what runs, as a success
  bool heeds_cancel = true;  // completes as cancelled in the next turn; else only being dropped ends it
  std::function<void(const Iteration&)> on_start = {};
  /// Decides how an iteration ends, at its end; empty: succeeded.
  std::function<IterationEnd(const Iteration&)> result = {};
  IterationEnd begin_result = IterationEnd::succeeded, end_result = IterationEnd::succeeded;
};

struct FakeLog {
  std::uint64_t made = 0, destroyed = 0, begun = 0, ended = 0, asked = 0, cancels = 0, dropped = 0;
  std::uint64_t running = 0, most_running = 0;
  std::vector<std::pair<VuIdentity, Iteration>> started;  // `phase` points into the scenario

  std::uint64_t started_by(std::uint64_t id) const {
    return static_cast<std::uint64_t>(
        std::count_if(started.begin(), started.end(), [id](const auto& entry) { return entry.first.id == id; }));
  }
};

/// Completes after a while.
class FakeOperation final : public Operation {
 public:
  FakeOperation(Loop& loop, FakeLog& log, const FakeScript& script, Duration length,
                std::function<IterationEnd()> result, IterationDone done)
      : loop_(loop),
        log_(log),
        heeds_cancel_(script.heeds_cancel),
        result_(std::move(result)),
        done_(std::move(done)),
        timer_(loop, [this] { complete(); }) {
    timer_.arm(loop.now() + length);
    log_.most_running = std::max(log_.most_running, ++log_.running);
  }
  ~FakeOperation() {
    if (completed_) return;
    --log_.running;
    ++log_.dropped;
  }

  /// The owner may drop us inside `done`, so nothing of ours is touched after it.
  void complete() {
    const IterationEnd end = forced_ ? *forced_ : result_();
    completed_ = true;
    --log_.running;
    const IterationDone done = std::move(done_);
    done(end);
  }
  void force(IterationEnd end) {
    if (completed_) return;
    forced_ = end;
    timer_.arm(loop_.now());
  }
  void cancel() noexcept override {
    ++log_.cancels;
    if (heeds_cancel_) force(IterationEnd::cancelled);
  }
  void drop() noexcept override { delete this; }

 private:
  Loop& loop_;
  FakeLog& log_;
  const bool heeds_cancel_;
  std::function<IterationEnd()> result_;
  IterationDone done_;
  std::optional<IterationEnd> forced_;
  bool completed_ = false;
  Timer timer_;
};

class FakeVu final : public Vu {
 public:
  FakeVu(Loop& loop, FakeLog& log, const FakeScript& script, VuIdentity identity)
      : loop_(loop), log_(log), script_(script), identity_(std::move(identity)) {
    ++log_.made;
  }
  ~FakeVu() override { ++log_.destroyed; }

  Op start(const Iteration& iteration, IterationDone done) override {
    log_.started.emplace_back(identity_, iteration);
    if (script_.on_start) script_.on_start(iteration);
    return run(
        script_.iteration,
        [this, iteration] { return script_.result ? script_.result(iteration) : IterationEnd::succeeded; },
        std::move(done));
  }
  Op begin(IterationDone done) override {
    ++log_.begun;
    if (!script_.begin) return {};
    return run(
        *script_.begin, [this] { return script_.begin_result; }, std::move(done));
  }
  Op end(IterationDone done) override {
    ++log_.ended;
    if (!script_.end) return {};
    return run(
        *script_.end, [this] { return script_.end_result; }, std::move(done));
  }
  void ask_to_stop() override {
    ++log_.asked;
    if (script_.heeds_stop && running_ != nullptr) running_->force(IterationEnd::succeeded);
  }

 private:
  Op run(Duration length, std::function<IterationEnd()> result, IterationDone done) {
    running_ = new FakeOperation(loop_, log_, script_, length, std::move(result),
                                 [this, done = std::move(done)](IterationEnd end) {
                                   running_ = nullptr;
                                   done(end);
                                 });
    return Op(running_);
  }

  Loop& loop_;
  FakeLog& log_;
  const FakeScript& script_;
  const VuIdentity identity_;
  FakeOperation* running_ = nullptr;
};

}  // namespace lgen::testing
