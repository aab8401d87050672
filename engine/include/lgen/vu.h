// One virtual user: the seam between the load layer and whatever makes the calls (a Lua coroutine, an embedder's C++,
// a test's fake).
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lgen/op.h"
#include "lgen/time.h"

namespace lgen {

struct Iteration {
  std::uint64_t number = 0;  // within the VU, 0-based
  std::uint64_t global = 0;  // within the scenario (of this rank), 0-based
  TimePoint scheduled_at;    // intended start
  /// Open loads: how much later than that it starts. Nothing in closed loads, which intend no time.
  std::optional<Duration> late;
  std::string_view phase;  // "" outside phases
};

enum class IterationEnd {
  succeeded,
  failed,     // raised, or a plan's error
  cancelled,  // stopped from outside after graceful_stop
};

using IterationDone = std::function<void(IterationEnd)>;

class Vu {
 public:
  virtual ~Vu() = default;
  /// Runs one iteration. The Op and `done` follow the contract of op.h; one iteration at a time.
  virtual Op start(const Iteration& iteration, IterationDone done) = 0;
  /// Before the first and after the last iteration; the defaults have nothing to do and return an empty Op, in which
  /// case `done` is not called. `failed` ends the run as a plan error; call Runner::fail() before to give the reason.
  /// A VU that did not begin, or had to be dropped, is not ended.
  virtual Op begin(IterationDone done);
  virtual Op end(IterationDone done);
  /// No further iteration will come and the running one should end soon (`vu.stopping`). Not called while idle. `done`
  /// must not be called inside it.
  virtual void ask_to_stop() {}
};

struct VuIdentity {
  std::uint64_t id = 1;     // 1-based over all scenarios of the process (and ranks)
  std::uint64_t index = 1;  // 1-based within the scenario
  std::string scenario;
};

using VuFactory = std::function<std::unique_ptr<Vu>(const VuIdentity&)>;

}  // namespace lgen
