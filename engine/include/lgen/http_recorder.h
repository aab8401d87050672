// Where finished HTTP requests become metrics, as recorder.h does for gRPC. Series are resolved once per site
// (scenario, name, method, client, tags); backends and codes on first sight.
// Thread: the loop's.
// Lifetime: the recorder owns its sites and outlives their users; Metrics outlives the recorder.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/metrics.h"
#include "lgen/recorder.h"
#include "lgen/time.h"

namespace lgen {

/// A request that has ended, as metrics see it.
struct HttpSample {
  enum class End { answered, failed, cancelled };

  Timing timing;
  End end = End::answered;
  std::string_view code;     // "200"; without an answer why: "timeout", "refused", "cancelled"
  std::string_view backend;  // "unknown" when not learnt, "" when it never left
  Duration queued{0};        // waiting for one of max_connections
  Duration connect{0};       // name and TCP; 0: the connection was there
  Duration tls{0};
  std::uint64_t sent = 0, received = 0;  // bytes
  std::span<const int> redirects;        // statuses of the hops before
  std::uint64_t connection = 0;          // that the request has made and is kept, no other of the run has it; else 0
  bool resumed = false;                  // the TLS handshake went on with an earlier session
  bool reused = false;
  bool retried = false;
};

/// Whether a code of grpc_calls or http_requests is a good end: "OK", or a status below 400.
bool ended_well(std::string_view code);

/// started = answered + failed + cancelled + open.
struct HttpLedger {
  std::uint64_t started = 0, answered = 0, failed = 0, cancelled = 0;
  std::int64_t open = 0;
};

/// One place that sends requests. In its key `channel` is the client, `method` "GET /path".
class HttpSite {
 public:
  ~HttpSite();
  HttpSite(const HttpSite&) = delete;
  HttpSite& operator=(const HttpSite&) = delete;

  void request_started();
  /// A first request is in http_first_request_seconds, too; for the report, tell first_request() what more is known.
  FirstOn request_ended(const HttpSample& sample);
  void first_request(FirstOn first, const HttpSample& sample, FirstCallFacts facts);

  const CallSiteKey& key() const;
  const HttpLedger& requests() const;

 private:
  friend class HttpRecorder;
  struct Impl;
  explicit HttpSite(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Finds or makes the site of a key; owns all of them.
class HttpRecorder {
 public:
  explicit HttpRecorder(Metrics& metrics);
  ~HttpRecorder();
  HttpSite& site(const CallSiteKey& key);

  /// The slowest first requests told, at most 50, slowest first.
  const std::vector<FirstCall>& first_requests() const;

  /// started = answered + failed + cancelled + open at every site, and the metrics say the same. Empty when it holds,
  /// else what does not add up.
  std::string check_conservation() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lgen
