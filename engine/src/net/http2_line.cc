#include "http2_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace lgen {
namespace {

constexpr std::size_t kConsume = 256 << 10;  // bytes read before the peer is told that they were
constexpr std::size_t kKeepHead = 4 << 10;   // of room, for the next answer
constexpr std::size_t kKeepBody = 64 << 10;

std::string_view name_of(const nghttp2_nv& nv) { return {reinterpret_cast<const char*>(nv.name), nv.namelen}; }

}  // namespace

// ---- the exchange ----

Http2Exchange::Http2Exchange(Http2Line& line) : HttpExchange(line.number(), line.timing()), line_(line) {}

void Http2Exchange::let_go() noexcept {
  if (h2() != nullptr) h2()->reset(*this, NGHTTP2_CANCEL);
  if (std::exchange(noted_, false)) std::erase(line_.over_, this);
  clear();
  line_.take_back(*this);
}

/// Everything for another request. What was once large is given back.
void Http2Exchange::clear() {
  user_ = nullptr;
  body_ = {};
  if (text_.capacity() > kKeepHead) std::string().swap(text_);
  if (answer_body_.capacity() > kKeepBody) std::string().swap(answer_body_);
  text_.clear();
  answer_body_.clear();
  fields_.clear();
  headers_.clear();
  gunzip_.reset();
  error_.reset();
  status_ = 0;
  head_complete_ = over_ = held_ = never_seen_ = false;
  if (release_) release_->disarm();
  head_bytes_ = unconsumed_ = 0;
  body_received_ = sent_ = received_ = 0;
  first_byte_ = done_ = {};
}

void Http2Exchange::start(const HttpPrepared& request, std::string_view body, User& user) {
  user_ = &user;
  body_ = body;
  held_ = request.head.expects && !body.empty();
  rules_.begin(request.request.method == "HEAD");
  if (body.empty() && !request.head.expects) return submit({request.nvs, request.nvs.size(), request.serial}, false);
  std::vector<nghttp2_nv>& nvs = line_.fields_;
  nvs = request.nvs;
  if (body.empty()) {
    std::erase_if(nvs, [](const nghttp2_nv& nv) { return name_of(nv) == "expect"; });
    return submit({nvs, 0, 0}, false);
  }
  std::array<char, 20> digits{};
  if (request.head.add_length) {
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), body.size()).ptr;
    nvs.push_back(make_nv("content-length", {digits.data(), static_cast<std::size_t>(end - digits.data())}));
  }
  submit({nvs, request.nvs.size(), request.serial}, true);
  held_ ? hold() : void(sent_ += body.size());
}

void Http2Exchange::submit(const H2Fields& fields, bool body) {
  for (const nghttp2_nv& nv : fields.fields) sent_ += nv.namelen + nv.valuelen;
  line_.connection_.open(*this, fields, body);
}

void Http2Exchange::hold() {
  if (!release_) release_ = std::make_unique<Timer>(line_.loop_, [this] { release(); });
  release_->arm(line_.loop_.now() + line_.options_.patience);
}

/// Not once a final answer has begun: the server does not want it.
void Http2Exchange::release() {
  if (!held_ || head_complete_ || over_ || h2() == nullptr) return;
  held_ = false;
  release_->disarm();
  sent_ += body_.size();
  line_.connection_.resume(*this);
}

H2Stream::Piece Http2Exchange::pull(std::string& to, std::size_t room) {
  if (held_) return {};
  const std::size_t size = std::min(room, body_.size());
  to.append(body_.substr(0, size));
  body_.remove_prefix(size);
  return {size, body_.empty(), !body_.empty()};
}

HttpExchange::Answer Http2Exchange::answer() const {
  return {head_complete_, status_, {}, &headers_, answer_body_, body_received_};
}

const std::string& Http2Exchange::peer() const { return line_.peer(); }

void Http2Exchange::on_headers(H2Block& block, bool end) {
  if (over_) return;
  if (first_byte_ == TimePoint{}) first_byte_ = line_.connection_.received_at();
  if (too_many(block)) return too_large("headers", line_.options_.limits.head);
  if (!rules_.block(block, end)) return broken(NGHTTP2_PROTOCOL_ERROR);
  if (head_complete_) return;  // trailers: nobody has asked for them
  status_ = rules_.status();
  if (status_ >= 200) return keep(block);
  if (status_ != 100 || !held_) return;
  first_byte_ = {};  // of the answer none has come yet
  release();
}

/// Of all blocks together.
bool Http2Exchange::too_many(const H2Block& block) {
  std::size_t size = 0;
  for (const H2Field& field : block.fields) size += field.name.size() + field.value.size();
  received_ += size;
  head_bytes_ += size;
  return block.truncated || head_bytes_ > line_.options_.limits.head;
}

void Http2Exchange::keep(const H2Block& block) {
  head_complete_ = true;
  for (const H2Field& field : block.fields) {
    if (field.name.starts_with(':')) continue;
    fields_.push_back({text_.size(), field.name.size(), field.value.size()});
    text_.append(field.name).append(field.value);
  }
  const std::string_view text(text_);
  for (const Field& field : fields_) {
    headers_.emplace_back(text.substr(field.start, field.name), text.substr(field.start + field.name, field.value));
  }
  const auto encoding = find_header(headers_, "content-encoding");
  if (!line_.options_.unpack || !encoding || !names_gzip(*encoding)) return;
  gunzip_ = std::make_unique<Gunzip>(Packing::gzip, Tail::ignored);
}

void Http2Exchange::on_data(std::string_view bytes) {
  if (over_) return;
  if (!rules_.data(bytes.size())) return broken(NGHTTP2_PROTOCOL_ERROR);
  received_ += bytes.size();
  body_received_ += bytes.size();
  unconsumed_ += bytes.size();
  if (unconsumed_ >= kConsume) line_.connection_.consume(*this, std::exchange(unconsumed_, 0));
  const std::uint64_t limit = line_.options_.limits.body;
  const bool too_much = body_received_ > limit;  // packed ones may unpack to nothing at all
  if (!gunzip_ && !too_much) return void(answer_body_.append(bytes));
  const Gunzip::State state = too_much ? Gunzip::State::too_large : gunzip_->feed(bytes, answer_body_, limit);
  if (state == Gunzip::State::too_large) too_large("body", limit);
  if (state == Gunzip::State::broken) over(ErrorCode::protocol, "the body's gzip encoding is broken");
}

/// Who sends without end may not care for a reset: others keep off the connection.
void Http2Exchange::too_large(const char* of, std::uint64_t limit) {
  line_.retire();
  over(ErrorCode::protocol, fmt::format("the answer of {} has more than {} bytes of {}, and no more is read; is it the "
                                        "right page?",
                                        peer(), limit, of));
}

void Http2Exchange::on_end() {
  if (over_) return;
  if (!rules_.end()) return broken(NGHTTP2_PROTOCOL_ERROR);
  const bool cut = gunzip_ && body_received_ > 0 && gunzip_->state() != Gunzip::State::end;
  if (cut) return over(ErrorCode::protocol, "the body's gzip encoding is broken");
  over_ = true;
  done_ = line_.connection_.received_at();
  line_.note(*this);
}

void Http2Exchange::over(ErrorCode code, std::string why) {
  over_ = true;
  error_ = make_error(code, std::move(why));
  done_ = line_.loop_.precise_now();
  line_.note(*this);
}

void Http2Exchange::broken(std::uint32_t code) {
  over(ErrorCode::protocol, fmt::format("the answer of {} breaks HTTP/2's rules: {}", peer(), h2_error_name(code)));
}

void Http2Exchange::on_closed(std::uint32_t code) {
  if (over_) return;
  if (reset_by_us()) return broken(code);
  const auto& goaway = line_.connection_.goaway();
  never_seen_ = goaway && h2_id() > goaway->last_stream;
  if (never_seen_) {
    return over(ErrorCode::closed, fmt::format("{} has left (GOAWAY: {}) without looking at the request", peer(),
                                               h2_error_name(goaway->code)));
  }
  const char* hint = code == NGHTTP2_HTTP_1_1_REQUIRED ? "; it wants HTTP/1.1 there"
                     : code == NGHTTP2_REFUSED_STREAM  ? "; it has not looked at the request"
                                                       : "";
  over(ErrorCode::closed, fmt::format("{} has reset the stream{}: {}{}", peer(),
                                      head_complete_ ? " in the middle of the answer" : "", h2_error_name(code), hint));
}

/// A connection on which nothing has come for as long may be a dead one, which TCP finds out only after a quarter of an
/// hour.
void Http2Exchange::timed_out(TimePoint sent) {
  if (line_.connection_.received_at() < sent) line_.retire();
}

void Http2Exchange::on_lost(const Error& error) {
  if (over_) return;
  line_.failed_ = true;
  over(error.code, error.message);
}

/// Subtleness ahead: its user may let it go, and its line's owner may destroy it then.
void Http2Exchange::deliver() {
  if (h2() != nullptr) h2()->reset(*this, error_ ? NGHTTP2_CANCEL : NGHTTP2_NO_ERROR);
  noted_ = false;
  User* user = std::exchange(user_, nullptr);
  if (user == nullptr) return;
  if (!error_) return user->on_answer(!line_.dead());
  const Error error = *error_;
  user->on_failure(error, never_seen_ ? Seen::never : first_byte_ == TimePoint{} ? Seen::unanswered : Seen::maybe);
}

// ---- the line ----

Http2Line::Http2Line(std::shared_ptr<NetContext> context, Connected connected, const Options& options,
                     std::uint64_t number, Owner& owner)
    : number_(number),
      timing_(connected.timing),
      peer_(connected.stream->peer()),
      options_(options),
      loop_(context->loop()),
      owner_(owner),
      silence_(loop_, [this] { on_silence(); }),
      connection_(std::move(context), std::move(connected.stream),
                  H2Options{.max_header_list = static_cast<std::uint32_t>(options.limits.head)},
                  static_cast<H2Connection::Events&>(*this)) {
  silence_.arm(timing_.started + options.connect_timeout);
}

Http2Line::~Http2Line() {
  *gone_ = true;
  for (Http2Exchange* exchange : spare_) delete exchange;
}

HttpSession Http2Line::exchange() {
  ++exchanges_;
  if (spare_.empty()) return HttpSession(new Http2Exchange(*this));
  HttpSession session(spare_.back());
  spare_.pop_back();
  return session;
}

void Http2Line::take_back(Http2Exchange& exchange) {
  --exchanges_;
  spare_.push_back(&exchange);
}

void Http2Line::note(Http2Exchange& exchange) {
  exchange.noted_ = true;
  over_.push_back(&exchange);
}

/// Without SETTINGS nothing may be asked, and nobody would ever be told.
void Http2Line::on_silence() {
  if (settled()) return;
  failed_ = true;
  connection_.give_up(make_error(
      ErrorCode::timeout, fmt::format("{} has taken the connection, but sent no SETTINGS, the first words of HTTP/2, "
                                      "within {} s (connect_timeout); is it the right port, and does it speak HTTP/2?",
                                      peer_, to_seconds(options_.connect_timeout))));
  owner_.line_news(*this);  // last: it may destroy this
}

HttpClosed Http2Line::why_closed() const {
  if (failed_) return HttpClosed::failed;
  if (left()) return HttpClosed::goaway;
  if (!error()) return HttpClosed::ours;
  return settled() && error()->code != ErrorCode::protocol ? HttpClosed::idle : HttpClosed::failed;
}

void Http2Line::on_news() {
  const auto gone = gone_;
  telling_ = true;
  while (!over_.empty()) {
    Http2Exchange& next = *over_.back();
    over_.pop_back();
    next.deliver();
    if (*gone) return;
  }
  telling_ = false;
  owner_.line_news(*this);
}

}  // namespace lgen
