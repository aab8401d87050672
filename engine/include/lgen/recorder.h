// The one place where finished calls and streams become metrics, for Lua plans and C++ users alike. Series are
// resolved once per call site (scenario, name, method, channel, tags); backends and codes on first sight.
// Thread: the loop's.
// Lifetime: the recorder owns its call sites and outlives their users; Metrics outlives the recorder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/metrics.h"
#include "lgen/time.h"

namespace lgen {

/// What tells one place that makes calls from another.
struct CallSiteKey {
  std::string scenario, name, method, channel, pool;
  Labels tags;
  std::string phase;
};

/// A call or stream that has ended, as metrics see it. `code` is the status' name, e.g. "OK".
struct CallSample {
  Timing timing;
  std::string_view code;
  std::string_view backend;      // "unknown" when not learnt, "" when it never left
  std::uint64_t connection = 0;  // unique in the run; 0: none, or not known
};

/// A stream whose headers have come.
struct OpenSample {
  TimePoint intended;  // zero: as `opened`
  TimePoint opened, headers;
  std::string_view backend;
  std::uint64_t connection = 0;
};

/// Where a call or stream was the first: nobody had started earlier. What is first on both counts as the backend's.
enum class FirstOn { nothing, backend, connection };
std::string_view to_string(FirstOn first);  // "first_on_backend", "first_on_connection"

/// A first call or stream, for the report: what a cold start costs, and why.
struct FirstCall {
  FirstOn first = FirstOn::nothing;
  TimePoint started;
  Duration took{0};        // of a stream: to its headers
  Duration connecting{0};  // of it, until the connection was there
  std::string scenario, name, method, backend, connection, code;
  std::string why;  // "dial and TLS 12ms, first on the backend"
};

/// What is known of a first call besides its sample.
struct FirstCallFacts {
  std::string connection;  // "main[1]#2"
  bool tls = false;
  TimePoint connected;     // when that connection was ready; zero: not known
  std::string steps = {};  // of making it, in words; empty: not known
};

struct StreamSample : CallSample {
  std::uint64_t sent = 0;       // messages written
  std::uint64_t discarded = 0;  // accepted, never written
  std::uint64_t received = 0;
  std::uint64_t confirmed = 0;                     // of sent, by the reply's count or an OK status
  std::uint64_t sent_told = 0, received_told = 0;  // of sent and received, already told by stream_progress()
};

/// What check_conservation() adds up. started = succeeded + failed + cancelled + open.
struct CallLedger {
  std::uint64_t started = 0, succeeded = 0, failed = 0, cancelled = 0;
  std::int64_t open = 0;
};

class Recorder;

class CallSite {
 public:
  ~CallSite();
  CallSite(const CallSite&) = delete;
  CallSite& operator=(const CallSite&) = delete;

  /// grpc_calls, grpc_call_duration_seconds (from intended), grpc_call_service_seconds (from started). Code CANCELLED
  /// is neither success nor failure.
  void call_started();
  /// A first call is in grpc_first_call_seconds, too; for the report, tell first_call() what more is known.
  FirstOn call_ended(const CallSample& sample);

  /// grpc_streams_opened/active; then headers; then ended/failed, duration, messages sent/received.
  void stream_opened();
  FirstOn stream_headers(const OpenSample& sample);
  void first_call(FirstOn first, const CallSample& sample, FirstCallFacts facts);
  /// While a stream runs: messages written and received since the last call, so that time lines see them when they
  /// happen. Optional: what is not told here is counted by stream_ended().
  void stream_progress(std::uint64_t sent, std::uint64_t received);
  void stream_ended(const StreamSample& sample);
  void stream_leaked();
  /// To the answer to a message: from when it was to be sent, and from when the send buffer took it.
  void message_answered(Duration response, Duration service);
  /// Of a message with a time of its own: how much later the send buffer took it.
  void message_sent_late(Duration lag);
  /// From opening a stream to the first message that came, and between one message and the next.
  void stream_first_message(Duration after_open);
  void message_gap(Duration gap);
  /// Of streams whose messages are matched with their answers: those that got none, and answers to nothing.
  void messages_unanswered(std::uint64_t count);
  void message_unmatched();
  /// Of a call or stream that the transport held back: waiting for a connection or a free stream, and for the peer's
  /// flow control.
  void held_back(Duration queued, std::uint64_t stalls);
  /// How often a call was tried, as far as the server tells; 0: it does not. Only where retries are on.
  void call_attempts(std::uint32_t attempts);

  const CallSiteKey& key() const;
  const CallLedger& calls() const;
  const CallLedger& streams() const;

 private:
  friend class Recorder;
  struct Impl;
  explicit CallSite(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Finds or makes the call site of a key; owns all of them.
class Recorder {
 public:
  explicit Recorder(Metrics& metrics);
  ~Recorder();
  CallSite& site(const CallSiteKey& key);

  /// The slowest first calls told, at most 50, slowest first.
  const std::vector<FirstCall>& first_calls() const;

  /// started = succeeded + failed + cancelled + open, at every site; the metrics say the same; written messages =
  /// confirmed + unconfirmed. Empty when it holds, else what does not add up.
  std::string check_conservation() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lgen
