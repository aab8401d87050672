// How it works. http_parser calls back for every piece; pieces of first line and headers are gathered in one text, so
// that a message costs no allocation once the text has grown. The parser is paused at the end of each message, so that
// feed() can say where the next one begins, and nobody is called from inside it.
#include "http1_parser.h"

#include <fmt/format.h>

#include <utility>

namespace lgen {
namespace {

constexpr std::uint64_t kUnknownLength = ~std::uint64_t{0};

/// http_parser leaves the blanks behind a value.
std::string_view trimmed(std::string_view value) {
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  return value;
}

/// Names are ASCII; the C library's tolower() is a call for each letter.
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

Http1Parser::Http1Parser(Kind kind, const Limits& limits) : kind_(kind), limits_(limits) {
  // http_parser's own limit is one for the whole process; ours are for each connection.
  http_parser_set_max_header_size(0x7fffffff);
  next();
}

void Http1Parser::next() {
  http_parser_init(&parser_, kind_ == Kind::request ? HTTP_REQUEST : HTTP_RESPONSE);
  parser_.data = this;
  restart_head();
  body_.clear();
  body_received_ = passed_ = between_ = 0;
  body_announced_.reset();
  gunzip_.reset();
  no_body_ = upgrade_ = complete_ = keep_alive_ = continued_ = from_known_ = false;
  fresh_ = true;
  fault_ = Fault::none;
  bad_ = nullptr;
}

void Http1Parser::restart_head() {
  text_.clear();
  first_line_ = {};
  fields_.clear();
  headers_.clear();
  in_value_ = head_complete_ = false;
  head_bytes_ = 0;
}

const http_parser_settings& Http1Parser::settings() {
  static const http_parser_settings made = [] {
    http_parser_settings table;
    http_parser_settings_init(&table);
    const auto first_line = [](http_parser* p, const char* at, std::size_t size) {
      return self(p).extend(self(p).first_line_, at, size), 0;
    };
    table.on_url = first_line;
    table.on_status = first_line;
    table.on_header_field = [](http_parser* p, const char* at, std::size_t size) {
      return self(p).add_name(at, size), 0;
    };
    table.on_header_value = [](http_parser* p, const char* at, std::size_t size) {
      return self(p).add_value(at, size), 0;
    };
    table.on_headers_complete = [](http_parser* p) { return self(p).head_done(); };
    table.on_body = [](http_parser* p, const char* at, std::size_t size) { return self(p).add_body({at, size}); };
    table.on_message_complete = [](http_parser* p) { return self(p).message_done(); };
    return table;
  }();
  return made;
}

std::size_t Http1Parser::feed(std::string_view bytes) {
  if (complete_ || fault_ != Fault::none) return 0;
  if (std::exchange(fresh_, false) && kind_ == Kind::response && !no_body_) {
    if (const std::size_t taken = take_whole(bytes); taken > 0) return taken;
  }
  const bool in_head = !head_complete_;
  const std::uint64_t body = body_received_;
  const std::size_t count = http_parser_execute(&parser_, &settings(), bytes.data(), bytes.size());
  const http_errno error = HTTP_PARSER_ERRNO(&parser_);
  if (error != HPE_OK && error != HPE_PAUSED && fault_ == Fault::none) fault_ = Fault::malformed;
  if (in_head && !head_complete_) head_bytes_ += count;
  // Sizes of chunks, what is written behind these, and trailers: nobody needs much of that without any body between.
  between_ = in_head || body_received_ != body ? 0 : between_ + count;
  const bool too_much = head_complete_ ? between_ > limits_.head : head_bytes_ > limits_.head;
  if (fault_ == Fault::none && !complete_ && too_much) fault_ = Fault::head_too_large;
  return count;
}

/// The short way, for an answer that is all there; 0: it is not, or may not be.
std::size_t Http1Parser::take_whole(std::string_view bytes) {
  const bool same = !known_.bytes.empty() && bytes.starts_with(known_.bytes);
  if (!same && !learn(bytes)) return 0;
  const Http1Whole& whole = known_.whole;
  if (bytes.size() - whole.head < whole.length) return 0;
  parser_.status_code = static_cast<unsigned>(whole.status) & 0xffffU;
  parser_.http_major = parser_.http_minor = 1;
  body_.assign(bytes.substr(whole.head, whole.length));
  body_announced_ = body_received_ = whole.length;
  from_known_ = head_complete_ = complete_ = keep_alive_ = true;
  return whole.head + whole.length;
}

/// Reads the head into known_. false: nothing was learnt.
bool Http1Parser::learn(std::string_view bytes) {
  whole_.clear();
  const auto whole = read_whole(bytes, whole_);
  if (!whole || whole->head > limits_.head || whole->length > limits_.body) return false;
  known_.bytes = bytes.substr(0, whole->head);
  known_.text = known_.bytes;
  known_.whole = *whole;
  const std::string_view text(known_.text);
  known_.whole.reason =
      text.substr(static_cast<std::size_t>(whole->reason.data() - bytes.data()), whole->reason.size());
  known_.headers.clear();
  for (const auto& [name, name_size, value, value_size] : whole_) {
    for (std::size_t i = name; i < name + name_size; ++i) known_.text[i] = lower(known_.text[i]);
    known_.headers.emplace_back(text.substr(name, name_size), text.substr(value, value_size));
  }
  return true;
}

bool Http1Parser::finish() {
  if (complete_ || fault_ != Fault::none) return complete_;
  http_parser_execute(&parser_, &settings(), nullptr, 0);
  return complete_;
}

void Http1Parser::extend(Piece& piece, const char* bytes, std::size_t size) {
  if (piece.size == 0) piece.start = text_.size();
  text_.append(bytes, size);
  piece.size += size;
}

/// Trailers come after the head is complete; nobody has asked for them.
void Http1Parser::add_name(const char* bytes, std::size_t size) {
  if (head_complete_) return;
  if (in_value_ || fields_.empty()) fields_.emplace_back();
  in_value_ = false;
  const std::size_t start = text_.size();
  extend(fields_.back().name, bytes, size);
  for (std::size_t i = start; i < text_.size(); ++i) {
    text_[i] = lower(text_[i]);
  }
}

void Http1Parser::add_value(const char* bytes, std::size_t size) {
  if (head_complete_) return;
  in_value_ = true;
  extend(fields_.back().value, bytes, size);
}

bool Http1Parser::interim() const {
  return kind_ == Kind::response && status() >= 100 && status() < 200 && status() != 101;
}

/// Whatever its headers say; http_parser would wait for a 304's Content-Length.
bool Http1Parser::bodiless() const { return kind_ == Kind::response && (status() == 204 || status() == 304); }

/// http_parser takes any version, any three digits, and a change of the protocol. nullptr: nothing is wrong.
const char* Http1Parser::bad_status_line() const {
  if (kind_ == Kind::request) return nullptr;
  if (parser_.http_major != 1) return "its status line has another version of HTTP";
  if (status() < 100) return "its status is below 100";
  return status() == 101 && !upgrade_ ? "it switches to another protocol (status 101), which nobody has asked for"
                                      : nullptr;
}

int Http1Parser::head_done() {
  if (bad_ = bad_status_line(); bad_ != nullptr) return fail(Fault::malformed);
  if (passed_ + text_.size() > limits_.head) return fail(Fault::head_too_large);
  head_complete_ = true;
  for (const Field& field : fields_) headers_.emplace_back(view(field.name), trimmed(view(field.value)));
  if (kind_ == Kind::request) parser_.upgrade = 0;  // an offer to change the protocol may be ignored
  if (interim()) return 0;
  if (parser_.content_length != kUnknownLength) body_announced_ = parser_.content_length;
  if (no_body_ || bodiless()) return 1;
  if (body_announced_ && *body_announced_ > limits_.body) return fail(Fault::body_too_large);
  start_unpacking();
  return 0;
}

void Http1Parser::start_unpacking() {
  const auto encoding = find_header(headers_, "content-encoding");
  if (unpack_ && encoding && names_gzip(*encoding)) gunzip_ = std::make_unique<Gunzip>(Packing::gzip, Tail::ignored);
}

int Http1Parser::add_body(std::string_view bytes) {
  body_received_ += bytes.size();
  if (body_received_ > limits_.body) return fail(Fault::body_too_large);  // packed ones may unpack to nothing at all
  if (gunzip_) {
    const Gunzip::State state = gunzip_->feed(bytes, body_, limits_.body);
    if (state == Gunzip::State::too_large) return fail(Fault::body_too_large);
    return state == Gunzip::State::broken ? fail(Fault::bad_encoding) : 0;
  }
  body_.append(bytes);
  return 0;
}

/// Interim answers (100 Continue, 103 Early Hints) are passed over.
int Http1Parser::message_done() {
  if (interim()) {
    continued_ = continued_ || status() == 100;
    passed_ += text_.size();
    return restart_head(), 0;
  }
  if (gunzip_ && body_received_ > 0 && gunzip_->state() != Gunzip::State::end) return fail(Fault::bad_encoding);
  keep_alive_ = status() != 101 && http_should_keep_alive(&parser_) != 0;
  complete_ = true;
  http_parser_pause(&parser_, 1);
  return 0;
}

int Http1Parser::fail(Fault fault) {
  fault_ = fault;
  return -1;
}

std::string_view Http1Parser::method() const { return http_method_str(static_cast<http_method>(parser_.method)); }

std::string Http1Parser::fault_text() const {
  switch (fault_) {
    case Fault::none:
      return "nothing is wrong";
    case Fault::malformed:
      return bad_ != nullptr ? bad_ : http_errno_description(HTTP_PARSER_ERRNO(&parser_));
    case Fault::head_too_large:
      return fmt::format("more than {} bytes of {}", limits_.head,
                         head_complete_ ? "chunk extensions or trailers" : "headers");
    case Fault::body_too_large:
      return fmt::format("more than {} bytes of body", limits_.body);
    case Fault::bad_encoding:
      return "its gzip encoding is broken";
  }
  return {};
}

}  // namespace lgen
