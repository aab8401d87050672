// One HTTP/1.1 message after another out of bytes as they come, with limits; the grammar is http_parser's.
// Thread: the loop's.
// Lifetime: what it shows is valid until next().
#pragma once

#include <http_parser.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gzip.h"
#include "http1_whole.h"
#include "lgen/error.h"
#include "lgen/http.h"

namespace lgen {

class Http1Parser {
 public:
  enum class Kind { request, response };
  enum class Fault { none, malformed, head_too_large, body_too_large, bad_encoding };
  struct Limits {
    std::size_t head = 64 << 10;
    std::uint64_t body = 64 << 20;
  };

  Http1Parser(Kind kind, const Limits& limits);
  Http1Parser(const Http1Parser&) = delete;
  Http1Parser& operator=(const Http1Parser&) = delete;

  /// Forgets the last message and waits for another. Buffers keep their capacity.
  void next();
  /// The response to come answers a HEAD: it has no body, whatever its headers say.
  void expect_no_body() { no_body_ = true; }
  /// The request has asked for another protocol: 101 is an answer.
  void expect_upgrade() { upgrade_ = true; }
  /// Unpack a gzip body.
  void unpack(bool on) { unpack_ = on; }

  /// Takes `bytes` up to the end of the message and says how many those were. After a fault nothing is taken.
  std::size_t feed(std::string_view bytes);
  /// The connection has ended. true: that was the end of the message.
  bool finish();

  bool head_complete() const { return head_complete_; }
  bool complete() const { return complete_; }
  Fault fault() const { return fault_; }
  /// What is wrong, for a message.
  std::string fault_text() const;

  int status() const { return static_cast<int>(parser_.status_code); }
  std::string_view reason() const { return from_known_ ? known_.whole.reason : view(first_line_); }
  std::string_view target() const { return view(first_line_); }
  std::string_view method() const;
  const HttpHeadersView& headers() const { return from_known_ ? known_.headers : headers_; }
  std::string_view body() const { return body_; }
  bool http_1_0() const { return parser_.http_major == 1 && parser_.http_minor == 0; }
  /// The server has asked for the request's body (100 Continue).
  bool continued() const { return continued_; }
  /// The sender keeps the connection open, as far as it is concerned. Good once complete.
  bool keep_alive() const { return keep_alive_; }
  /// Bytes of body on the wire so far, and how many there should be; nothing: not announced.
  std::uint64_t body_received() const { return body_received_; }
  std::optional<std::uint64_t> body_announced() const { return body_announced_; }

 private:
  struct Piece {
    std::size_t start = 0;
    std::size_t size = 0;
  };
  struct Field {
    Piece name;
    Piece value;
  };
  /// The head of the last answer that came whole. The next one's is mostly the same bytes, and then it says the same.
  struct Known {
    std::string bytes;
    std::string text;  // names in lower case; `whole` and `headers` point there
    Http1Whole whole;
    HttpHeadersView headers;
  };
  static const http_parser_settings& settings();
  static Http1Parser& self(http_parser* parser) { return *static_cast<Http1Parser*>(parser->data); }

  std::string_view view(const Piece& piece) const { return std::string_view(text_).substr(piece.start, piece.size); }
  void restart_head();
  std::size_t take_whole(std::string_view bytes);
  bool learn(std::string_view bytes);
  void extend(Piece& piece, const char* bytes, std::size_t size);
  void add_name(const char* bytes, std::size_t size);
  void add_value(const char* bytes, std::size_t size);
  int head_done();
  int add_body(std::string_view bytes);
  int message_done();
  int fail(Fault fault);
  bool interim() const;
  bool bodiless() const;
  const char* bad_status_line() const;
  void start_unpacking();

  http_parser parser_;
  Kind kind_;
  Limits limits_;
  bool no_body_ = false;
  bool upgrade_ = false;
  bool unpack_ = false;

  std::string text_;  // first line and headers; names in lower case
  Piece first_line_;
  std::vector<Field> fields_;
  std::vector<Http1Whole::Field> whole_;  // scratch of learn()
  Known known_;
  bool from_known_ = false;  // this message's head is known_
  bool fresh_ = true;        // nothing of the message has come
  bool in_value_ = false;
  HttpHeadersView headers_;  // into text_, once the head is complete
  std::size_t head_bytes_ = 0;
  std::size_t passed_ = 0;   // bytes of interim answers, which may go on for ever, too
  std::size_t between_ = 0;  // bytes since the last ones of body
  std::string body_;
  std::uint64_t body_received_ = 0;
  std::optional<std::uint64_t> body_announced_;
  std::unique_ptr<Gunzip> gunzip_;
  bool head_complete_ = false;
  bool complete_ = false;
  bool keep_alive_ = false;
  bool continued_ = false;
  Fault fault_ = Fault::none;
  const char* bad_ = nullptr;  // what is malformed, where http_parser has not noticed
};

}  // namespace lgen
