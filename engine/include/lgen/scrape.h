// The system under test, watched through its metrics pages: a target is all pods behind one name, fetched together in
// rounds, again and again in the background and whenever somebody asks; what its pages say becomes metrics of the run.
// Thread: the loop's. Lifetime: loop and metrics outlive the target.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/exposition.h"
#include "lgen/http.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/op.h"
#include "lgen/time.h"
#include "lgen/tls.h"

namespace lgen {

/// One pod in one round.
struct PodPage {
  std::string pod;                          // label `pod` of the service discovery, else HOST:PORT
  Labels labels;                            // what else the service discovery says, e.g. its zone
  std::shared_ptr<const MetricsPage> page;  // null: the pod is down
  std::optional<Error> error;               // why; names the address
  Duration took{0};
};

/// All pods in one round.
struct ScrapeSample {
  TimePoint at;  // when the last of them had answered
  std::vector<PodPage> pods;
  std::string trouble;  // why the list of pods is an old one, or empty; "" all is well

  std::size_t up() const;
  std::size_t down() const { return pods.size() - up(); }
  /// Nothing while a pod is up; else what is wrong, in one line.
  std::optional<Error> error() const;
};
using SamplePtr = std::shared_ptr<const ScrapeSample>;

/// One series of one pod.
struct PodSeries {
  const PodPage& pod;
  const PageSample& sample;

  /// The sample's labels and the pod's. A label of the page with the name of one of ours is exported_NAME.
  Labels labels() const;
};

/// Every series of that very name that carries the wanted labels, `pod` among them. NaN is no value: left out.
std::vector<PodSeries> find_series(const ScrapeSample& sample, std::string_view metric, const Labels& wanted);

enum class Aggregate { sum, max, min, avg, any, all };
inline constexpr std::string_view kAggregates[] = {"sum", "max", "min", "avg", "any", "all"};
enum class Comparison { less, less_equal, greater, greater_equal, equal, not_equal };
inline constexpr std::string_view kComparisons[] = {"<", "<=", ">", ">=", "==", "~="};
/// "~=" is Lua's, "!=" is everybody else's.
std::optional<Comparison> parse_comparison(std::string_view text);
std::optional<Aggregate> parse_aggregate(std::string_view text);

/// Of sum, max, min, avg; nothing without a series.
std::optional<double> combine(std::span<const PodSeries> series, Aggregate how);

/// What t:wait_for waits for.
struct ScrapeCondition {
  std::string metric;
  Labels labels;
  Aggregate aggregate = Aggregate::sum;
  Comparison comparison = Comparison::equal;
  double bound = 0;

  /// "sum(x{zone=\"a\"}) >= 3".
  std::string text() const;
};

struct ConditionState {
  bool holds = false;
  std::optional<double> value;  // of any: one that fits, else the nearest to it; of all: the one farthest from fitting
};
/// Never holds without a series, and `all` not while a pod is down: it might be the one.
ConditionState judge(const ScrapeCondition& condition, const ScrapeSample& sample);

/// So many series of a target's pages become metrics of the run; the rest is left out, and told.
inline constexpr std::size_t kMostScrapedSeries = 5'000;

struct ScrapeOptions {
  Duration interval = std::chrono::seconds(1);  // of the background rounds; one that is still running is waited for
  Duration timeout = std::chrono::seconds(5);   // of one page, and of one look at the service discovery
  /// What of the pages becomes metrics of the run: names, or patterns with `*`. Empty: everything but the buckets of
  /// histograms and the quantiles of summaries.
  std::vector<std::string> metrics;
  HttpHeaders headers;
  TlsOptions tls;                      // of https://
  std::uint64_t max_page = 16u << 20;  // bytes
};

/// What became of one pod's page in all rounds so far.
struct PodBook {
  std::uint64_t asked = 0, read = 0;
  std::string first_failure;  // "" without any
};

using ScrapeDone = std::function<void(SamplePtr)>;

class ScrapeTarget {
 public:
  /// `where`, each: a URL (/metrics when it has no path), HOST:PORT, dns:///NAME:PORT[/PATH] (every address is a pod),
  /// sd+http(s)://… (Prometheus' HTTP service discovery). Defines the metrics that `options.metrics` names, besides
  /// `up` and `scrape_duration_seconds`: counters where the name says so (_total, _count, _sum, _bucket), else gauges,
  /// until the first page tells better.
  static Result<std::unique_ptr<ScrapeTarget>> make(Loop& loop, Metrics& metrics, const std::string& name,
                                                    std::span<const std::string> where, const ScrapeOptions& options);
  ~ScrapeTarget();
  ScrapeTarget(const ScrapeTarget&) = delete;
  ScrapeTarget& operator=(const ScrapeTarget&) = delete;

  const std::string& name() const;
  const ScrapeOptions& options() const;

  /// Background rounds, the first at once. Counters count from the first page of a pod, or from 0 when the page says
  /// (process_start_time_seconds) that the process has started since.
  void start();
  void stop();

  /// The result of a round that begins now, or, while one is running, right after it.
  Op fresh(ScrapeDone done);
  /// The result of the next round that ends.
  Op next(ScrapeDone done);
  /// The last round's; null before.
  SamplePtr latest() const;

  /// By the pod's name.
  const std::map<std::string, PodBook>& books() const;
  /// Why the list of pods was an old or an empty one, the first time; "" never.
  const std::string& first_trouble() const;
  /// Whether a page's series of that name become a metric of the run.
  bool records(std::string_view metric) const;
  /// The names of which some series are left out: there were kMostScrapedSeries already.
  const std::vector<std::string>& cut() const;

 private:
  struct Impl;
  explicit ScrapeTarget(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace lgen
