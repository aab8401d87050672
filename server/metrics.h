// The server's counts: streams, messages, every call by method and status, and the process itself.
//
// The call instruments are those of gRFC A66 under the names its Prometheus exporters use.
//
// *Thread:* methods are registered before the server runs; everything else may be called from any thread.
// *Lifetime:* outlives every CallRecord.
#pragma once

#include <grpcpp/support/status.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

namespace lgen::server {

struct CallFamilies;

// The instruments of one method. A status gets its histograms at its first call.
class MethodMetrics {
 public:
  MethodMetrics(CallFamilies& families, std::string name);

  void started() { started_.Increment(); }
  void finished(grpc::StatusCode code, double seconds, std::size_t received, std::size_t sent);

 private:
  struct Histograms {
    prometheus::Histogram& duration;
    prometheus::Histogram& received;
    prometheus::Histogram& sent;
  };
  struct Cell {
    std::atomic<prometheus::Histogram*> duration{nullptr};
    std::atomic<prometheus::Histogram*> received{nullptr};
    std::atomic<prometheus::Histogram*> sent{nullptr};
  };
  Histograms histograms_of(grpc::StatusCode code);

  CallFamilies& families_;
  const std::string name_;
  prometheus::Counter& started_;
  std::array<Cell, 17> by_code_;
};

class Metrics {
 public:
  explicit Metrics(const std::string& service_name);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Set-up only. `name` has no leading slash: "hello.Hello/SayHello".
  MethodMetrics& method(std::string name);

  // Both give the number of active streams after the step.
  std::int64_t stream_started() { return active_streams_.fetch_add(1) + 1; }
  std::int64_t stream_finished() { return active_streams_.fetch_sub(1) - 1; }
  std::int64_t active_streams() const { return active_streams_; }

  void message_read() { messages_.fetch_add(1, std::memory_order_relaxed); }

  // Everything, in Prometheus' text format.
  std::string text() const;

 private:
  std::atomic<std::int64_t> active_streams_{0};
  std::atomic<std::uint64_t> messages_{0};
  prometheus::Registry registry_;
  std::unique_ptr<CallFamilies> families_;
  std::list<MethodMetrics> methods_;
};

// One call's entry in its method's metrics: started with the object, finished once.
class CallRecord {
 public:
  explicit CallRecord(MethodMetrics& method) : method_(method) { method_.started(); }

  void received(std::size_t bytes) { received_ += bytes; }
  void sent(std::size_t bytes) { sent_ += bytes; }
  void finish(grpc::StatusCode code) {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    method_.finished(code, taken.count(), received_, sent_);
  }

 private:
  MethodMetrics& method_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::size_t received_ = 0;
  std::size_t sent_ = 0;
};

}  // namespace lgen::server
