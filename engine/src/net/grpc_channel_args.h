// ChannelOptions in gRPC's own terms: channel arguments and credentials, checked.
// Thread: the loop's.
#pragma once

#include <grpc/grpc.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "lgen/error.h"
#include "lgen/grpc.h"

namespace lgen {

/// Everything a channel is dialled with; kept, because reconnect() dials again.
class GrpcChannelArgs {
 public:
  /// Fails on options that contradict each other, on files that cannot be read and on what gRPC 1.51 cannot do.
  static Result<GrpcChannelArgs> make(const ChannelOptions& options);

  /// A new channel; `dial` makes its connections differ from those of earlier ones.
  grpc_channel* dial(const std::string& uri, std::uint64_t dial) const;
  const ChannelOptions& options() const { return options_; }

 private:
  explicit GrpcChannelArgs(const ChannelOptions& options);
  void set(const char* key, int value);
  void set(const char* key, const std::string& value);
  void add_behaviour();
  void add_pace();
  Outcome add_raw();

  struct Release {
    void operator()(grpc_channel_credentials* credentials) const { grpc_channel_credentials_release(credentials); }
  };
  ChannelOptions options_;
  std::unique_ptr<std::deque<std::string>> texts_;  // what the arguments point to
  std::vector<grpc_arg> args_;
  std::unique_ptr<grpc_channel_credentials, Release> credentials_;
};

/// "host:port" as "dns:///host:port"; a target with a scheme stays as it is.
std::string grpc_target_uri(const std::string& target);

/// "host:port" out of a target, for people and for plain TLS connections.
std::string grpc_target_address(const std::string& target);

/// gRPC's credentials for the options; nothing: plaintext.
Result<grpc_channel_credentials*> make_grpc_credentials(const ChannelOptions& options);

}  // namespace lgen
