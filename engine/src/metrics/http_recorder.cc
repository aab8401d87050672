#include "lgen/http_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "first_calls.h"
#include "outlets.h"
#include "site_key.h"

namespace lgen {
namespace {

/// The series of one (code, backend) at one site.
struct Outlet {
  std::string code, backend;
  TimePoint earliest{};  // start of the earliest request to the backend, as far as this outlet knows
  SeriesId requests = kUnresolved, failed = kUnresolved, duration = kUnresolved, redirects = kUnresolved;
};

}  // namespace

struct HttpSite::Impl {
  Metrics& metrics;
  BackendNames& backends;
  FirstCalls& firsts;
  CallSiteKey key;
  HttpLedger ledger;
  SeriesId service = kUnresolved, first_byte = kUnresolved, queue = kUnresolved;
  SeriesId connect = kUnresolved, tls = kUnresolved;
  SeriesId sent = kUnresolved, received = kUnresolved, reused = kUnresolved, retried = kUnresolved;
  SeriesId resumed = kUnresolved;
  Outlets<Outlet> outlets;

  Impl(Metrics& m, BackendNames& b, FirstCalls& f, CallSiteKey k)
      : metrics(m), backends(b), firsts(f), key(std::move(k)) {}

  Outlet& outlet(std::string_view code, std::string_view backend) {
    return outlets.at(code, backend, [](Outlet& fresh) {
      fresh.earliest = fresh.backend.empty() || fresh.backend == "unknown" ? TimePoint::min() : kNever;
    });
  }
  void latency(SeriesId& id, std::string_view metric, Duration value) {
    if (id == kUnresolved) id = metrics.series(metric, latency_labels(key, {}));
    metrics.record(id, value);
  }
  void duration(Outlet& out, Duration value) {
    if (out.duration == kUnresolved) {
      out.duration = metrics.series("http_request_duration_seconds", latency_labels(key, backends.label(out.backend)));
    }
    metrics.record(out.duration, value);
  }
  void traffic(SeriesId& id, std::string_view metric, double n) {
    if (id == kUnresolved) id = metrics.series(metric, traffic_labels(key));
    metrics.add(id, n);
  }
  void outcome(SeriesId& id, std::string_view metric, const Outlet& out) {
    if (id == kUnresolved) id = metrics.series(metric, outcome_labels(key, out.code, out.backend));
    metrics.add(id);
  }
  void close_ledger(HttpSample::End end);
  void steps(const HttpSample& sample);
  FirstOn first_on(Outlet& out, const HttpSample& sample);
};

bool ended_well(std::string_view code) {
  return code == "OK" || (code.size() == 3 && code[0] >= '1' && code[0] <= '3');
}

HttpSite::HttpSite(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpSite::~HttpSite() = default;

const CallSiteKey& HttpSite::key() const { return impl_->key; }
const HttpLedger& HttpSite::requests() const { return impl_->ledger; }

void HttpSite::request_started() {
  ++impl_->ledger.started;
  ++impl_->ledger.open;
}

void HttpSite::Impl::close_ledger(HttpSample::End end) {
  --ledger.open;
  switch (end) {
    case HttpSample::End::answered:
      ++ledger.answered;
      return;
    case HttpSample::End::failed:
      ++ledger.failed;
      return;
    case HttpSample::End::cancelled:
      ++ledger.cancelled;
      return;
  }
}

/// Two comparisons for all but the first ones.
FirstOn HttpSite::Impl::first_on(Outlet& out, const HttpSample& sample) {
  const TimePoint started = sample.timing.started;
  if (sample.connection == 0 && started >= out.earliest) [[likely]]
    return FirstOn::nothing;
  TimePoint unused{};
  const bool on_connection = sample.connection != 0 && firsts.first_on(sample.connection, started, unused);
  const bool on_backend = started < out.earliest && firsts.first_on(out.backend, started, out.earliest);
  if (!on_connection && !on_backend) return FirstOn::nothing;
  const FirstOn first = on_backend ? FirstOn::backend : FirstOn::connection;
  const SeriesId series =
      metrics.series("http_first_request_seconds", make_labels({{"scenario", key.scenario},
                                                                {"name", key.name},
                                                                {"method", key.method},
                                                                {"phase", key.phase},
                                                                {"backend", backends.label(out.backend)},
                                                                {"kind", to_string(first)}}));
  metrics.record(series, sample.timing.done - started);
  return first;
}

void HttpSite::first_request(FirstOn first, const HttpSample& sample, FirstCallFacts facts) {
  impl_->firsts.keep(describe_first(first, impl_->key, sample.timing, sample.backend, sample.code, std::move(facts)));
}

FirstOn HttpSite::request_ended(const HttpSample& sample) {
  Impl& self = *impl_;
  self.close_ledger(sample.end);
  Outlet& out = self.outlet(sample.code, sample.backend);
  const Timing& t = sample.timing;
  const TimePoint due = t.intended == TimePoint{} ? t.started : t.intended;
  self.outcome(out.requests, "http_requests", out);
  if (sample.end == HttpSample::End::failed) self.outcome(out.failed, "http_requests_failed", out);
  self.duration(out, t.done - due);
  self.latency(self.service, "http_request_service_seconds", t.done - t.started);
  for (const int status : sample.redirects) {
    Outlet& hop = self.outlet(std::to_string(status), sample.backend);
    self.outcome(hop.redirects, "http_redirects", hop);
  }
  self.steps(sample);
  return self.first_on(out, sample);
}

void HttpSite::Impl::steps(const HttpSample& sample) {
  const Timing& t = sample.timing;
  if (t.first_byte != TimePoint{}) latency(first_byte, "http_first_byte_seconds", t.first_byte - t.sent);
  if (sample.queued > Duration{0}) latency(queue, "http_queue_seconds", sample.queued);
  if (sample.connect > Duration{0}) latency(connect, "http_connect_seconds", sample.connect);
  if (sample.tls > Duration{0}) latency(tls, "http_tls_seconds", sample.tls);
  if (sample.resumed) traffic(resumed, "http_tls_resumed", 1);
  if (sample.sent > 0) traffic(sent, "http_bytes_sent", static_cast<double>(sample.sent));
  if (sample.received > 0) traffic(received, "http_bytes_received", static_cast<double>(sample.received));
  if (sample.reused) traffic(reused, "http_requests_reused", 1);
  if (sample.retried) traffic(retried, "http_requests_retried", 1);
}

struct HttpRecorder::Impl {
  Metrics& metrics;
  BackendNames backends;
  FirstCalls firsts;
  std::unordered_map<std::string, std::unique_ptr<HttpSite>> sites;
};

HttpRecorder::HttpRecorder(Metrics& metrics) : impl_(new Impl{metrics, {}, {}, {}}) {}
HttpRecorder::~HttpRecorder() = default;

HttpSite& HttpRecorder::site(const CallSiteKey& key) {
  auto& site = impl_->sites[joined(key)];
  if (!site)
    site.reset(new HttpSite(std::make_unique<HttpSite::Impl>(impl_->metrics, impl_->backends, impl_->firsts, key)));
  return *site;
}

const std::vector<FirstCall>& HttpRecorder::first_requests() const { return impl_->firsts.kept(); }

std::string HttpRecorder::check_conservation() const {
  std::uint64_t ended = 0, failed = 0;
  for (const auto& [joined_key, site] : impl_->sites) {
    const HttpLedger& l = site->requests();
    const std::uint64_t over = l.answered + l.failed + l.cancelled;
    if (l.open < 0 || static_cast<std::int64_t>(l.started) != static_cast<std::int64_t>(over) + l.open) {
      return fmt::format(
          "requests of {}, scenario {}: {} started, but {} answered + {} failed + {} cancelled + {} open",
          site->key().method, site->key().scenario, l.started, l.answered, l.failed, l.cancelled, l.open);
    }
    ended += over;
    failed += l.failed;
  }
  const auto differs = [&](std::string_view metric, std::uint64_t count) -> std::string {
    const double told = impl_->metrics.total(metric);
    if (told == static_cast<double>(count)) return {};
    return fmt::format("requests: {}, but metric {} says {}", count, metric, told);
  };
  const std::string wrong = differs("http_requests", ended);
  return wrong.empty() ? differs("http_requests_failed", failed) : wrong;
}

}  // namespace lgen
