// One connection of an `h2` channel from the attempt to make it until it is gone: name, TCP, TLS with ALPN "h2", the
// peer's SETTINGS; then keepalive. All before READY must be done by one deadline.
// Thread: the loop's.
// Lifetime: may be destroyed inside its own events.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "h2_connection.h"
#include "lgen/grpc.h"
#include "tcp_connect.h"

namespace lgen {

class H2Link final : private H2Connection::Events {
 public:
  class Events {
   public:
    /// The attempt is through: ready, or failed with error(). Later: news of the connection or of its streams.
    virtual void link_news(H2Link& link) = 0;

   protected:
    ~Events() = default;
  };

  H2Link(std::shared_ptr<NetContext> context, const ChannelOptions& options, Events& events);

  void dial(ConnectTo to, std::int32_t first_stream);
  /// The peer's SETTINGS are here: calls may go.
  bool settled() const { return connection_ && connection_->settings_at() != TimePoint{}; }
  /// The channel has taken it as its `number`th; keepalive begins.
  void accept(std::uint64_t number);
  std::uint64_t number() const { return number_; }  // 0: not accepted yet
  /// Why it could not be made, or why it is over.
  const std::optional<Error>& error() const { return error_; }
  H2Connection* connection() { return connection_.get(); }
  const std::string& peer() const { return peer_; }
  /// Calls have begun or ended: keepalive depends on it.
  void busy(bool calls_open);

  /// How long it took to make, once settled.
  ConnectSteps steps() const;

 private:
  void on_news() override;
  void connected(Result<Connected> made);
  Error early_end(const Error& error) const;
  void fail(ErrorCode code, std::string message);
  void on_timer();
  void plan_ping();
  Duration ping_pause() const;

  std::shared_ptr<NetContext> context_;
  const ChannelOptions& options_;
  Events& events_;
  ConnectTo to_;
  std::int32_t first_stream_ = 1;
  Op dialling_;
  std::unique_ptr<H2Connection> connection_;
  ConnectTiming timing_;
  std::string peer_;
  std::optional<Error> error_;
  std::uint64_t number_ = 0;
  Timer timer_;  // until accepted: the deadline; then keepalive
  TimePoint pinged_at_{};
  bool pinging_ = false;  // a ping is out
  bool calls_open_ = false;
};

}  // namespace lgen
