// All built-in metrics, in one table. Counters carry who made the call, where it went and how it ended; latency
// histograms only scenario, name, method and phase, and those of whole calls and streams also the backend: series of
// one metric are disjoint, so adding them up counts every sample once.
//
// From when a latency runs. An open load says when an iteration is due, and lgen.every when a tick is. Whatever of the
// two the plan does first after that, a call, opening a stream or sending a message, has that lateness in its response
// time: it was meant to start earlier by it. Later steps run from when the plan asks for them, so that an iteration's
// lateness counts once and the plan's own pauses not at all. Closed loads intend nothing: there both times are one.
//   response  from the intended start   grpc_call_duration_  grpc_stream_open_          grpc_message_rtt_
//   service   from the actual start     grpc_call_service_   grpc_stream_open_service_  grpc_message_service_
//   the wait  between the two           vu_wait_ + start_lag_ (by iteration)            grpc_message_lag_
// HTTP requests: http_request_duration_ is the response, http_request_service_ the service.
#include <algorithm>

#include "lgen/metrics.h"

namespace lgen {

namespace {

using LabelNames = std::vector<std::string>;

// What a label list may be. `phase` marks warm-up.
const LabelNames kNone = {};
const LabelNames kScenario = {"scenario", "phase"};
const LabelNames kCheck = {"scenario", "name", "phase"};
const LabelNames kChannel = {"channel", "pool"};
const LabelNames kClosed = {"channel", "reason"};
const LabelNames kLatency = {"scenario", "name", "method", "phase"};
const LabelNames kBackendLatency = {"scenario", "name", "method", "phase", "backend"};
const LabelNames kFirstCall = {"scenario", "name", "method", "phase", "backend", "kind"};
const LabelNames kTraffic = {"scenario", "name", "method", "phase", "channel", "pool"};
const LabelNames kOutcome = {"scenario", "name", "method", "phase", "channel", "pool", "backend", "code"};

// A ledger by channel, backend and code is what people came for, and a counter is small.
constexpr std::size_t kManySeries = 20'000;

MetricSpec counter(std::string name, std::string help, LabelNames labels) {
  return {std::move(name), MetricType::counter, "", std::move(help), std::move(labels), 0, kManySeries, true};
}
MetricSpec gauge(std::string name, std::string help, LabelNames labels) {
  return {std::move(name), MetricType::gauge, "", std::move(help), std::move(labels), 0, kManySeries, true};
}
MetricSpec seconds(std::string name, std::string help, LabelNames labels) {
  return {std::move(name), MetricType::histogram, "s", std::move(help), std::move(labels), 0, 1000, true};
}

std::vector<MetricSpec> make_table() {
  std::vector<MetricSpec> table = {
      // Load
      counter("iterations", "Iterations that have ended, failed ones included.", kScenario),
      seconds("iteration_duration_seconds", "From the start of an iteration to its end.", kScenario),
      counter("iterations_failed", "Iterations that raised an error.", kScenario),
      counter("iterations_dropped", "Arrivals that found no free VU within the backlog.", kScenario),
      gauge("vus", "Virtual users now running.", kScenario),
      {"checks", MetricType::rate, "", "Checks passed, as a share of all.", kCheck, 0, 1000, true},
      // gRPC calls
      counter("grpc_calls", "Unary calls that have ended, by status code.", kOutcome),
      seconds("grpc_call_duration_seconds", "Response time: from the intended start to the status.", kBackendLatency),
      seconds("grpc_call_service_seconds", "Service time: from the actual start to the status.", kLatency),
      seconds("grpc_first_call_seconds",
              "Cold starts: service time of the first call, or stream to its headers, on a backend or connection.",
              kFirstCall),
      counter("grpc_call_attempts", "With retries on: how often calls were tried, where the server tells.", kTraffic),
      counter("grpc_call_attempts_known", "With retries on: calls whose server tells.", kTraffic),
      counter("grpc_call_attempts_unknown", "With retries on: calls whose server does not tell.", kTraffic),
      // gRPC streams
      gauge("grpc_streams_active", "Streams open now.", kTraffic),
      counter("grpc_streams_opened", "Streams opened.", kTraffic),
      counter("grpc_streams_ended", "Streams that have ended, by status code.", kOutcome),
      counter("grpc_streams_failed", "Streams that ended neither OK nor CANCELLED.", kOutcome),
      counter("grpc_streams_leaked", "Streams still open when their task ended; they were cancelled.", kTraffic),
      seconds("grpc_stream_open_seconds", "From the intended opening of a stream to the server's headers.",
              kBackendLatency),
      seconds("grpc_stream_open_service_seconds", "From opening a stream to the server's headers.", kLatency),
      seconds("grpc_stream_first_message_seconds", "From opening a stream to the first message received.", kLatency),
      seconds("grpc_stream_duration_seconds", "From opening a stream to its status.", kBackendLatency),
      // gRPC messages of streams: accepted = sent + discarded, sent = confirmed + unconfirmed
      counter("grpc_messages_sent", "Messages written to streams.", kTraffic),
      counter("grpc_messages_received", "Messages received on streams.", kTraffic),
      counter("grpc_messages_confirmed", "Written messages that the reply's count or an OK status vouches for.",
              kOutcome),
      counter("grpc_messages_unconfirmed", "Written messages of streams that ended without such a confirmation.",
              kOutcome),
      counter("grpc_messages_discarded", "Messages accepted but still unwritten when their stream ended.", kOutcome),
      seconds("grpc_message_rtt_seconds", "From the intended sending of a message to the answer to it.", kLatency),
      seconds("grpc_message_service_seconds", "From the send buffer taking a message to the answer to it.", kLatency),
      seconds("grpc_message_lag_seconds", "From when a paced message was due to the send buffer taking it.", kLatency),
      seconds("grpc_message_gap_seconds", "Between a message received and the next one of its stream.", kLatency),
      counter("grpc_messages_unanswered", "Messages sent with correlate that got no answer.", kTraffic),
      counter("grpc_messages_unmatched", "Messages received that answer none sent with correlate.", kTraffic),
      // gRPC channels; queue and stalls are told by transport h2
      seconds("grpc_queue_seconds", "Of calls and streams that waited for a connection or a free stream: how long.",
              kLatency),
      counter("grpc_flow_control_stalls", "How often the peer's flow control held up what was to be sent.", kTraffic),
      counter("grpc_connections", "Connections made: entries of a channel into READY.", kChannel),
      gauge("grpc_channel_state", "0 idle, 1 connecting, 2 ready, 3 transient failure, 4 shutdown.", kChannel),
      // HTTP: every request ends in http_requests, redirects followed on its way are in http_redirects
      counter("http_requests", "Requests that have ended, by status, or by why there was no whole answer.", kOutcome),
      counter("http_requests_failed", "Requests without a whole answer, by why; cancelled ones are not among them.",
              kOutcome),
      seconds("http_request_duration_seconds", "Response time: from the intended start to the whole answer.",
              kBackendLatency),
      seconds("http_request_service_seconds", "Service time: from the actual start to the whole answer.", kLatency),
      seconds("http_first_byte_seconds", "From sending a request to the first byte of its answer.", kLatency),
      seconds("http_queue_seconds", "Waiting for a connection, where max_connections is reached.", kLatency),
      seconds("http_connect_seconds", "Of requests that made a connection: name and TCP.", kLatency),
      seconds("http_tls_seconds", "Of requests that made a connection: the TLS handshake.", kLatency),
      counter("http_tls_resumed", "Of these handshakes: those that went on with an earlier session.", kTraffic),
      counter("http_redirects", "Redirects followed, by their status.", kOutcome),
      counter("http_requests_retried", "Requests sent once more because a kept connection had been closed.", kTraffic),
      counter("http_requests_reused", "Requests on a connection that an earlier one had made.", kTraffic),
      counter("http_bytes_sent", "Bytes of requests: heads and bodies.", kTraffic),
      counter("http_bytes_received", "Bytes of answers: heads and bodies, as on the wire.", kTraffic),
      seconds("http_first_request_seconds",
              "Cold starts: service time of the first request to a backend, or on a connection that is kept.",
              kFirstCall),
      counter("http_connections", "Connections made.", kChannel),
      counter("http_connections_closed",
              "Connections closed, and why: ours, answer (it said so), idle (by the server), goaway, failed.", kClosed),
      gauge("http_connections_open", "Connections open now.", kChannel),
      // The generator about itself
      seconds("start_lag_seconds", "From due and VU free to resumed: the generator's own lateness.", kScenario),
      seconds("vu_wait_seconds", "From due to a VU free: the system under test's lateness.", kScenario),
      seconds("loop_lag_seconds", "How late the loop ran a timer.", kNone),
      seconds("slice_seconds", "How long one turn of plan code kept the loop.", kNone),
      seconds("gc_pause_seconds", "Pauses of the garbage collector.", kNone),
  };
  return table;
}

}  // namespace

bool takes_tags(const MetricSpec& spec) {
  const auto has = [&](std::string_view label) {
    return std::find(spec.labels.begin(), spec.labels.end(), label) != spec.labels.end();
  };
  return !spec.built_in || spec.labels == kScenario || (has("scenario") && has("channel"));
}

std::span<const MetricSpec> builtin_metrics() {
  static const std::vector<MetricSpec> table = make_table();
  return table;
}

}  // namespace lgen
