#include "service_link.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <utility>

#include "exit_code.h"
#include "lgen/log.h"
#include "lgen/plan.h"
#include "lgen/report.h"
#include "lgen/text.h"
#include "lgen/units.h"

namespace lgen::cli {
namespace {

constexpr int kStatusBase = 64;
constexpr std::string_view kProbe = "/lgen.Probe/WhyNotReady";
constexpr Duration kExplanation = std::chrono::milliseconds(3500);  // a little more than explain_tls_failure takes

/// The codes' names as Go and grpcurl print them.
constexpr std::array<std::string_view, kGrpcCodes> kCodeNames = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

Ended refuse(const Error& error) {
  complain(error.message);
  return {kConfiguration};
}

/// What the network is to blame for is a failed call; everything else is the command line or the schema.
std::optional<GrpcCode> status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::timeout:
      return GrpcCode::deadline_exceeded;
    case ErrorCode::cancelled:
      return GrpcCode::cancelled;
    case ErrorCode::refused:
    case ErrorCode::tls:
    case ErrorCode::protocol:
    case ErrorCode::closed:
    case ErrorCode::unavailable:
      return GrpcCode::unavailable;
    case ErrorCode::exhausted:
      return GrpcCode::resource_exhausted;
    default:
      return std::nullopt;
  }
}

/// A server's words without what would steer a terminal; its line breaks stay.
std::string harmless(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += (at == 0 ? "" : "\n") + printable(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// The engine's errors speak of options by their names in plans.
std::string in_our_words(std::string message) {
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"in import_paths", "by -import-path"},
      {"use transport \"grpc\"", "use -transport grpc"},
      {"raise the channel's max_recv (lgen bench: --max-recv-message-size)", "raise -max-msg-sz"}};
  for (const auto& [theirs, ours] : kWords) {
    for (std::size_t at = 0; (at = message.find(theirs, at)) != std::string::npos; at += ours.size()) {
      message.replace(at, theirs.size(), ours);
    }
  }
  return message;
}

}  // namespace

std::string symbol_name(std::string_view said) {
  std::string name(said.substr(said.starts_with('/') || said.starts_with('.') ? 1 : 0));
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

int exit_code_of(GrpcCode code) { return kStatusBase + static_cast<int>(code); }

int report_status(const GrpcStatus& status, const std::vector<std::string>& details) {
  std::string text =
      fmt::format("ERROR:\n  Code: {}\n  Message: {}\n", kCodeNames[static_cast<std::size_t>(status.code)],
                  harmless(in_our_words(status.message)));
  if (!details.empty()) text += "  Details:\n";
  for (std::size_t i = 0; i < details.size(); ++i) {
    std::string indented = details[i];
    for (std::size_t at = 0; (at = indented.find('\n', at)) != std::string::npos; at += 6)
      indented.insert(at + 1, "     ");
    text += fmt::format("  {}) {}\n", i + 1, indented);
  }
  write_stderr(text);
  return exit_code_of(status.code);
}

ServiceLink::ServiceLink(const ServiceFlags& flags) : flags_(flags), loop_(clock_), started_(loop_.precise_now()) {
  route_grpc_log();  // what gRPC logs is told here with its reason
  for (const int signal : {SIGINT, SIGTERM}) {
    loop_.on_signal(signal, [this](int got) {
      if (signal_ != 0) _exit(128 + got);
      signal_ = got;
    });
  }
}

ServiceLink::~ServiceLink() {
  for (const int signal : {SIGINT, SIGTERM}) loop_.on_signal(signal, {});
}

bool ServiceLink::run_until(const std::function<bool()>& done) {
  loop_.run_until([&] { return signal_ != 0 || done(); });
  if (signal_ == 0) return true;
  complain(signal_ == SIGINT ? "interrupted" : "terminated");
  return false;
}

std::optional<Duration> ServiceLink::time_left() const {
  if (!flags_.max_time) return std::nullopt;
  return std::max(*flags_.max_time - (loop_.precise_now() - started_), Duration(1));
}

std::optional<Ended> ServiceLink::open() {
  const bool files = !flags_.protos.empty() || !flags_.protosets.empty();
  if (files) {  // broken ones are told before anything is dialled
    if (const Outcome loaded = load_files(); !loaded) return refuse(loaded.error());
  }
  if (!flags_.target.empty()) {
    if (flags_.verbose > 0)
      fmt::print("Connection: {}, {}{}\n", flags_.target, flags_.security,
                 flags_.transport == "grpc" ? "" : ", over h2");
    std::fflush(stdout);
    if (const auto ended = connect()) return ended;
  }
  if (flags_.use_reflection) {
    if (const auto ended = ask_server()) return ended;
  }
  if (const Outcome written = write_protoset(); !written) return refuse(written.error());
  return std::nullopt;
}

Outcome ServiceLink::load_files() {
  auto schema = flags_.protosets.empty()
                    ? Schema::from_files({flags_.protos, flags_.import_paths, "", bundled_protos()})
                    : Schema::from_protoset(flags_.protosets);
  if (!schema) return make_error(schema.error().code, in_our_words(schema.error().message));
  schema_ = std::move(*schema);
  return Done{};
}

std::optional<Ended> ServiceLink::connect() {
  auto channel = make_channel(flags_.transport, loop_, flags_.target, flags_.wire);
  if (!channel) return refuse({channel.error().code, in_our_words(channel.error().message)});
  channel_ = std::move(*channel);
  const Duration limit = std::min(flags_.connect_timeout, flags_.max_time.value_or(Duration::max()));
  bool failed = false;
  std::optional<Outcome> ready;
  channel_->on_event([&](const ChannelEvent& e) { failed = failed || e.state == ChannelState::transient_failure; });
  const Op waiting = channel_->wait_ready(started_ + limit, [&](Outcome outcome) { ready = std::move(outcome); });
  const bool undisturbed = run_until([&] { return ready || failed; });
  channel_->on_event({});
  connect_took = loop_.precise_now() - started_;
  if (!undisturbed) return Ended{kStopped};
  if (ready && ready->ok()) return std::nullopt;
  const Error error = ready ? ready->error() : connect_failure();
  return Ended{report_status(connect_status(error))};
}

/// Which of the two limits it was, if any.
GrpcStatus ServiceLink::connect_status(const Error& error) const {
  if (flags_.max_time && *flags_.max_time <= connect_took) {
    return {GrpcCode::deadline_exceeded,
            fmt::format("{} (-max-time {})", error.message, format_duration(*flags_.max_time)), ""};
  }
  const bool late = connect_took >= flags_.connect_timeout;
  const std::string limit = fmt::format(" (-connect-timeout {})", format_duration(flags_.connect_timeout));
  return {GrpcCode::unavailable, error.message + (late ? limit : ""), ""};
}

/// One failed attempt is enough. gRPC tells the cause only to calls; a handshake's is found out by another one. Our own
/// transport knows both already.
Error ServiceLink::connect_failure() {
  if (flags_.transport == "h2") return wait_ready_error(Duration{0});
  bool told = false;
  CallOptions options;
  options.timeout = std::chrono::seconds(1);
  const Op probe = channel_->unary(kProbe, {}, options, [&](const UnaryResult&) { told = true; });
  loop_.run_until([&] { return told; });
  const Error error = wait_ready_error(Duration{0});
  const bool handshake = error.code == ErrorCode::tls || error.code == ErrorCode::protocol;
  return flags_.wire.tls && handshake ? wait_ready_error(kExplanation) : error;
}

Error ServiceLink::wait_ready_error(Duration limit) {
  std::optional<Outcome> ready;
  const Op waiting =
      channel_->wait_ready(loop_.precise_now() + limit, [&](Outcome outcome) { ready = std::move(outcome); });
  loop_.run_until([&] { return ready.has_value(); });
  return ready->ok() ? make_error(ErrorCode::unavailable, flags_.target + " could not be reached at once")
                     : ready->error();
}

bool ServiceLink::knows(const Schema& schema) const {
  return flags_.symbol.empty() || schema.describe(symbol_name(flags_.symbol)).ok();
}

/// What the server says of itself comes before the files, unless it does not know what is asked for.
std::optional<Ended> ServiceLink::ask_server() {
  const TimePoint asked = loop_.precise_now();
  ReflectionOptions options;
  options.metadata = flags_.reflection_headers;
  options.instead = "-proto FILE or -protoset FILE";
  options.timeout = time_left().value_or(Duration{0});
  std::optional<GrpcCode> answered;
  options.failed = [&](GrpcCode code) { answered = code; };
  std::optional<Result<std::unique_ptr<Schema>>> found;
  const Op asking = Schema::from_reflection(*channel_, options, [&](auto result) { found = std::move(result); });
  if (!run_until([&] { return found.has_value(); })) return Ended{kStopped};
  schema_took = loop_.precise_now() - asked;
  if (found->ok()) {
    if (!schema_ || knows(***found)) schema_ = std::move(**found);
    return std::nullopt;
  }
  const Error& error = found->error();
  if (schema_ && error.code == ErrorCode::not_found) return std::nullopt;  // the files have to do
  if (const auto code = status_of(error.code))
    return Ended{report_status({answered.value_or(*code), error.message, ""})};
  return refuse(error);
}

Outcome ServiceLink::write_protoset() const {
  if (flags_.protoset_out.empty()) return Done{};
  return write_file(flags_.protoset_out, schema_->to_protoset());
}

}  // namespace lgen::cli
