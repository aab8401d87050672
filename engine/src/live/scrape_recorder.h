// What the pages of a target say becomes metrics of the run: gauges as they are, counters by how much they have risen.
// Thread: the loop's. Lifetime: Metrics outlives it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lgen/error.h"
#include "lgen/metrics.h"
#include "lgen/scrape.h"

namespace lgen {

class ScrapeRecorder {
 public:
  /// `patterns` as in ScrapeOptions.
  ScrapeRecorder(Metrics& metrics, std::string target, std::vector<std::string> patterns);

  /// `up`, `scrape_duration_seconds` and every pattern that is a name.
  Outcome define();
  /// Processes that have started later count from 0.
  void begin(double unix_now) { began_unix_ = unix_now; }
  void record(const ScrapeSample& sample);
  /// By its name alone.
  bool records(std::string_view metric) const;
  /// The names whose series are not all there, because the target has too many; in the order they were found.
  const std::vector<std::string>& cut() const { return cut_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <class T>
  using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

  /// One series of one pod.
  struct Line {
    SeriesId series = 0;
    bool counts = false;
    double last = 0;          // counts: as the page had it
    std::uint64_t round = 0;  // when it was seen
  };
  struct Pod {
    SeriesId up = 0, took = 0;
    bool known = false;  // a page of it has been read before
    std::uint64_t round = 0;
    ByText<Line> lines;  // by name and labels of the page: those that are recorded
  };
  /// What becomes of the series of one name.
  struct Name {
    std::optional<MetricId> metric;  // nothing: left out
    bool cut = false;
  };

  Outcome define_name(const std::string& name);
  bool wants(const PageSample& sample) const;
  Pod& pod_of(const PodPage& page);
  /// # TYPE alone is a word about a metric, too: it is there and has no series yet.
  void read_types(const MetricsPage& page);
  void record_page(Pod& pod, const PodPage& page);
  /// Null: there are too many.
  Line* make_line(Pod& pod, const PodPage& page, const PageSample& sample, bool from_zero);
  Name& name_of(const PodPage& page, const PageSample& sample);
  std::optional<MetricId> metric_of(const PodPage& page, const PageSample& sample);
  void update(Line& line, double value);
  /// Gauges that this round has not seen have no value any more.
  void end_gauges(Pod& pod);
  void leave_out(std::string_view name, std::string_view why) const;

  Metrics& metrics_;
  std::string target_;
  std::vector<std::string> patterns_;
  double began_unix_ = 0;
  MetricId up_ = 0, took_ = 0;
  std::uint64_t round_ = 0;
  std::map<std::string, Pod> pods_;
  ByText<Name> by_name_;
  std::size_t lines_ = 0;
  std::vector<std::string> cut_;
  std::string key_;  // scratch
};

}  // namespace lgen
