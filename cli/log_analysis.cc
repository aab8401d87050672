// From lines to rows. The logs name client and channel but no connection, so a row (one connection's life) starts when
// a client and channel opens a stream while none of its streams is open on any pod. For that, the lines of all pods are
// first merged by time. The servers' clocks need to agree to less than the pause between loss and reconnect (1 s or
// more for the original clients).
//
// Streams of one client, channel and pod cannot be told apart: an end is taken to be that of the oldest one. The mean
// lifetime does not depend on it, and streams cut with their connection end in that order anyway.

#include "log_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>

namespace lgen {
namespace {

constexpr std::size_t kMaxExamples = 3;
constexpr std::int64_t kMaxClockStepMs = 2000;
constexpr std::size_t kMaxErrors = 20;     // different texts
constexpr std::int64_t kMaxPoints = 600;   // of a series over time
constexpr double kJitter = 0.10;           // gRPC core's, of the connection age
constexpr double kSlackShare = 0.01;       // of the window's ends: timers, the way to the log
constexpr std::uint64_t kLeastForLaw = 8;  // connections, to say something about their law
constexpr double kKolmogorov99 = 1.63;     // distance limit times √n

using Event = LogAnalysis::Event;

struct OpenStream {
  std::int64_t since_ms;
  std::size_t row;
};

/// A finished stream's life and where it was lived.
struct Life {
  double seconds;
  std::uint32_t pod;
  std::size_t row;  // kNoRow: whose is not known
  double age_s, grace_s;
};
constexpr std::size_t kNoRow = ~std::size_t{0};

/// Plays the events in order and keeps the books.
class Replay {
 public:
  Replay(const std::vector<std::string>& pod_names, const std::vector<std::string>& peers)
      : peers_(peers), rows_("streams by connection", "connection", "pod") {
    for (const std::string& name : pod_names) pods.emplace_back().name = name;
    open_by_peer_.resize(peers.size());
    rows_of_peer_.resize(peers.size());
    current_row_.resize(peers.size());
  }

  void play(const Event& event) {
    PodLog& pod = pods[event.pod];
    switch (event.kind) {
      case LogLineKind::server_started:
        started(event, pod);
        break;
      case LogLineKind::opened:
        opened(event, pod);
        break;
      case LogLineKind::no_messages:
        ++pod.no_messages;
        ++nameless_[event.pod];
        break;
      case LogLineKind::closed:
        ++pod.closed;
        pod.messages += event.messages;
        break;
      case LogLineKind::cancelled:
        ++pod.cancelled;
        pod.messages += event.messages;
        break;
      case LogLineKind::failed:
        ++pod.failed;
        break;
      case LogLineKind::finished:
        finished(event, pod);
        break;
      case LogLineKind::foreign:
      case LogLineKind::other_known:
        break;
    }
    if (event.active >= 0) pod.active = event.active;
    pod.peak_active = std::max(pod.peak_active, pod.active);
  }

  void count_unclosed() {
    for (const auto& [where, streams] : open_) pods[where.first].unclosed += streams.size();
  }

  DistributionTable table() const { return rows_.table(); }

  std::vector<PodLog> pods;
  std::vector<Life> lives;
  std::uint64_t without_client = 0;

 private:
  using Place = std::pair<std::uint32_t, std::uint32_t>;  // pod, peer

  void started(const Event& event, PodLog& pod) {
    if (pod.age_s || pod.opened > 0) ++pod.restarts;
    if (event.age_s > 0) {
      pod.age_s = event.age_s;
      pod.grace_s = event.grace_s;
    }
    pod.active = 0;
    nameless_[event.pod] = 0;
    for (auto& [where, streams] : open_) {
      if (where.first != event.pod) continue;
      pod.lost_at_restart += streams.size();
      if (where.second != LogAnalysis::kNobody) open_by_peer_[where.second] -= streams.size();
      streams.clear();
    }
  }

  void opened(const Event& event, PodLog& pod) {
    ++pod.opened;
    std::size_t row = kNoRow;
    if (event.peer == LogAnalysis::kNobody) {
      ++without_client;
    } else {
      row = row_for(event.peer);
      rows_.add(row_names_[row], pod.name);
      ++open_by_peer_[event.peer];
    }
    open_[{event.pod, event.peer}].push_back({event.at_ms, row});
  }

  std::size_t row_for(std::uint32_t peer) {
    if (open_by_peer_[peer] == 0) {
      current_row_[peer] = row_names_.size();
      row_names_.push_back(fmt::format("{}#{}", peers_[peer], ++rows_of_peer_[peer]));
    }
    return current_row_[peer];
  }

  void finished(const Event& event, PodLog& pod) {
    const auto at = open_.find({event.pod, event.peer});
    if (at == open_.end() || at->second.empty()) {
      // The asyncio original also logs the end of a stream without messages; else the log begins in mid-life.
      if (nameless_[event.pod] > 0) {
        --nameless_[event.pod];
      } else {
        ++pod.started_before;
      }
      return;
    }
    const OpenStream stream = at->second.front();
    at->second.pop_front();
    ++pod.finished;
    if (event.peer != LogAnalysis::kNobody) --open_by_peer_[event.peer];
    lives.push_back({static_cast<double>(event.at_ms - stream.since_ms) / 1000, event.pod, stream.row,
                     pod.age_s.value_or(0), pod.grace_s.value_or(0)});
  }

  const std::vector<std::string>& peers_;
  Distribution rows_;
  std::vector<std::string> row_names_;
  std::vector<std::size_t> open_by_peer_, rows_of_peer_, current_row_;
  std::map<Place, std::deque<OpenStream>> open_;
  std::map<std::uint32_t, std::uint64_t> nameless_;  // ends still expected of streams without messages
};

struct Window {
  double low, high;
};
Window window_of(const Life& life) {
  return {(1 - kJitter) * life.age_s + life.grace_s, (1 + kJitter) * life.age_s + life.grace_s};
}

/// Greatest distance between sorted values in 0..1 and the uniform law.
double distance_from_uniform(const std::vector<double>& sorted) {
  const auto n = static_cast<double>(sorted.size());
  double distance = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double below = static_cast<double>(i) / n, with = static_cast<double>(i + 1) / n;
    distance = std::max({distance, sorted[i] - below, with - sorted[i]});
  }
  return distance;
}

/// The longest life of each connection on each pod that lies within the window, as a place in it, 0..1, sorted.
std::vector<double> places_in_window(const std::vector<Life>& lives) {
  std::map<std::pair<std::size_t, std::uint32_t>, double> longest;
  for (const Life& life : lives) {
    const Window window = window_of(life);
    const double slack = kSlackShare * window.high;
    if (life.age_s <= 0 || life.row == kNoRow) continue;
    if (life.seconds < window.low - slack || life.seconds > window.high + slack) continue;
    const double place = std::clamp((life.seconds - window.low) / (window.high - window.low), 0.0, 1.0);
    double& best = longest.try_emplace({life.row, life.pod}, place).first->second;
    best = std::max(best, place);
  }
  std::vector<double> places;
  for (const auto& [where, place] : longest) places.push_back(place);
  std::sort(places.begin(), places.end());
  return places;
}

void place_in_window(const Life& life, Lifetimes& out) {
  if (life.age_s <= 0) return;
  const Window window = window_of(life);
  const double slack = kSlackShare * window.high;
  out.low_s = out.judged == 0 ? window.low : std::min(out.low_s, window.low);
  out.high_s = std::max(out.high_s, window.high);
  ++out.judged;
  ++(life.seconds < window.low - slack ? out.shorter : life.seconds > window.high + slack ? out.longer : out.within);
}

Lifetimes describe(const std::vector<Life>& lives) {
  Lifetimes out;
  if (lives.empty()) return out;
  std::vector<double> seconds;
  for (const Life& life : lives) {
    seconds.push_back(life.seconds);
    place_in_window(life, out);
  }
  std::sort(seconds.begin(), seconds.end());
  const auto nearest_rank = [&](double p) {
    return seconds[static_cast<std::size_t>(std::ceil(p * static_cast<double>(seconds.size()))) - 1];
  };
  out.count = seconds.size();
  out.min = seconds.front();
  out.max = seconds.back();
  out.avg = std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(seconds.size());
  out.med = nearest_rank(0.5);
  out.p90 = nearest_rank(0.9);
  const std::vector<double> places = places_in_window(lives);
  out.connections = places.size();
  if (places.size() >= kLeastForLaw) {
    out.distance = distance_from_uniform(places);
    out.distance_limit = kKolmogorov99 / std::sqrt(static_cast<double>(places.size()));
  }
  return out;
}

/// Collects the highest value of each interval; a value stands until the next one.
class Tracer {
 public:
  Tracer(std::string pod, std::int64_t from, std::int64_t step, std::size_t points) : from_(from), step_(step) {
    series.pod = std::move(pod);
    series.points.assign(points, 0);
  }
  void set(std::int64_t at, double value) {
    const auto point = static_cast<std::size_t>((at - from_) / step_);
    fill(point);
    series.points[point] = std::max(series.points[point], value);
    series.last = value;
    series.peak = std::max(series.peak, value);
  }
  void finish() { fill(series.points.size() - 1); }
  ActiveSeries series;

 private:
  void fill(std::size_t until) {
    while (next_ <= until) series.points[next_++] = series.last;
  }
  std::int64_t from_, step_;
  std::size_t next_ = 0;
};

/// Values a pod reports count; a server that starts anew holds no stream.
std::vector<ActiveSeries> trace_active(const std::vector<const Event*>& events, const std::vector<std::string>& pods,
                                       const LogReport& report) {
  const auto points = static_cast<std::size_t>((report.to_ms - report.from_ms) / report.step_ms) + 1;
  std::vector<Tracer> tracers;
  tracers.emplace_back("", report.from_ms, report.step_ms, points);
  for (const std::string& pod : pods) tracers.emplace_back(pod, report.from_ms, report.step_ms, points);
  double sum = 0;
  for (const Event* event : events) {
    if (event->active < 0 && event->kind != LogLineKind::server_started) continue;
    Tracer& pod = tracers[event->pod + 1];
    const double value = std::max(event->active, 0.0);
    sum += value - pod.series.last;
    pod.set(event->at_ms, value);
    tracers[0].set(event->at_ms, sum);
  }
  std::vector<ActiveSeries> series;
  for (Tracer& tracer : tracers) {
    tracer.finish();
    series.push_back(std::move(tracer.series));
  }
  return series;
}

DistributionResult judge_rows(DistributionTable table) {
  DistributionResult result;
  result.table = std::move(table);
  result.verdict = judge_distribution(result.table);
  result.jain = jain_index(result.table);
  result.max_over_mean = max_over_mean(result.table);
  return result;
}

std::vector<std::pair<std::string, std::uint64_t>> most_frequent(
    const std::map<std::string, std::uint64_t, std::less<>>& counts) {
  std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

}  // namespace

std::uint32_t LogAnalysis::pod_index(std::string_view name) {
  const auto found = pod_index_.find(name);
  if (found != pod_index_.end()) return found->second;
  const auto index = static_cast<std::uint32_t>(pods_.size());
  pods_.emplace_back(name);
  newest_.push_back(0);
  pod_index_.emplace(name, index);
  return index;
}

std::uint32_t LogAnalysis::peer_index(const LogLine& line) {
  if (!line.has_client) return kNobody;
  const std::string name =
      fmt::format("{}[{}]", line.client.empty() ? std::string_view("(no client)") : line.client, line.channel);
  const auto [at, fresh] = peer_index_.emplace(name, static_cast<std::uint32_t>(peers_.size()));
  if (fresh) peers_.push_back(name);
  return at->second;
}

std::int64_t LogAnalysis::in_order(std::uint32_t pod, std::int64_t at_ms) {
  const std::int64_t back = newest_[pod] - at_ms;
  if (back <= 0 || back > kMaxClockStepMs) newest_[pod] = at_ms;
  return newest_[pod];
}

void LogAnalysis::feed(std::string_view pod, std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  ++lines_;
  const LogLine line = parse_log_line(text);
  if (line.kind == LogLineKind::foreign) {
    ++foreign_;
    if (foreign_examples_.size() < kMaxExamples) foreign_examples_.emplace_back(text.substr(0, 200));
    return;
  }
  const std::uint32_t index = pod_index(line.pod.empty() ? pod : line.pod);
  const std::int64_t at_ms = in_order(index, line.at_ms);
  if (line.kind == LogLineKind::failed) {
    const bool room = errors_.size() < kMaxErrors || errors_.contains(line.detail);
    ++errors_[room ? std::string(line.detail) : std::string("(other errors)")];
  }
  events_.push_back(
      {at_ms, index, peer_index(line), line.kind, line.active.value_or(-1), line.messages, line.age_s, line.grace_s});
}

LogReport LogAnalysis::result() const {
  LogReport report;
  report.lines = lines_;
  report.foreign = foreign_;
  report.foreign_examples = foreign_examples_;
  report.errors = most_frequent(errors_);

  std::vector<const Event*> events;
  for (const Event& event : events_) events.push_back(&event);
  std::stable_sort(events.begin(), events.end(), [](const Event* a, const Event* b) { return a->at_ms < b->at_ms; });

  Replay replay(pods_, peers_);
  for (const Event* event : events) replay.play(*event);
  replay.count_unclosed();
  report.pods = replay.pods;
  report.without_client = replay.without_client;
  report.distribution = judge_rows(replay.table());
  report.lifetimes = describe(replay.lives);
  if (events.empty()) return report;

  report.from_ms = events.front()->at_ms;
  report.to_ms = events.back()->at_ms;
  report.step_ms = std::max<std::int64_t>(1000, (report.to_ms - report.from_ms) / kMaxPoints + 1);
  report.active = trace_active(events, pods_, report);
  return report;
}

}  // namespace lgen
