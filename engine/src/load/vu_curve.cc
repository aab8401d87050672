// Whole numbers only: from a to b VUs within d, change k (k = 1, 2, ... |b - a|) comes when the line passes k - 1/2,
//   at t = d (2k - 1) / 2|b - a|, rounded up,
// so the count never strays further than half a VU from the line, upwards and downwards alike.
#include "vu_curve.h"

#include <algorithm>

namespace lgen {
namespace {

__extension__ using Wide = unsigned __int128;

struct Line {
  Duration begin{0}, length{0};
  std::uint64_t from = 0, to = 0;

  Wide steps() const { return from < to ? to - from : from - to; }
  /// Changes made by `t` into the line.
  std::uint64_t made(Duration t) const {
    const auto d = static_cast<Wide>(length.count());
    return static_cast<std::uint64_t>((2 * steps() * static_cast<Wide>(t.count()) + d) / (2 * d));
  }
  /// When change `k` comes.
  Duration when(Wide k) const {
    const Wide twice = 2 * steps();
    return begin +
           Duration(static_cast<std::int64_t>((static_cast<Wide>(length.count()) * (2 * k - 1) + twice - 1) / twice));
  }
};

std::optional<Line> line_at(std::uint64_t start, std::span<const Stage> stages, Duration offset) {
  Line line{.from = start, .to = start};
  for (const Stage& stage : stages) {
    line = {line.begin + line.length, stage.duration, line.to, static_cast<std::uint64_t>(stage.target)};
    if (offset < line.begin + line.length) return line;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> vus_on_curve(std::uint64_t start, std::span<const Stage> stages, Duration offset) {
  const auto line = line_at(start, stages, offset);
  if (!line) return std::nullopt;
  const std::uint64_t made = line->made(offset - line->begin);
  return line->from < line->to ? line->from + made : line->from - made;
}

std::optional<Duration> next_change_on_curve(std::uint64_t start, std::span<const Stage> stages, Duration offset) {
  const auto line = line_at(start, stages, offset);
  if (!line) return std::nullopt;
  const std::uint64_t made = line->made(offset - line->begin);
  return made < line->steps() ? line->when(Wide{made} + 1) : line->begin + line->length;
}

Duration stages_end(std::span<const Stage> stages) {
  Duration end{0};
  for (const Stage& stage : stages) end += stage.duration;
  return end;
}

std::uint64_t peak_of_curve(std::uint64_t start, std::span<const Stage> stages) {
  const bool jumps = !stages.empty() && stages.front().duration == Duration{0};
  double peak = jumps ? 0 : static_cast<double>(start);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const bool passed_over =
        stages[i].duration == Duration{0} && i + 1 < stages.size() && stages[i + 1].duration == Duration{0};
    if (!passed_over) peak = std::max(peak, stages[i].target);
  }
  return static_cast<std::uint64_t>(peak);
}

}  // namespace lgen
