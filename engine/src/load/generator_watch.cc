#include "generator_watch.h"

namespace lgen {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(1);

}  // namespace

GeneratorWatch::GeneratorWatch(Loop& loop, Metrics& metrics)
    : loop_(loop),
      metrics_(metrics),
      lag_(metrics.series("loop_lag_seconds", {})),
      slice_(metrics.series("slice_seconds", {})),
      timer_(loop, [this] {
        sample();
        timer_.arm(loop_.now() + kPeriod);
      }) {
  loop.take_health();  // what was before does not count
  loop.on_slice([this](Duration slice) { metrics_.record(slice_, slice); });
  timer_.arm(loop.now() + kPeriod);
}

GeneratorWatch::~GeneratorWatch() {
  sample();
  loop_.on_slice(nullptr);
}

void GeneratorWatch::sample() { metrics_.record(lag_, loop_.take_health().max_timer_lateness); }

}  // namespace lgen
