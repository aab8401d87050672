#include "http1_session.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <utility>

namespace lgen {
namespace {

constexpr std::size_t kShown = 40;  // bytes of a puzzling answer

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const unsigned char c : bytes.substr(0, kShown)) {
    text += std::isprint(c) != 0 && c != '"' ? std::string(1, static_cast<char>(c)) : fmt::format("\\x{:02x}", c);
  }
  return text + (bytes.size() > kShown ? "...\"" : "\"");
}

/// What a listener that is no HTTP/1.1 server gives away by its first bytes; empty: nothing.
std::string other_protocol(std::string_view bytes) {
  if (bytes.size() < 5) return {};
  if ((bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 0x03) return "it speaks TLS there; use https://";
  if (bytes[0] == 0 && bytes[3] == 0x04) return "it speaks HTTP/2 there; is it a gRPC port?";
  return {};
}

}  // namespace

Http1Session::Http1Session(Loop& loop, Connected connected, const Http1Parser::Limits& limits, bool unpack,
                           std::uint64_t number, Duration patience)
    : HttpExchange(number, connected.timing),
      loop_(loop),
      stream_(std::move(connected.stream)),
      parser_(Http1Parser::Kind::response, limits),
      patience_(patience) {
  parser_.unpack(unpack);
  stream_->set_events(*this);
}

void Http1Session::start(const HttpPrepared& request, std::string_view body, User& user) {
  user_ = &user;
  keeper_ = nullptr;
  parser_.next();
  if (request.request.method == "HEAD") parser_.expect_no_body();
  if (request.head.upgrades) parser_.expect_upgrade();
  first_bytes_.clear();
  first_byte_ = done_ = {};
  sent_ = received_ = 0;
  const Http1Head& head = request.head;
  if (body.empty()) return write(head.alone);
  write(head.text);
  if (head.add_length) {
    std::array<char, 48> line{};
    const char* end = fmt::format_to(line.data(), "Content-Length: {}\r\n", body.size());
    write({line.data(), static_cast<std::size_t>(end - line.data())});
  }
  write("\r\n");
  head.expects ? hold(body) : write(body);
}

void Http1Session::hold(std::string_view body) {
  held_ = body;
  if (!release_) release_ = std::make_unique<Timer>(loop_, [this] { release(); });
  release_->arm(loop_.now() + patience_);
}

/// Not once a final answer has begun: the server does not want it.
void Http1Session::release() {
  if (parser_.head_complete()) return;
  release_->disarm();
  write(std::exchange(held_, {}));
}

void Http1Session::write(std::string_view bytes) {
  stream_->write(bytes);
  sent_ += bytes.size();
}

HttpExchange::Answer Http1Session::answer() const {
  const bool head = parser_.head_complete();
  return {head,           head ? parser_.status() : 0, head ? parser_.reason() : std::string_view(), &parser_.headers(),
          parser_.body(), parser_.body_received()};
}

void Http1Session::on_data(std::string_view bytes) {
  if (user_ == nullptr) return lost();
  received_ += bytes.size();
  last_read_ = loop_.precise_now();
  if (first_byte_ == TimePoint{}) first_byte_ = last_read_;
  if (first_bytes_.size() <= kShown) first_bytes_.append(bytes.substr(0, kShown + 1 - first_bytes_.size()));
  const std::size_t taken = parser_.feed(bytes);
  if (parser_.fault() != Http1Parser::Fault::none) return fail(ErrorCode::protocol, fault_message());
  if (!held_.empty() && parser_.continued()) {
    if (!parser_.head_complete()) first_byte_ = {};  // of the answer none has come yet
    release();
  }
  // An answer that has not waited for the whole request leaves the rest of it on the connection.
  const bool all_sent = stream_->buffered() == 0 && held_.empty();
  if (parser_.complete()) answered(parser_.keep_alive() && all_sent && taken == bytes.size());
}

void Http1Session::on_end() {
  if (user_ == nullptr) return lost();
  last_read_ = loop_.precise_now();
  if (parser_.finish()) return answered(false);
  if (parser_.fault() != Http1Parser::Fault::none) return fail(ErrorCode::protocol, fault_message());
  fail(ErrorCode::closed, fmt::format("{} closed the connection {}", peer(), where_it_broke()));
}

void Http1Session::on_error(const Error& error) {
  if (user_ == nullptr) return lost();
  if (error.code == ErrorCode::tls) return fail(error.code, error.message);
  fail(error.code, fmt::format("{} {}", error.message, where_it_broke()));
}

void Http1Session::lost() {
  closed_ = HttpClosed::idle;
  if (Keeper* keeper = std::exchange(keeper_, nullptr)) keeper->lost(*this);
}

void Http1Session::ended() {
  if (release_) release_->disarm();
  held_ = {};
}

void Http1Session::answered(bool reusable) {
  done_ = last_read_;
  if (!parser_.keep_alive()) closed_ = HttpClosed::answer;
  ended();
  std::exchange(user_, nullptr)->on_answer(reusable);
}

void Http1Session::fail(ErrorCode code, const std::string& what) {
  done_ = loop_.precise_now();
  closed_ = HttpClosed::failed;
  const Seen seen = first_byte_ == TimePoint{} ? Seen::unanswered : Seen::maybe;
  ended();
  std::exchange(user_, nullptr)->on_failure(make_error(code, what), seen);
}

std::string Http1Session::where_it_broke() const {
  if (first_byte_ == TimePoint{}) return "without an answer";
  if (!parser_.head_complete()) return "in the middle of the answer's headers";
  const auto announced = parser_.body_announced();
  if (!announced) return fmt::format("in the middle of the body, after {} bytes of it", parser_.body_received());
  return fmt::format("in the middle of the body: {} of {} bytes have come", parser_.body_received(), *announced);
}

std::string Http1Session::fault_message() const {
  using Fault = Http1Parser::Fault;
  if (parser_.fault() == Fault::head_too_large || parser_.fault() == Fault::body_too_large) {
    return fmt::format("the answer of {} has {}, and no more is read; is it the right page?", peer(),
                       parser_.fault_text());
  }
  if (parser_.head_complete())
    return fmt::format("the body of the answer of {} is malformed: {}", peer(), parser_.fault_text());
  const std::string other = other_protocol(first_bytes_);
  return fmt::format("{} does not answer in HTTP/1.1: {} (it sent {})", peer(),
                     other.empty() ? parser_.fault_text() : other, quoted(first_bytes_));
}

}  // namespace lgen
