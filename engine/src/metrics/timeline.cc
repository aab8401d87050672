// Every series keeps only the points in which it was touched, so a tick visits what changed and nothing else; gaps are
// filled when the data is asked for (a gauge keeps its value, anything else counts 0).
//
// Memory is bounded twice: by points a series (3,600), and by points and buckets of all series together. When either
// is passed, neighbours merge and the interval doubles, for all series alike, so that they stay comparable. Buckets are
// most of it, some thousands a second at full speed, so they are kept packed, here and in the report's data.
#include "lgen/timeline.h"

#include <algorithm>

#include "metrics_impl.h"

namespace lgen {

namespace {

constexpr std::uint64_t kMaxPoints = 3'600;
constexpr std::size_t kDetailedSeries = 50;
constexpr std::size_t kOwnDetailedSeries = 20;  // of these, at most
constexpr std::size_t kMaxTotal = 2'000'000;    // points and buckets, of all series together

/// The line of one series; `buckets` is empty, or parallel to `points`.
struct Line {
  struct Point {
    std::uint64_t index = 0;
    std::uint64_t count = 0;
    double sum = 0, min = 0, max = 0;
    double last = 0;       // gauge: value at the end
    bool has_last = true;  // gauge: it has one
  };
  std::vector<Point> points;
  std::vector<PackedBuckets> buckets;
};

void merge_point(Line::Point& into, const Line::Point& from) {
  into.min = std::min(into.min, from.min);
  into.max = std::max(into.max, from.max);
  into.count += from.count;
  into.sum += from.sum;
  into.last = from.last;
  into.has_last = from.has_last;
}

/// Appends a point, or adds it to the last one when both have the same index.
void append(Line& line, const Line::Point& point, PackedBuckets buckets, bool detailed) {
  if (!line.points.empty() && line.points.back().index == point.index) {
    merge_point(line.points.back(), point);
    if (detailed && !line.buckets.empty()) line.buckets.back() = merge(line.buckets.back(), buckets);
    return;
  }
  line.points.push_back(point);
  if (detailed) {
    line.buckets.resize(line.points.size() - 1);
    line.buckets.push_back(std::move(buckets));
  }
}

/// Halves every index; neighbours that now share one become one.
void halve(Line& line) {
  Line out;
  out.points.reserve(line.points.size() / 2 + 1);
  const bool detailed = !line.buckets.empty();
  for (std::size_t i = 0; i < line.points.size(); ++i) {
    Line::Point point = line.points[i];
    point.index /= 2;
    append(out, point, detailed ? std::move(line.buckets[i]) : PackedBuckets{}, detailed);
  }
  line = std::move(out);
}

PackedBuckets buckets_of(const MetricCell& cell) {
  std::vector<PackedBuckets::Bucket> out;
  if (!cell.detail) return {};
  cell.detail->each([&](std::int64_t low, std::int64_t, std::uint64_t count) { out.emplace_back(low, count); });
  return PackedBuckets(out);
}

/// What the cell has collected since the last tick, in the metric's unit.
Line::Point window_point(const MetricCell& cell, std::uint64_t index) {
  const SampleWindow& window = cell.window;
  const double unit = cell.ticks_per_unit;
  return {index, window.count, window.sum / unit, window.min / unit, window.max / unit, cell.value, cell.set_before};
}

std::vector<TimelinePoint> fill_gaps(Line line, bool gauge, std::uint64_t length) {
  std::vector<TimelinePoint> out(length);
  for (std::size_t i = 0; i < line.points.size(); ++i) {
    const Line::Point& point = line.points[i];
    TimelinePoint& to = out[point.index];
    to = {point.count, point.sum, point.min, point.max, {}};
    if (i < line.buckets.size()) to.buckets = std::move(line.buckets[i]);
    const std::uint64_t next = i + 1 < line.points.size() ? line.points[i + 1].index : length;
    for (std::uint64_t j = point.index + 1; gauge && point.has_last && j < next; ++j)
      out[j] = {1, point.last, point.last, point.last, {}};
  }
  return out;
}

}  // namespace

struct Timeline::Impl {
  Metrics::Impl& metrics;
  std::vector<Line> lines;       // by series id
  std::uint64_t used_lines = 0;  // of these, with points
  std::size_t buckets = 0;       // stored in all lines
  std::uint64_t closed = 0;      // whole seconds taken over
  Duration until{0};             // the last tick
  std::uint64_t width = 1;       // seconds a point

  std::uint64_t intervals() const { return (closed + width - 1) / width; }
  void take(std::uint64_t index);
  void widen();
  TimelineSeries series(SeriesId id, std::uint64_t length) const;
};

void Timeline::Impl::take(std::uint64_t index) {
  lines.resize(metrics.cells.size());
  for (const SeriesId id : metrics.touched) {
    MetricCell& cell = metrics.cells[id];
    PackedBuckets fresh = buckets_of(cell);
    buckets += fresh.size();
    used_lines += lines[id].points.empty() ? 1 : 0;
    append(lines[id], window_point(cell, index), std::move(fresh), cell.detail != nullptr);
    if (cell.detail) cell.detail->reset();
    cell.window = {};
    cell.touched = false;
  }
  metrics.touched.clear();
}

void Timeline::Impl::widen() {
  width *= 2;
  buckets = 0;
  for (Line& line : lines) {
    halve(line);
    for (const PackedBuckets& of_point : line.buckets) buckets += of_point.size();
  }
}

TimelineSeries Timeline::Impl::series(SeriesId id, std::uint64_t length) const {
  const MetricCell& cell = metrics.cells[id];
  Line line = id < lines.size() ? lines[id] : Line{};
  if (cell.touched) append(line, window_point(cell, closed / width), buckets_of(cell), cell.detail != nullptr);
  const MetricSpec& spec = metrics.metrics[cell.metric]->spec;
  return {spec.name, metrics.labels[id], fill_gaps(std::move(line), cell.type == MetricType::gauge, length)};
}

Timeline::Timeline(Metrics& metrics) : impl_(new Impl{*metrics.impl_, {}}) {
  impl_->metrics.details_left = kDetailedSeries;
  impl_->metrics.own_details_left = kOwnDetailedSeries;
}

Timeline::~Timeline() = default;

void Timeline::tick(Duration elapsed) {
  impl_->until = std::max(impl_->until, elapsed);
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, elapsed / std::chrono::seconds(1)));
  if (seconds <= impl_->closed) return;
  // After a pause of several seconds the samples belong to its end: that is when the loop came round again.
  impl_->closed = seconds;
  impl_->take((seconds - 1) / impl_->width);
  while (impl_->intervals() > kMaxPoints ||
         (impl_->intervals() > 1 && impl_->used_lines * impl_->intervals() + impl_->buckets > kMaxTotal)) {
    impl_->widen();
  }
}

TimelineData Timeline::data() const {
  const Impl& self = *impl_;
  TimelineData out;
  out.interval = std::chrono::seconds(self.width);
  out.length = self.until;
  // The second that is still open counts too, so that a line adds up to the metric's total.
  const std::uint64_t length =
      std::max(self.intervals(), self.metrics.touched.empty() ? 0 : self.closed / self.width + 1);
  for (SeriesId id = 0; id < self.metrics.cells.size(); ++id) {
    const bool used = self.metrics.cells[id].touched || (id < self.lines.size() && !self.lines[id].points.empty());
    if (used) out.series.push_back(self.series(id, length));
  }
  return out;
}

}  // namespace lgen
