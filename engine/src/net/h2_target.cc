#include "h2_target.h"

#include <fmt/format.h>

#include "address.h"
#include "grpc_channel_args.h"

namespace lgen {
namespace {

Error refused(std::string what) {
  return make_error(ErrorCode::invalid_argument, std::move(what) + "; or use transport \"grpc\"");
}

Result<H2Target> local_target(const std::string& uri) {
  H2Target made;
  const bool abstract = uri.starts_with("unix-abstract:");
  std::string path = uri.substr(uri.find(':') + 1);
  if (!abstract && path.starts_with("//")) path.erase(0, 2);
  made.to.local_path = abstract ? std::string(1, '\0') + path : path;
  made.address = uri;
  made.authority = "localhost";
  return made;
}

}  // namespace

Result<H2Target> parse_h2_target(const std::string& target) {
  const std::string uri = grpc_target_uri(target);
  if (uri.starts_with("unix")) return local_target(uri);
  if (!uri.starts_with("dns:") && !uri.starts_with("ipv4:") && !uri.starts_with("ipv6:")) {
    return refused(fmt::format("{}: a channel of transport \"h2\" connects to HOST:PORT or unix:PATH", target));
  }
  if (uri.starts_with("dns://") && !uri.starts_with("dns:///")) {
    return refused(fmt::format("{}: transport \"h2\" asks the system for names, not a server of its own", target));
  }
  if (uri.find(',') != std::string::npos) {
    return refused(fmt::format("{}: a channel of transport \"h2\" is one connection; give it one address", target));
  }
  H2Target made;
  made.address = grpc_target_address(target);
  made.authority = made.address;
  const auto parts = split_host_port(made.address);
  if (!parts || parts->host.empty()) {
    return make_error(ErrorCode::invalid_argument, fmt::format("{}: HOST:PORT expected", target));
  }
  made.to.host = parts->host;
  made.to.port = parts->port;
  return made;
}

Outcome check_h2_options(const ChannelOptions& options) {
  if (auto common = check_channel_options(options); !common) return common;
  if (!options.lb.empty() && options.lb != "pick_first") {
    return refused(
        fmt::format("lb: '{}' spreads calls over several connections, and a channel of transport \"h2\" is "
                    "exactly one; make a pool of channels",
                    options.lb));
  }
  if (!options.service_config.empty()) {
    return refused("service_config: transport \"h2\" does not follow one; say what it says in the channel's options");
  }
  if (options.retries) return refused("retries: transport \"h2\" makes every call once; retry in the plan");
  if (!options.args.empty()) {
    return refused(fmt::format("args['{}']: channel arguments are gRPC core's; transport \"h2\" has none",
                               options.args.begin()->first));
  }
  if (options.use_env_proxy) return refused("--proxy env: transport \"h2\" connects directly");
  return Done{};
}

Result<std::unique_ptr<GrpcChannel>> make_channel(std::string_view transport, Loop& loop, const std::string& target,
                                                  const ChannelOptions& options) {
  return transport == "h2" ? make_h2_channel(loop, target, options) : make_grpc_core_channel(loop, target, options);
}

Outcome check_transport_options(std::string_view transport, const ChannelOptions& options) {
  return transport == "h2" ? check_h2_options(options) : check_channel_options(options);
}

}  // namespace lgen
