#include "metrics.h"

#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "process_metrics.h"

namespace lgen::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::MetricType;

// gRFC A66, "Latency buckets", seconds.
const Histogram::BucketBoundaries kLatencyBuckets = {
    0,    0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008,
    0.01, 0.013,   0.016,   0.02,   0.025,  0.03,   0.04,   0.05,  0.065, 0.08,  0.1,   0.13,  0.16,  0.2,
    0.25, 0.3,     0.4,     0.5,    0.65,   0.8,    1,      2,     5,     10,    20,    50,    100};

// gRFC A66, "Size buckets", bytes.
const Histogram::BucketBoundaries kSizeBuckets = {
    0, 1024, 2048, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824, 4294967296};

constexpr std::array<const char*, 17> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// The histogram in `slot`, made at first use. Family::Add gives the same one to threads that arrive together.
Histogram& get(std::atomic<Histogram*>& slot, Family<Histogram>& family, const prometheus::Labels& labels,
               const Histogram::BucketBoundaries& buckets) {
  Histogram* made = &family.Add(labels, buckets);
  slot.store(made, std::memory_order_release);
  return *made;
}

}  // namespace

struct CallFamilies {
  explicit CallFamilies(prometheus::Registry& registry)
      : started(prometheus::BuildCounter()
                    .Name("grpc_server_call_started_total")
                    .Help("Number of server calls started.")
                    .Register(registry)),
        duration(prometheus::BuildHistogram()
                     .Name("grpc_server_call_duration_seconds")
                     .Help("End-to-end time taken to complete a call from the server's point of view.")
                     .Register(registry)),
        received(prometheus::BuildHistogram()
                     .Name("grpc_server_call_rcvd_total_compressed_message_size_bytes")
                     .Help("Bytes of all messages received in a call.")
                     .Register(registry)),
        sent(prometheus::BuildHistogram()
                 .Name("grpc_server_call_sent_total_compressed_message_size_bytes")
                 .Help("Bytes of all messages sent in a call.")
                 .Register(registry)) {}

  Family<Counter>& started;
  Family<Histogram>& duration;
  Family<Histogram>& received;
  Family<Histogram>& sent;
};

MethodMetrics::MethodMetrics(CallFamilies& families, std::string name)
    : families_(families), name_(std::move(name)), started_(families.started.Add({{"grpc_method", name_}})) {}

void MethodMetrics::finished(grpc::StatusCode code, double seconds, std::size_t received, std::size_t sent) {
  const Histograms histograms = histograms_of(code);
  histograms.duration.Observe(seconds);
  histograms.received.Observe(static_cast<double>(received));
  histograms.sent.Observe(static_cast<double>(sent));
}

MethodMetrics::Histograms MethodMetrics::histograms_of(grpc::StatusCode code) {
  const bool known = code >= 0 && static_cast<std::size_t>(code) < kCodeNames.size();
  const auto index = static_cast<std::size_t>(known ? code : grpc::StatusCode::UNKNOWN);
  Cell& cell = by_code_[index];
  Histogram* sent = cell.sent.load(std::memory_order_acquire);
  if (sent != nullptr) return {*cell.duration, *cell.received, *sent};
  const prometheus::Labels labels = {{"grpc_method", name_}, {"grpc_status", kCodeNames[index]}};
  // `sent` is stored last: whoever sees it sees the others.
  Histogram& duration = get(cell.duration, families_.duration, labels, kLatencyBuckets);
  Histogram& received = get(cell.received, families_.received, labels, kSizeBuckets);
  return {duration, received, get(cell.sent, families_.sent, labels, kSizeBuckets)};
}

Metrics::Metrics(const std::string& service_name) : families_(std::make_unique<CallFamilies>(registry_)) {
  prometheus::BuildGauge()
      .Name("target_info")
      .Help("Target metadata")
      .Register(registry_)
      .Add({{"service_name", service_name}})
      .Set(1);
}

Metrics::~Metrics() = default;

MethodMetrics& Metrics::method(std::string name) { return methods_.emplace_back(*families_, std::move(name)); }

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> all = registry_.Collect();
  all.push_back(single_sample("grpc_server_active_streams", "The number of currently active gRPC streams.",
                              MetricType::Gauge, static_cast<double>(active_streams_)));
  all.push_back(single_sample("app_messages_processed_count_total", "Messages read from streams.", MetricType::Counter,
                              static_cast<double>(messages_)));
  for (auto& family : process_metrics()) all.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace lgen::server
