// gRPC as lgen sees it: bytes in, bytes out by method name. One of the four seams; `grpc` (gRPC core) is the first
// transport behind it, `h2` (our own client on nghttp2) the second. A transport returns results with a Timing and
// records nothing. Thread: the loop's. Lifetime: a channel outlives its calls and streams; views handed to a callback
// are valid only during it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lgen/connect_steps.h"
#include "lgen/error.h"
#include "lgen/loop.h"
#include "lgen/method_kind.h"
#include "lgen/net_options.h"
#include "lgen/op.h"
#include "lgen/time.h"
#include "lgen/tls.h"

namespace lgen {

/// The 17 status codes of gRPC, numbered as on the wire.
enum class GrpcCode : int {
  ok = 0,
  cancelled,
  unknown,
  invalid_argument,
  deadline_exceeded,
  not_found,
  already_exists,
  permission_denied,
  resource_exhausted,
  failed_precondition,
  aborted,
  out_of_range,
  unimplemented,
  internal,
  unavailable,
  data_loss,
  unauthenticated
};
inline constexpr int kGrpcCodes = 17;

/// "OK", "CANCELLED", ... "UNAUTHENTICATED".
std::string_view to_string(GrpcCode code);

struct GrpcStatus {
  GrpcCode code = GrpcCode::ok;
  std::string message;
  std::string details;  // bytes of grpc-status-details-bin
  bool ok() const { return code == GrpcCode::ok; }
};

/// Keys in lower case; values of `-bin` keys are raw bytes (the transport does the base64).
using Metadata = std::vector<std::pair<std::string, std::string>>;
using MetadataView = std::vector<std::pair<std::string_view, std::string_view>>;

/// First value of `key`, or nothing.
std::optional<std::string_view> find_header(const MetadataView& headers, std::string_view key);

enum class Compression { none, gzip, deflate };

struct Keepalive {
  Duration time{0};  // 0: off
  Duration timeout = std::chrono::seconds(20);
  bool without_calls = false;
};

struct Backoff {
  Duration initial = std::chrono::milliseconds(100);
  Duration min = std::chrono::seconds(1);  // least time a connection attempt gets
  Duration max = std::chrono::seconds(2);
};

/// Everything a plan may say about a channel (LUA names are the same words).
struct ChannelOptions {
  std::optional<TlsOptions> tls;  // nothing: plaintext
  std::string authority;          // empty: server_name, else the target
  std::string lb;                 // load balancing policy, empty: pick_first
  std::string service_config;     // JSON text
  Keepalive keepalive;
  Backoff backoff;
  std::optional<Duration> idle_timeout;         // nothing: never idle
  std::optional<std::uint64_t> max_recv;        // bytes; nothing: unlimited
  std::optional<std::uint64_t> max_send;        // bytes; nothing: unlimited
  Compression compression = Compression::none;  // of what we send
  std::string user_agent;                       // prefix
  bool retries = false;                         // hidden retries falsify a load test
  bool own_connection = true;                   // false: connections may be shared with equal channels
  bool use_env_proxy = false;                   // --proxy env
  std::shared_ptr<const NetOptions> net;        // `h2` alone: nothing: connections go where the target says
  std::map<std::string, std::variant<std::int64_t, std::string>> args;  // raw channel arguments, applied last
};

struct CallOptions {
  std::optional<Duration> timeout;     // nothing: none
  const Metadata* metadata = nullptr;  // read inside the starting call only
  bool wait_for_ready = false;
  std::optional<Compression> compression;  // nothing: the channel's
  TimePoint intended{};                    // copied into the Timing; zero: the start of the call
};

struct UnaryResult {
  GrpcStatus status;
  std::string_view reply;  // empty unless the status is OK
  Timing timing;
  const MetadataView* headers = nullptr;
  const MetadataView* trailers = nullptr;
  std::string_view peer;         // "127.0.0.1:50051", empty when never sent
  std::uint64_t connection = 0;  // which connection of the channel carried it, 1, 2, ...; 0: none
  bool answered = false;         // headers or a status came from the other side
  Duration queued{0};            // of it, waited for a connection or a free stream (`h2`)
  std::uint32_t stalls = 0;      // how often the peer's flow control held up the request (`h2`)
};
using UnaryDone = std::function<void(const UnaryResult&)>;

/// How a stream ended, whole: accepted = written + discarded.
struct StreamResult {
  GrpcStatus status;
  Timing timing;                // first_byte: the headers
  std::uint64_t accepted = 0;   // messages send() took
  std::uint64_t written = 0;    // of these, handed to the connection
  std::uint64_t discarded = 0;  // of these, still buffered when the stream ended
  std::uint64_t received = 0;   // messages delivered
  const MetadataView* headers = nullptr;
  const MetadataView* trailers = nullptr;
  std::string_view peer;
  std::uint64_t connection = 0;
  bool answered = false;     // headers or a status came from the other side
  Duration queued{0};        // before it was opened, waited for a connection or a free stream (`h2`)
  std::uint32_t stalls = 0;  // how often the peer's flow control held up messages (`h2`)
};

/// What a stream tells its owner, on the loop, never inside a call on the stream.
class StreamEvents {
 public:
  /// `at`: when they came. Headers without entries may be told a moment later (gRPC does not say whether they are one).
  virtual void on_headers(const MetadataView& headers, std::string_view peer, std::uint64_t connection,
                          TimePoint at) = 0;
  /// One message per read(). The bytes are valid during the call.
  virtual void on_message(std::string_view message) = 0;
  /// The send buffer has room again after send() said `full`.
  virtual void on_writable() = 0;
  /// Last call, exactly once; after it nothing follows. Reads still asked for have ended.
  virtual void on_done(const StreamResult& result) = 0;

 protected:
  ~StreamEvents() = default;
};

class GrpcStream {
 public:
  enum class Sent { accepted, full, ended };

  /// Dropping a stream that has not ended cancels it; nothing is called back any more.
  virtual ~GrpcStream() = default;

  /// Copies the message into the stream's bounded send buffer (64 KiB; one message is always taken by an empty buffer).
  /// `full`: not taken, on_writable will follow. `ended`: half-closed or over. Everything accepted in one turn of the
  /// loop leaves in as few writes as possible.
  virtual Sent send(std::string_view message) = 0;
  /// No more messages from us; what is buffered still goes out.
  virtual void half_close() = 0;
  /// Ask for one more message (on_message or on_done follows). At most one read may be open.
  virtual void read() = 0;
  virtual void cancel(std::string_view reason) = 0;
  virtual std::uint64_t accepted() const = 0;
  /// Of the accepted ones, handed to the connection so far: what a time line may count while the stream runs.
  virtual std::uint64_t written() const = 0;
  virtual std::uint64_t received() const = 0;
  /// Number of the channel's connection that carries it; 0 until it has left.
  virtual std::uint64_t connection() const = 0;
};

enum class ChannelState { idle, connecting, ready, transient_failure, shutdown };

/// "IDLE", "CONNECTING", "READY", "TRANSIENT_FAILURE", "SHUTDOWN".
std::string_view to_string(ChannelState state);

enum class Goaway { no, inferred, seen };

/// Reason of a connection that reconnect() or close() has left.
inline constexpr std::string_view kLeftByUs = "left by reconnect or close";

struct ChannelEvent {
  ChannelState state = ChannelState::idle;
  ChannelState prev = ChannelState::idle;
  TimePoint at;
  std::uint64_t connection = 0;  // number of the connection made or left
  std::string reason;            // why it was left or could not be made, as far as known
  Goaway goaway = Goaway::no;
  std::optional<ConnectSteps> timing = {};  // of the connection made (`h2`)
};

class GrpcChannel {
 public:
  virtual ~GrpcChannel() = default;

  /// `method`: "/pkg.Service/Method". `request`: one encoded message, copied before the call returns.
  virtual Op unary(std::string_view method, std::string_view request, const CallOptions& options, UnaryDone done) = 0;
  virtual std::unique_ptr<GrpcStream> open(std::string_view method, MethodKind kind, const CallOptions& options,
                                           StreamEvents& events) = 0;

  virtual ChannelState state() const = 0;
  /// Starts connecting if idle.
  virtual void connect() = 0;
  /// Completes with success once READY, with an Error at the deadline (its message holds the last connect error).
  virtual Op wait_ready(Deadline deadline, std::function<void(Outcome)> done) = 0;
  /// A fresh connection for new calls; the old one lives until its streams end.
  virtual void reconnect() = 0;
  /// No new calls; running ones are cancelled.
  virtual void close() = 0;

  /// Connections made so far (entries into READY), streams and calls open now.
  virtual std::uint64_t connections() const = 0;
  /// When the newest of them was READY; zero: not known.
  virtual TimePoint connected_at() const { return {}; }
  virtual std::size_t open_calls() const = 0;
  virtual const std::string& target() const = 0;

  /// At most one listener; empty: none.
  virtual void on_event(std::function<void(const ChannelEvent&)> listener) = 0;
};

/// A channel of gRPC core. Fails on options that contradict each other or files that cannot be read.
/// `target`: "host:port" (means dns:///host:port), or any gRPC target URI.
Result<std::unique_ptr<GrpcChannel>> make_grpc_core_channel(Loop& loop, const std::string& target,
                                                            const ChannelOptions& options);

/// What make_grpc_core_channel would refuse, without making anything.
Outcome check_channel_options(const ChannelOptions& options);

/// A channel of our own HTTP/2 client: exactly one connection, beside old ones whose streams have not ended yet.
/// `target`: "host:port", dns:///host:port, ipv4:, ipv6:, unix: and unix-abstract: with one address.
Result<std::unique_ptr<GrpcChannel>> make_h2_channel(Loop& loop, const std::string& target,
                                                     const ChannelOptions& options);

/// What make_h2_channel would refuse: what both transports do, and what takes gRPC core.
Outcome check_h2_options(const ChannelOptions& options);

/// The transports by name, "grpc" and "h2".
Result<std::unique_ptr<GrpcChannel>> make_channel(std::string_view transport, Loop& loop, const std::string& target,
                                                  const ChannelOptions& options);
Outcome check_transport_options(std::string_view transport, const ChannelOptions& options);

/// Whether it can be sent as ChannelOptions::user_agent, or as authority or TlsOptions::server_name.
Outcome check_user_agent(std::string_view text);
Outcome check_authority(std::string_view text);

/// gRPC core's own log lines, as far as `level` lets them through, go to lgen's log.
void route_grpc_log();

/// Which channel of a pool a call goes to.
enum class Pick { round_robin, random, least_streams, by_vu };

/// N channels under one name. `connection_shared`: one gRPC channel behind N handles.
class GrpcPool {
 public:
  GrpcPool(std::vector<std::shared_ptr<GrpcChannel>> channels, Pick pick, std::uint64_t seed);

  std::size_t size() const { return channels_.size(); }
  GrpcChannel& at(std::size_t index) const { return *channels_[index]; }
  /// Index of the channel for the next call of virtual user `vu` (1, 2, ...).
  std::size_t pick(std::uint64_t vu);

 private:
  std::vector<std::shared_ptr<GrpcChannel>> channels_;
  Pick pick_;
  std::uint64_t next_ = 0;
  std::uint64_t random_state_;
};

}  // namespace lgen
