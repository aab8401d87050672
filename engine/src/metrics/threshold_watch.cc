// A window slides by adding the slot of the newest second and taking away that of the oldest, bucket by bucket. What a
// second brought is the difference between a series' histogram now and as it was seen a second ago; series that have
// not moved are passed over by their count.
//
// Which windows are judged: percentiles and the like in every window that has samples. Counts and rates only in those
// that lie wholly within the load they are about, lest its slow beginning or its end fail them.
#include "lgen/threshold_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <vector>

#include "lgen/units.h"
#include "metrics_impl.h"
#include "threshold_judge.h"

namespace lgen {

namespace {

using Stat = ThresholdExpression::Stat;
using Compare = ThresholdExpression::Compare;

constexpr Duration kSecond = std::chrono::seconds(1);
constexpr double kWhole = 0.95;  // of a second: ticks come a little late

/// What some time has brought, of one series or of several added up.
struct Slot {
  std::uint64_t count = 0, hits = 0;
  double value = 0, sum = 0;
  double min = 0, max = 0;
  std::vector<std::pair<std::int64_t, std::uint64_t>> buckets;  // (value in ticks, count)
  bool whole = false;                                           // the load was on all the time

  void add_extremes(double low, double high) {
    min = extremes ? std::min(min, low) : low;
    max = extremes ? std::max(max, high) : high;
    extremes = true;
  }
  bool extremes = false;
};

/// A series as it was when last seen.
struct Seen {
  std::uint64_t count = 0, hits = 0;
  double value = 0;
  std::unique_ptr<Histogram> histogram;
};

void take_histogram(const Histogram& now, Seen& seen, Slot& out) {
  if (!seen.histogram) seen.histogram = std::make_unique<Histogram>();
  Histogram& before = *seen.histogram;
  out.sum += now.sum() - before.sum();
  now.each_since(before, [&](std::int64_t low, std::int64_t high, std::uint64_t count) {
    out.buckets.emplace_back(high, count);
    out.add_extremes(static_cast<double>(std::max(low, now.min())), static_cast<double>(std::min(high, now.max())));
  });
  before = now;
}

/// What has come since; a gauge has had the value all the time.
Slot take(const MetricCell& cell, Seen& seen) {
  Slot out;
  out.count = cell.count - seen.count;
  out.hits = cell.hits - seen.hits;
  if (cell.type == MetricType::counter) out.value = cell.value - seen.value;
  if (cell.type == MetricType::gauge) {
    out.count = std::max<std::uint64_t>(out.count, 1);
    out.add_extremes(cell.touched ? cell.window.min : cell.value, cell.touched ? cell.window.max : cell.value);
  }
  if (cell.histogram) take_histogram(*cell.histogram, seen, out);
  seen.count = cell.count;
  seen.hits = cell.hits;
  seen.value = cell.value;
  return out;
}

void add_to(Slot& sum, const Slot& one) {
  sum.count += one.count;
  sum.hits += one.hits;
  sum.value += one.value;
  sum.sum += one.sum;
  if (one.extremes) sum.add_extremes(one.min, one.max);
  sum.buckets.insert(sum.buckets.end(), one.buckets.begin(), one.buckets.end());
}

/// Slots added up, in the shape that is judged.
class Sum {
 public:
  explicit Sum(const MetricSpec& spec) : spec_(spec) {
    if (spec.type == MetricType::histogram) total_.histogram.emplace();
  }
  void add(const Slot& slot) {
    total_.count += slot.count;
    total_.hits += slot.hits;
    total_.value += slot.value;
    sum_ += slot.sum;
    for (const auto& [value, count] : slot.buckets) total_.histogram->record(value, count);
  }
  void remove(const Slot& slot) {
    total_.count -= slot.count;
    total_.hits -= slot.hits;
    total_.value -= slot.value;
    sum_ -= slot.sum;
    for (const auto& [value, count] : slot.buckets) total_.histogram->remove(value, count);
  }
  bool empty() const { return total_.count == 0 && total_.value == 0; }
  /// `extremes`: of all slots in it.
  std::optional<double> observe(const ThresholdExpression& e, const Slot& extremes, Duration time) {
    total_.min = extremes.min;
    total_.max = extremes.max;
    if (spec_.type == MetricType::rate && total_.count > 0) {
      total_.value = static_cast<double>(total_.hits) / static_cast<double>(total_.count);
    }
    if (total_.histogram) {
      total_.histogram->restore_exact(std::llround(extremes.min), std::llround(extremes.max), sum_);
    }
    return lgen::observe(e, spec_, total_, time);
  }

 private:
  const MetricSpec& spec_;
  SeriesSnapshot total_;
  double sum_ = 0;
};

/// How far a value is on the wrong side of the bound, or near it; the greater the worse.
double badness(const ThresholdExpression& e, double observed) {
  switch (e.compare) {
    case Compare::less:
    case Compare::less_equal:
      return observed;
    case Compare::greater:
    case Compare::greater_equal:
      return -observed;
    case Compare::equal:
      return std::fabs(observed - e.bound);
    case Compare::not_equal:
      return -std::fabs(observed - e.bound);
  }
  return 0;
}

/// What grows with the time, so that it says something only of times when the load was on.
bool counts_load(const ThresholdExpression& e, MetricType type) {
  return e.stat == Stat::count || (e.stat == Stat::rate && type != MetricType::rate);
}

/// One threshold while the run goes on.
class Watched {
 public:
  Watched(const Threshold& threshold, const MetricSpec& spec)
      : threshold_(threshold),
        spec_(spec),
        length_(static_cast<std::size_t>(threshold.over / kSecond)),
        whole_(spec),
        window_(spec) {}

  const Threshold& threshold() const { return threshold_; }

  bool wants(const Labels& labels) const {
    static const Labels kWarmup = {{"phase", "warmup"}};
    const auto& wanted = threshold_.labels;
    const bool any_phase = std::any_of(wanted.begin(), wanted.end(), [](const auto& l) { return l.first == "phase"; });
    return labels_match(labels, wanted) && (any_phase || !labels_match(labels, kWarmup));
  }
  void add(const Slot& one) { add_to(now_, one); }

  /// `seconds`: how many the slot stands for, more than one after the loop was held up. True: it has failed and ends
  /// the run.
  bool close(Duration at, std::uint64_t seconds, const LoadTime& load) {
    const Duration before = last_.elapsed, judged = load.judged - last_.judged, on = load.on - last_.on;
    last_ = load;
    Slot slot = std::exchange(now_, {});
    if (before + kSecond / 20 < threshold_.after) return false;
    on_ += on;
    judged_ += judged;
    add_to_whole(slot);
    slot.whole = seconds > 0 && to_seconds(judged) >= kWhole * static_cast<double>(seconds);
    if (length_ == 0) return threshold_.abort && seconds > 0 && fails_so_far();
    bool failed = false;
    for (std::uint64_t i = 1; i < std::min<std::uint64_t>(seconds, length_); ++i) {
      Slot empty;
      empty.whole = slot.whole;
      failed |= slide(std::move(empty), at);
    }
    if (seconds > 0) failed |= slide(std::move(slot), at);
    return failed && threshold_.abort;
  }

  ThresholdResult result() {
    ThresholdResult out = blank_result(threshold_);
    out.windows = windows_;
    out.windows_failed = failed_;
    if (windows_ > 0) {
      out.observed = worst_;
      out.worst_at = to_seconds(worst_end_ - threshold_.over);
      out.ok = failed_ == 0;
    } else {
      out.observed = whole_.observe(threshold_.expression, whole_extremes_, judged_);
      out.ok = out.observed && holds(threshold_.expression, *out.observed);
    }
    explain(out, threshold_.expression, &spec_);
    if (const std::string why = why_not_judged(); !why.empty()) {
      out.ok = false;
      out.observed.reset();
      out.why = "not judged: " + why;
    }
    return out;
  }

 private:
  /// The load was long enough for a window, and was never on for as long as one; or all of it was left out.
  std::string why_not_judged() const {
    if (length_ > 0 && windows_ == 0 && counts_load(threshold_.expression, spec_.type) &&
        on_ >= threshold_.over + kSecond) {
      return fmt::format("a pause, or pages that were missing, left no window of {} whole",
                         format_duration(threshold_.over));
    }
    if (threshold_.after > Duration{0} && on_ <= Duration{0} && whole_.empty()) {
      return "the load was over after " + format_duration(threshold_.after);
    }
    return "";
  }

  void add_to_whole(const Slot& slot) {
    whole_.add(slot);
    if (slot.extremes) whole_extremes_.add_extremes(slot.min, slot.max);
  }

  /// A lower bound of a count is reached in the course of the run, not at its beginning.
  bool fails_so_far() {
    const ThresholdExpression& e = threshold_.expression;
    const bool rises = e.stat == Stat::count && e.compare != Compare::less && e.compare != Compare::less_equal;
    if (rises || judged_ < kSecond * kWhole) return false;
    const auto observed = whole_.observe(e, whole_extremes_, judged_);
    return observed && !holds(e, *observed);
  }

  bool slide(Slot slot, Duration at) {
    window_.add(slot);
    slots_.push_back(std::move(slot));
    if (slots_.size() > length_) {
      window_.remove(slots_.front());
      slots_.pop_front();
    }
    return slots_.size() == length_ && judge_window(at);
  }

  bool judge_window(Duration at) {
    Slot extremes;
    bool whole = true;
    for (const Slot& slot : slots_) {
      whole &= slot.whole;
      if (slot.extremes) extremes.add_extremes(slot.min, slot.max);
    }
    if (!whole && counts_load(threshold_.expression, spec_.type)) return false;
    const auto observed = window_.observe(threshold_.expression, extremes, threshold_.over);
    if (!observed) return false;
    const bool ok = holds(threshold_.expression, *observed);
    ++windows_;
    failed_ += ok ? 0 : 1;
    if (windows_ == 1 || badness(threshold_.expression, *observed) > badness(threshold_.expression, worst_)) {
      worst_ = *observed;
      worst_end_ = at;
    }
    return !ok;
  }

  const Threshold& threshold_;
  const MetricSpec& spec_;
  const std::size_t length_;  // of a window, in slots; 0: no windows
  LoadTime last_;
  Duration on_{0}, judged_{0};
  Slot now_;
  Sum whole_;
  Slot whole_extremes_;

  std::deque<Slot> slots_;
  Sum window_;
  std::uint64_t windows_ = 0, failed_ = 0;
  double worst_ = 0;
  Duration worst_end_{0};
};

}  // namespace

struct ThresholdWatch::Impl {
  Metrics::Impl& metrics;
  std::map<MetricId, std::vector<std::unique_ptr<Watched>>> by_metric;
  std::map<SeriesId, Seen> seen;
  std::uint64_t closed = 0;  // whole seconds
  bool aborted = false;

  void collect();
  void hand_out(SeriesId id, std::vector<std::unique_ptr<Watched>>& watched);
};

void ThresholdWatch::Impl::hand_out(SeriesId id, std::vector<std::unique_ptr<Watched>>& watched) {
  const MetricCell& cell = metrics.cells[id];
  Seen& before = seen[id];
  const bool moved = cell.count != before.count;
  if (!moved && !(cell.type == MetricType::gauge && cell.set_before)) return;
  const Slot slot = take(cell, before);
  for (const auto& one : watched) {
    if (one->wants(metrics.labels[id])) one->add(slot);
  }
}

void ThresholdWatch::Impl::collect() {
  for (auto& [metric, watched] : by_metric) {
    for (const auto& [labels, id] : metrics.metrics[metric]->series) hand_out(id, watched);
  }
}

ThresholdWatch::ThresholdWatch(Metrics& metrics, std::span<const Threshold> thresholds)
    : impl_(new Impl{*metrics.impl_, {}, {}}) {
  for (const Threshold& threshold : thresholds) {
    const auto metric = metrics.find(threshold.metric);
    const bool needed = threshold.over > Duration{0} || threshold.after > Duration{0} || threshold.abort;
    if (!metric || !needed || !check_threshold(threshold, metrics.spec(*metric))) continue;
    impl_->by_metric[*metric].push_back(std::make_unique<Watched>(threshold, metrics.spec(*metric)));
  }
}

ThresholdWatch::~ThresholdWatch() = default;

const Threshold* ThresholdWatch::tick(Duration elapsed, const LoadOf& load_of) {
  if (impl_->by_metric.empty()) return nullptr;
  impl_->collect();
  const auto whole = static_cast<std::uint64_t>(std::max<std::int64_t>(0, elapsed / kSecond));
  const std::uint64_t seconds = whole - std::min(whole, impl_->closed);
  impl_->closed = std::max(whole, impl_->closed);
  const Threshold* ends = nullptr;
  for (auto& [metric, all] : impl_->by_metric) {
    for (const auto& one : all) {
      const bool failed = one->close(kSecond * static_cast<std::int64_t>(whole), seconds, load_of(one->threshold()));
      if (failed && !ends) ends = &one->threshold();
    }
  }
  return ends && !std::exchange(impl_->aborted, true) ? ends : nullptr;
}

bool ThresholdWatch::idle() const { return impl_->by_metric.empty(); }

std::optional<ThresholdResult> ThresholdWatch::result(const Threshold& threshold) const {
  for (const auto& [metric, all] : impl_->by_metric) {
    for (const auto& one : all) {
      if (&one->threshold() == &threshold) return one->result();
    }
  }
  return std::nullopt;
}

}  // namespace lgen
