// Samples become metrics here. A call site resolves its series on first use and keeps them per (code, backend); nothing
// is allocated and no label is hashed once a code and a backend have been seen.
#include "lgen/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "first_calls.h"
#include "outlets.h"
#include "site_key.h"

namespace lgen {

namespace {

constexpr std::string_view kOk = "OK", kCancelled = "CANCELLED", kUnknown = "unknown";

/// The series of one (code, backend) at one call site.
struct Outlet {
  std::string code, backend;
  TimePoint earliest;  // start of the earliest call seen on the backend, as far as this outlet knows
  SeriesId calls = kUnresolved, call_duration = kUnresolved;
  SeriesId streams_ended = kUnresolved, streams_failed = kUnresolved, stream_duration = kUnresolved;
  SeriesId stream_open = kUnresolved;
  SeriesId confirmed = kUnresolved, unconfirmed = kUnresolved, discarded = kUnresolved;
};

std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

void close_ledger(CallLedger& ledger, std::string_view code) {
  --ledger.open;
  if (code == kOk) {
    ++ledger.succeeded;
  } else if (code == kCancelled) {
    ++ledger.cancelled;
  } else {
    ++ledger.failed;
  }
}

}  // namespace

struct CallSite::Impl {
  Metrics& metrics;
  BackendNames& backends;
  FirstCalls& firsts;
  CallSiteKey key;
  CallLedger calls, streams;
  std::uint64_t connection = 0;        // of the last sample
  TimePoint earliest_on_connection{};  // start of the earliest one seen there
  SeriesId service = kUnresolved, open_service = kUnresolved;
  SeriesId rtt = kUnresolved, message_service = kUnresolved, message_lag = kUnresolved;
  SeriesId first_message = kUnresolved, message_gap = kUnresolved;
  SeriesId unanswered = kUnresolved, unmatched = kUnresolved;
  SeriesId attempts = kUnresolved, attempts_known = kUnresolved, attempts_unknown = kUnresolved;
  SeriesId queued = kUnresolved, stalls = kUnresolved;
  SeriesId opened = kUnresolved, active = kUnresolved, leaked = kUnresolved;
  SeriesId sent = kUnresolved, received = kUnresolved;
  Outlets<Outlet> outlets;

  Impl(Metrics& m, BackendNames& b, FirstCalls& f, CallSiteKey k)
      : metrics(m), backends(b), firsts(f), key(std::move(k)) {}

  Outlet& outlet(std::string_view code, std::string_view backend);

  // Series are made on first use, so a site without streams leaves no trace of them in the report.
  SeriesId outcome(SeriesId& id, std::string_view metric, const Outlet& outlet);
  SeriesId traffic(SeriesId& id, std::string_view metric);
  SeriesId latency(SeriesId& id, std::string_view metric, std::string_view backend = {});
  SeriesId resolve(SeriesId& id, std::string_view metric, const Labels& labels);
  SeriesId by_backend(SeriesId& id, std::string_view metric, const Outlet& outlet);

  void count_messages(Outlet& out, const StreamSample& sample);
  FirstOn first_on(Outlet& out, std::uint64_t on, TimePoint started, Duration took);
  FirstOn look_for_first(Outlet& out, std::uint64_t on, TimePoint started);
};

Outlet& CallSite::Impl::outlet(std::string_view code, std::string_view backend) {
  return outlets.at(code, backend, [](Outlet& fresh) {
    fresh.earliest = fresh.backend.empty() || fresh.backend == kUnknown ? TimePoint::min() : kNever;
  });
}

SeriesId CallSite::Impl::resolve(SeriesId& id, std::string_view metric, const Labels& labels) {
  return id = metrics.series(metric, labels);
}

SeriesId CallSite::Impl::traffic(SeriesId& id, std::string_view metric) {
  if (id != kUnresolved) return id;
  return resolve(id, metric, traffic_labels(key));
}

SeriesId CallSite::Impl::outcome(SeriesId& id, std::string_view metric, const Outlet& out) {
  if (id != kUnresolved) return id;
  return resolve(id, metric, outcome_labels(key, out.code, out.backend));
}

SeriesId CallSite::Impl::latency(SeriesId& id, std::string_view metric, std::string_view backend) {
  if (id != kUnresolved) return id;
  return resolve(id, metric, latency_labels(key, backend));
}

SeriesId CallSite::Impl::by_backend(SeriesId& id, std::string_view metric, const Outlet& out) {
  return id != kUnresolved ? id : latency(id, metric, backends.label(out.backend));
}

CallSite::CallSite(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CallSite::~CallSite() = default;

const CallSiteKey& CallSite::key() const { return impl_->key; }
const CallLedger& CallSite::calls() const { return impl_->calls; }
const CallLedger& CallSite::streams() const { return impl_->streams; }

void CallSite::call_started() {
  ++impl_->calls.started;
  ++impl_->calls.open;
}

/// A branch for all but the first ones: nothing starts earlier than what has already ended.
inline FirstOn CallSite::Impl::first_on(Outlet& out, std::uint64_t on, TimePoint started, Duration took) {
  const bool on_new = on != 0 && (on != connection || started < earliest_on_connection);
  if (!on_new && started >= out.earliest) [[likely]]
    return FirstOn::nothing;
  const FirstOn first = look_for_first(out, on, started);
  if (first == FirstOn::nothing) return first;
  SeriesId id = kUnresolved;
  const std::string_view backend = backends.label(out.backend);
  metrics.record(resolve(id, "grpc_first_call_seconds",
                         make_labels({{"scenario", key.scenario},
                                      {"name", key.name},
                                      {"method", key.method},
                                      {"phase", key.phase},
                                      {"backend", backend},
                                      {"kind", to_string(first)}})),
                 took);
  return first;
}

FirstOn CallSite::Impl::look_for_first(Outlet& out, std::uint64_t on, TimePoint started) {
  const bool on_connection = on != 0 && firsts.first_on(on, started, earliest_on_connection);
  if (on != 0) connection = on;
  if (started < out.earliest && firsts.first_on(out.backend, started, out.earliest)) return FirstOn::backend;
  return on_connection ? FirstOn::connection : FirstOn::nothing;
}

void CallSite::first_call(FirstOn first, const CallSample& sample, FirstCallFacts facts) {
  impl_->firsts.keep(describe_first(first, impl_->key, sample.timing, sample.backend, sample.code, std::move(facts)));
}

FirstOn CallSite::call_ended(const CallSample& sample) {
  Impl& self = *impl_;
  close_ledger(self.calls, sample.code);
  Outlet& out = self.outlet(sample.code, sample.backend);
  const Timing& t = sample.timing;
  const TimePoint due = t.intended == TimePoint{} ? t.started : t.intended;
  self.metrics.add(self.outcome(out.calls, "grpc_calls", out));
  self.metrics.record(self.by_backend(out.call_duration, "grpc_call_duration_seconds", out), t.done - due);
  self.metrics.record(self.latency(self.service, "grpc_call_service_seconds"), t.done - t.started);
  return self.first_on(out, sample.connection, t.started, t.done - t.started);
}

void CallSite::stream_opened() {
  Impl& self = *impl_;
  ++self.streams.started;
  ++self.streams.open;
  self.metrics.add(self.traffic(self.opened, "grpc_streams_opened"));
  self.metrics.shift(self.traffic(self.active, "grpc_streams_active"), 1);
}

FirstOn CallSite::stream_headers(const OpenSample& sample) {
  Impl& self = *impl_;
  Outlet& out = self.outlet(kOk, sample.backend);
  const TimePoint due = sample.intended == TimePoint{} ? sample.opened : sample.intended;
  const Duration service = sample.headers - sample.opened;
  self.metrics.record(self.by_backend(out.stream_open, "grpc_stream_open_seconds", out), sample.headers - due);
  self.metrics.record(self.latency(self.open_service, "grpc_stream_open_service_seconds"), service);
  return self.first_on(out, sample.connection, sample.opened, service);
}

void CallSite::stream_progress(std::uint64_t sent, std::uint64_t received) {
  Impl& self = *impl_;
  if (sent > 0) self.metrics.add(self.traffic(self.sent, "grpc_messages_sent"), static_cast<double>(sent));
  if (received > 0) {
    self.metrics.add(self.traffic(self.received, "grpc_messages_received"), static_cast<double>(received));
  }
}

void CallSite::stream_ended(const StreamSample& sample) {
  Impl& self = *impl_;
  close_ledger(self.streams, sample.code);
  Outlet& out = self.outlet(sample.code, sample.backend);
  self.metrics.shift(self.traffic(self.active, "grpc_streams_active"), -1);
  self.metrics.add(self.outcome(out.streams_ended, "grpc_streams_ended", out));
  if (sample.code != kOk && sample.code != kCancelled) {
    self.metrics.add(self.outcome(out.streams_failed, "grpc_streams_failed", out));
  }
  self.metrics.record(self.by_backend(out.stream_duration, "grpc_stream_duration_seconds", out),
                      sample.timing.done - sample.timing.started);
  stream_progress(minus(sample.sent, sample.sent_told), minus(sample.received, sample.received_told));
  self.count_messages(out, sample);
}

void CallSite::Impl::count_messages(Outlet& out, const StreamSample& sample) {
  const auto count = [&](SeriesId& id, std::string_view metric, std::uint64_t n) {
    if (n > 0) metrics.add(outcome(id, metric, out), static_cast<double>(n));
  };
  count(out.confirmed, "grpc_messages_confirmed", sample.confirmed);
  count(out.unconfirmed, "grpc_messages_unconfirmed", minus(sample.sent, sample.confirmed));
  count(out.discarded, "grpc_messages_discarded", sample.discarded);
}

void CallSite::held_back(Duration queued, std::uint64_t stalls) {
  Metrics& metrics = impl_->metrics;
  if (queued > Duration{0}) metrics.record(impl_->latency(impl_->queued, "grpc_queue_seconds"), queued);
  if (stalls > 0) metrics.add(impl_->traffic(impl_->stalls, "grpc_flow_control_stalls"), static_cast<double>(stalls));
}

void CallSite::stream_leaked() { impl_->metrics.add(impl_->traffic(impl_->leaked, "grpc_streams_leaked")); }

void CallSite::message_answered(Duration response, Duration service) {
  Impl& self = *impl_;
  self.metrics.record(self.latency(self.rtt, "grpc_message_rtt_seconds"), response);
  self.metrics.record(self.latency(self.message_service, "grpc_message_service_seconds"), service);
}

void CallSite::message_sent_late(Duration lag) {
  impl_->metrics.record(impl_->latency(impl_->message_lag, "grpc_message_lag_seconds"), lag);
}

void CallSite::stream_first_message(Duration after_open) {
  impl_->metrics.record(impl_->latency(impl_->first_message, "grpc_stream_first_message_seconds"), after_open);
}

void CallSite::message_gap(Duration gap) {
  impl_->metrics.record(impl_->latency(impl_->message_gap, "grpc_message_gap_seconds"), gap);
}

void CallSite::messages_unanswered(std::uint64_t count) {
  if (count == 0) return;
  impl_->metrics.add(impl_->traffic(impl_->unanswered, "grpc_messages_unanswered"), static_cast<double>(count));
}

void CallSite::message_unmatched() { impl_->metrics.add(impl_->traffic(impl_->unmatched, "grpc_messages_unmatched")); }

void CallSite::call_attempts(std::uint32_t attempts) {
  Impl& self = *impl_;
  if (attempts == 0) return self.metrics.add(self.traffic(self.attempts_unknown, "grpc_call_attempts_unknown"));
  self.metrics.add(self.traffic(self.attempts, "grpc_call_attempts"), attempts);
  self.metrics.add(self.traffic(self.attempts_known, "grpc_call_attempts_known"));
}

struct Recorder::Impl {
  Metrics& metrics;
  BackendNames backends;
  FirstCalls firsts;
  std::unordered_map<std::string, std::unique_ptr<CallSite>> sites;
};

Recorder::Recorder(Metrics& metrics) : impl_(new Impl{metrics, {}, {}, {}}) {}
Recorder::~Recorder() = default;

CallSite& Recorder::site(const CallSiteKey& key) {
  auto& site = impl_->sites[joined(key)];
  if (!site) {
    site.reset(new CallSite(std::make_unique<CallSite::Impl>(impl_->metrics, impl_->backends, impl_->firsts, key)));
  }
  return *site;
}

const std::vector<FirstCall>& Recorder::first_calls() const { return impl_->firsts.kept(); }

namespace {

/// What does not add up within one ledger, or empty.
std::string check_ledger(const CallLedger& l, std::string_view what, const CallSiteKey& key) {
  const auto ended = static_cast<std::int64_t>(l.succeeded + l.failed + l.cancelled);
  if (l.open >= 0 && static_cast<std::int64_t>(l.started) == ended + l.open) return {};
  return fmt::format("{} of {}, scenario {}: {} started, but {} succeeded + {} failed + {} cancelled + {} open", what,
                     key.method, key.scenario, l.started, l.succeeded, l.failed, l.cancelled, l.open);
}

void add_up(CallLedger& sum, const CallLedger& one) {
  sum.started += one.started;
  sum.succeeded += one.succeeded;
  sum.failed += one.failed;
  sum.cancelled += one.cancelled;
  sum.open += one.open;
}

double ended(const CallLedger& l) { return static_cast<double>(l.succeeded + l.failed + l.cancelled); }

/// The metrics against the ledgers' sums.
std::string check_totals(const Metrics& metrics, const CallLedger& calls, const CallLedger& streams) {
  const std::tuple<std::string_view, double, std::string_view> rows[] = {
      {"calls ended", ended(calls), "grpc_calls"},
      {"streams started", static_cast<double>(streams.started), "grpc_streams_opened"},
      {"streams ended", ended(streams), "grpc_streams_ended"},
      {"streams failed", static_cast<double>(streams.failed), "grpc_streams_failed"},
      {"streams open", static_cast<double>(streams.open), "grpc_streams_active"},
  };
  for (const auto& [what, count, metric] : rows) {
    if (count != metrics.total(metric)) {
      return fmt::format("{}: {}, but metric {} says {}", what, count, metric, metrics.total(metric));
    }
  }
  return {};
}

/// Messages of streams still open may be sent without being confirmed or unconfirmed yet.
std::string check_messages(const Metrics& metrics, bool streams_open) {
  const double sent = metrics.total("grpc_messages_sent"), confirmed = metrics.total("grpc_messages_confirmed"),
               unconfirmed = metrics.total("grpc_messages_unconfirmed");
  if (sent == confirmed + unconfirmed || (streams_open && sent > confirmed + unconfirmed)) return {};
  return fmt::format("messages: {} sent, but {} confirmed + {} unconfirmed", sent, confirmed, unconfirmed);
}

}  // namespace

std::string Recorder::check_conservation() const {
  CallLedger calls, streams;
  for (const auto& [key, site] : impl_->sites) {
    auto wrong = check_ledger(site->calls(), "calls", site->key());
    if (wrong.empty()) wrong = check_ledger(site->streams(), "streams", site->key());
    if (!wrong.empty()) return wrong;
    add_up(calls, site->calls());
    add_up(streams, site->streams());
  }
  auto wrong = check_totals(impl_->metrics, calls, streams);
  return wrong.empty() ? check_messages(impl_->metrics, streams.open > 0) : wrong;
}

}  // namespace lgen
