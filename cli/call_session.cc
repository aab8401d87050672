#include "call_session.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "exit_code.h"
#include "lgen/log.h"
#include "lgen/text.h"
#include "lgen/units.h"

namespace lgen::cli {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view bytes) {
  std::string out;
  unsigned bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kBase64[bits >> (held - 6) & 63];
  }
  if (held > 0) out += kBase64[bits << (6 - held) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

/// "name: value" lines; binary values in base64, as -H takes them.
template <class Headers>
std::string header_lines(const Headers& headers) {
  std::string out;
  for (const auto& [name, value] : headers) {
    out += fmt::format("{}: {}\n", name, name.ends_with("-bin") ? base64(value) : std::string(value));
  }
  return out.empty() ? "(empty)\n" : out;
}

/// Nothing, while it is not known.
std::string peer_line(std::string_view peer) { return peer.empty() ? "" : fmt::format("\nPeer: {}\n", peer); }

}  // namespace

CallSession::CallSession(ServiceLink& link, const ServiceFlags& flags, const MethodInfo& method)
    : link_(link),
      flags_(flags),
      method_(method),
      texts_(link.schema(), flags.messages),
      requests_(texts_, flags.messages.format, method.input->name, flags.data) {}

int CallSession::run() {
  if (!requests_.error() && takes_one()) {
    if (const auto ended = gather_one()) return ended->exit_code;
  }
  if (requests_.error()) {  // known before anything has been sent
    complain(requests_.error()->message);
    return kConfiguration;
  }
  if (flags_.verbose > 0) print_before();
  open();
  const bool undisturbed = link_.run_until([this] { return done_; });
  if (!undisturbed) {
    cancel("interrupted");
    link_.loop().run_until([this] { return done_; });
  }
  return conclude(!undisturbed);
}

/// Reads to the end of the input, because one message too many is an error before the call, not after it.
std::optional<Ended> CallSession::gather_one() {
  bool too_many = false;
  const auto look = [&] {
    while (const std::string* message = requests_.front()) {
      too_many = only_request_.has_value();
      if (too_many) return;
      only_request_ = *message;
      requests_.pop();
    }
  };
  requests_.start(link_.loop(), look);
  if (!link_.run_until([&] { return too_many || requests_.error() || requests_.ended(); })) return Ended{kStopped};
  if (!too_many || requests_.error()) return std::nullopt;
  complain(fmt::format("-d: {} takes one message, but there are more", method_.name));
  return Ended{kConfiguration};
}

void CallSession::open() {
  CallOptions options;
  options.timeout = link_.time_left();
  options.metadata = &flags_.rpc_headers;
  stream_ = link_.channel().open(method_.path, method_.kind, options, *this);
  stream_->read();
  if (!takes_one()) return requests_.start(link_.loop(), [this] { pump(); });
  sent_ = 1;
  stream_->send(only_request_.value_or(""));
  stream_->half_close();
}

void CallSession::pump() {
  if (done_ || half_closed_) return;
  while (const std::string* message = requests_.front()) {
    if (stream_->send(*message) != GrpcStream::Sent::accepted) return;  // on_writable or on_done follows
    ++sent_;
    requests_.pop();
  }
  if (requests_.error()) return cancel("the input is no message");
  if (!requests_.ended()) return;
  half_closed_ = true;
  stream_->half_close();
}

void CallSession::cancel(std::string_view why) {
  if (!done_) stream_->cancel(why);
}

void CallSession::on_headers(const MetadataView& headers, std::string_view peer, std::uint64_t, TimePoint) {
  headers_seen_ = true;
  if (flags_.verbose == 0) return;
  print(fmt::format("{}\nResponse headers received:\n{}", peer_line(peer), header_lines(headers)));
}

void CallSession::on_message(std::string_view message) {
  last_message_ = link_.loop().precise_now();
  if (received_++ == 0) first_message_ = last_message_;
  const auto text = texts_.from_wire(method_.output->name, message);
  if (!text) {
    bad_reply_ =
        make_error(text.error().code, fmt::format("lgen cannot read reply {}: {}", received_, text.error().message));
    return cancel("the reply is no message");
  }
  std::string out;
  if (flags_.verbose > 1) out = fmt::format("\nEstimated response size: {} bytes\n", message.size());
  if (flags_.verbose > 0) out += "\nResponse contents:\n";
  if (flags_.verbose == 0 && received_ > 1 && flags_.messages.format == MessageFormat::text) out += "\x1e\n";
  print(out + *text + "\n");
  stream_->read();
}

void CallSession::on_done(const StreamResult& result) {
  done_ = true;
  status_ = result.status;
  timing_ = result.timing;
  trailers_ = header_lines(*result.trailers);
  peer_ = result.peer;
  explain(status_);
}

/// Which option set the deadline that was met.
void CallSession::explain(GrpcStatus& status) const {
  if (status.code == GrpcCode::deadline_exceeded && flags_.max_time) {
    status.message += fmt::format(" (-max-time {})", format_duration(*flags_.max_time));
  }
}

int CallSession::conclude(bool interrupted) {
  if (flags_.verbose > 0) print_end();
  if (output_error_ != 0) {
    const bool reader_gone = output_error_ == EPIPE;
    complain(fmt::format("standard output cannot be written{}{}", reader_gone ? "" : ": ",
                         reader_gone ? "" : std::strerror(output_error_)));
    return kOutputFailed;
  }
  if (interrupted) return kStopped;
  if (requests_.error() && status_.code == GrpcCode::cancelled) {
    complain(requests_.error()->message);
    return kConfiguration;
  }
  if (bad_reply_) return report_status({GrpcCode::internal, bad_reply_->message, ""});
  return status_.ok() ? kOk : report_failure();
}

int CallSession::report_failure() {
  std::fflush(stdout);
  if (!flags_.format_error) return report_status(status_, texts_.status_details(status_.details));
  write_stderr(fmt::format("{}\n", texts_.status(static_cast<int>(status_.code), status_.message, status_.details)));
  return exit_code_of(status_.code);
}

void CallSession::print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written || output_error_ != 0) return;
  output_error_ = errno;
  cancel("standard output is closed");
}

void CallSession::print_before() const {
  const auto described = link_.schema().describe(symbol_name(method_.name));
  std::string text = described ? *described : method_.name;
  if (const std::size_t end = text.find(":\n"); end != std::string::npos) text.erase(0, end + 2);
  fmt::print("\nResolved method descriptor:\n{}\n\nRequest metadata to send:\n{}", text,
             header_lines(flags_.rpc_headers));
}

std::string CallSession::since_start(TimePoint at) const {
  return at == TimePoint{} ? "-" : format_duration(at - timing_.started);
}

void CallSession::print_end() {
  std::string text;
  if (!headers_seen_) text += peer_line(peer_) + "\nResponse headers received:\n(empty)\n";
  text += fmt::format("\nResponse trailers received:\n{}Sent {} and received {}\n", trailers_,
                      counted(sent_, "request"), counted(received_, "response"));
  if (flags_.verbose > 1) {
    text += fmt::format("\nTiming:\n  {:<16}{}\n", "connect", format_duration(link_.connect_took));
    if (flags_.use_reflection) text += fmt::format("  {:<16}{}\n", "schema", format_duration(link_.schema_took));
    text += fmt::format("  from the start of the call:\n  {:<16}{}\n  {:<16}{}\n  {:<16}{}\n  {:<16}{}\n", "headers",
                        since_start(timing_.first_byte), "first message", since_start(first_message_), "last message",
                        since_start(last_message_), "end", since_start(timing_.done));
  }
  print(text);
}

}  // namespace lgen::cli
