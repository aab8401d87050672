#include "grpc_channel_args.h"

#include <fmt/format.h>
#include <grpc/grpc_security.h>

#include <algorithm>
#include <climits>
#include <string_view>
#include <utility>

#include "service_config.h"

namespace lgen {
namespace {

int milliseconds(Duration duration) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, INT_MAX));
}

int bytes(const std::optional<std::uint64_t>& limit) {
  return limit ? static_cast<int>(std::min<std::uint64_t>(*limit, INT_MAX)) : -1;
}

Outcome check_lb(const std::string& lb) {
  if (lb.empty() || lb == "pick_first" || lb == "round_robin") return Done{};
  return make_error(ErrorCode::invalid_argument,
                    "load balancing policy '" + lb +
                        "' is not known: use pick_first or round_robin, or name a policy that needs a configuration in "
                        "service_config");
}

std::string visible(unsigned char c) {
  return c > 0x20 && c < 0x7f ? fmt::format("'{}'", static_cast<char>(c))
         : c == ' '           ? "a blank"
                              : fmt::format("0x{:02X}", c);
}

/// `may`: what a character may be, `rule`: the same in words.
template <class May>
Outcome check_characters(std::string_view text, May may, std::string_view rule) {
  const auto bad = std::find_if_not(text.begin(), text.end(), [&](unsigned char c) { return may(c); });
  if (bad == text.end()) return Done{};
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("{} as character {} cannot be sent; {}", visible(static_cast<unsigned char>(*bad)),
                                bad - text.begin() + 1, rule));
}

Outcome named(std::string_view option, const Outcome& checked) {
  if (checked) return checked;
  return make_error(checked.error().code, fmt::format("{}: {}", option, checked.error().message));
}

}  // namespace

Outcome check_user_agent(std::string_view text) {
  return check_characters(
      text, [](unsigned char c) { return c >= 0x20 && c < 0x7f; }, "a value may hold printable ASCII only");
}

/// The characters of RFC 3986's authority.
Outcome check_authority(std::string_view text) {
  static constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@%[]";
  return check_characters(
      text,
      [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               kMarks.find(static_cast<char>(c)) != std::string_view::npos;
      },
      "an authority is a host name or address, with or without :PORT");
}

Outcome check_channel_options(const ChannelOptions& options) {
  if (auto agent = named("user_agent", check_user_agent(options.user_agent)); !agent) return agent;
  if (auto authority = named("authority", check_authority(options.authority)); !authority) return authority;
  if (options.tls) {
    if (auto name = named("server_name", check_authority(options.tls->server_name)); !name) return name;
  }
  if (auto lb = check_lb(options.lb); !lb) return lb;
  if (auto config = check_service_config(options.service_config); !config) return config;
  if (options.keepalive.time < Duration{0} || options.keepalive.timeout <= Duration{0}) {
    return make_error(ErrorCode::invalid_argument, "keepalive: time and timeout must be positive");
  }
  if (options.backoff.initial > options.backoff.max) {
    return make_error(ErrorCode::invalid_argument, "backoff: initial is longer than max");
  }
  return options.tls ? check_tls_files(*options.tls) : Outcome(Done{});
}

std::string grpc_target_uri(const std::string& target) {
  const std::size_t colon = target.find(':');
  const bool slashes = target.find("://") != std::string::npos;
  const std::string_view scheme = std::string_view(target).substr(0, colon);
  const bool known = scheme == "unix" || scheme == "unix-abstract" || scheme == "ipv4" || scheme == "ipv6" ||
                     scheme == "dns" || scheme == "vsock";
  const bool port_follows = colon != std::string::npos && colon + 1 < target.size() && target[colon + 1] >= '0' &&
                            target[colon + 1] <= '9' && scheme != "ipv4";
  return slashes || (known && !port_follows) ? target : "dns:///" + target;
}

std::string grpc_target_address(const std::string& target) {
  std::string address = grpc_target_uri(target);
  for (const std::string_view prefix : {"dns:", "ipv4:", "ipv6:"}) {
    if (address.starts_with(prefix)) address.erase(0, prefix.size());
  }
  if (address.starts_with("//")) address.erase(0, address.find('/', 2) + 1);  // an authority: the name server
  return address.substr(0, address.find(','));
}

GrpcChannelArgs::GrpcChannelArgs(const ChannelOptions& options)
    : options_(options), texts_(std::make_unique<std::deque<std::string>>()) {}

void GrpcChannelArgs::set(const char* key, int value) {
  grpc_arg arg{};
  arg.type = GRPC_ARG_INTEGER;
  arg.key = const_cast<char*>(key);
  arg.value.integer = value;
  args_.push_back(arg);
}

void GrpcChannelArgs::set(const char* key, const std::string& value) {
  grpc_arg arg{};
  arg.type = GRPC_ARG_STRING;
  arg.key = const_cast<char*>(key);
  arg.value.string = texts_->emplace_back(value).data();
  args_.push_back(arg);
}

Result<GrpcChannelArgs> GrpcChannelArgs::make(const ChannelOptions& options) {
  if (auto checked = check_channel_options(options); !checked) return checked.error();
  GrpcChannelArgs args(options);
  args.add_behaviour();
  args.add_pace();
  if (auto raw = args.add_raw(); !raw) return raw.error();
  auto credentials = make_grpc_credentials(options);
  if (!credentials) return credentials.error();
  args.credentials_.reset(*credentials);
  return args;
}

/// What a load client needs: nothing hidden, nothing shared unasked, no limits but the plan's.
void GrpcChannelArgs::add_behaviour() {
  set(GRPC_ARG_ENABLE_RETRIES, options_.retries ? 1 : 0);
  set(GRPC_ARG_ENABLE_CHANNELZ, 0);
  set(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0);  // the loop's timers watch over deadlines, cheaper and more exactly
  set(GRPC_ARG_ENABLE_HTTP_PROXY, options_.use_env_proxy ? 1 : 0);
  set(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, options_.own_connection ? 1 : 0);
  set(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, bytes(options_.max_recv));
  set(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, bytes(options_.max_send));
  if (!options_.lb.empty()) set(GRPC_ARG_LB_POLICY_NAME, options_.lb);
  if (!options_.service_config.empty()) set(GRPC_ARG_SERVICE_CONFIG, options_.service_config);
  if (!options_.user_agent.empty()) set(GRPC_ARG_PRIMARY_USER_AGENT_STRING, options_.user_agent);
  if (options_.compression != Compression::none) {
    set(GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
        options_.compression == Compression::gzip ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_DEFLATE);
  }
  const std::string& server_name = options_.tls ? options_.tls->server_name : options_.authority;
  if (options_.tls && !server_name.empty()) set(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, server_name);
  const std::string& authority = options_.authority.empty() ? server_name : options_.authority;
  if (!authority.empty()) set(GRPC_ARG_DEFAULT_AUTHORITY, authority);
}

void GrpcChannelArgs::add_pace() {
  set(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, milliseconds(options_.backoff.initial));
  set(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, milliseconds(options_.backoff.min));
  set(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, milliseconds(options_.backoff.max));
  set(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, options_.idle_timeout ? milliseconds(*options_.idle_timeout) : INT_MAX);
  if (options_.keepalive.time == Duration{0}) return;
  set(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options_.keepalive.time));
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(options_.keepalive.timeout));
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, options_.keepalive.without_calls ? 1 : 0);
  set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // unlimited: the default ends keepalive after two pings
}

/// Applied last: gRPC takes the later of two arguments with one key.
Outcome GrpcChannelArgs::add_raw() {
  for (const auto& [key, value] : options_.args) {
    const char* name = texts_->emplace_back(key).c_str();
    if (const auto* text = std::get_if<std::string>(&value)) {
      set(name, *text);
      continue;
    }
    const std::int64_t number = std::get<std::int64_t>(value);
    if (number < INT_MIN || number > INT_MAX) {
      return make_error(ErrorCode::invalid_argument,
                        "args['" + key + "']: " + std::to_string(number) + " does not fit a 32-bit channel argument");
    }
    set(name, static_cast<int>(number));
  }
  return Done{};
}

grpc_channel* GrpcChannelArgs::dial(const std::string& uri, std::uint64_t dial) const {
  std::vector<grpc_arg> args = args_;
  grpc_arg number{};  // gRPC shares connections between channels with equal arguments only
  number.type = GRPC_ARG_INTEGER;
  number.key = const_cast<char*>("lgen.dial");
  number.value.integer = static_cast<int>(dial);
  if (dial > 1) args.push_back(number);
  const grpc_channel_args all{args.size(), args.data()};
  return grpc_channel_create(uri.c_str(), credentials_.get(), &all);
}

}  // namespace lgen
