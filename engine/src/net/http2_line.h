// One HTTP/2 connection of an HttpClient and the requests on it.
// Thread: the loop's.
// Lifetime: outlives its exchanges; may be destroyed inside what it calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gzip.h"
#include "h2_connection.h"
#include "http1_parser.h"
#include "http2_rules.h"
#include "http_exchange.h"
#include "tcp_connect.h"

namespace lgen {

class Http2Line;

/// A request on a stream of its own; its line uses it again for another one.
class Http2Exchange final : public HttpExchange, private H2Stream {
 public:
  explicit Http2Exchange(Http2Line& line);

  void start(const HttpPrepared& request, std::string_view body, User& user) override;
  Answer answer() const override;
  const std::string& peer() const override;
  std::string_view version() const override { return "2"; }
  std::uint64_t unsent() const override { return body_.size(); }
  void timed_out(TimePoint sent) override;
  void let_go() noexcept override;

  /// It is over: tells its user.
  void deliver();

 private:
  friend class Http2Line;
  struct Field {
    std::size_t start, name, value;  // place in text_, sizes
  };
  ~Http2Exchange() override = default;
  void clear();
  void on_headers(H2Block& block, bool end) override;
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_closed(std::uint32_t code) override;
  void on_lost(const Error& error) override;
  Piece pull(std::string& to, std::size_t room) override;
  void over(ErrorCode code, std::string why);
  void broken(std::uint32_t code);
  bool too_many(const H2Block& block);
  void keep(const H2Block& block);
  void too_large(const char* of, std::uint64_t limit);
  void submit(const H2Fields& fields, bool body);
  void hold();
  void release();

  Http2Line& line_;
  User* user_ = nullptr;
  std::string_view body_;  // left to send
  bool held_ = false;      // as long as it waits for 100 Continue
  std::unique_ptr<Timer> release_;
  std::string text_;  // names and values
  std::vector<Field> fields_;
  HttpHeadersView headers_;
  int status_ = 0;
  Http2Rules rules_;
  bool head_complete_ = false, over_ = false, never_seen_ = false;
  bool noted_ = false;  // and not delivered yet
  std::size_t head_bytes_ = 0, unconsumed_ = 0;
  std::uint64_t body_received_ = 0;
  std::string answer_body_;
  std::unique_ptr<Gunzip> gunzip_;
  std::optional<Error> error_;
};

class Http2Line final : private H2Connection::Events {
 public:
  class Owner {
   public:
    /// Ready, with more room, or over: look at usable() and error(). It may destroy the line unless exchanges are left.
    virtual void line_news(Http2Line& line) = 0;

   protected:
    ~Owner() = default;
  };

  struct Options {
    Http1Parser::Limits limits;
    bool unpack = true;
    Duration patience{0};         // with a server that does not ask for a body it may refuse
    Duration connect_timeout{0};  // from the start of connecting to the server's SETTINGS
  };
  Http2Line(std::shared_ptr<NetContext> context, Connected connected, const Options& options, std::uint64_t number,
            Owner& owner);
  ~Http2Line();
  Http2Line(const Http2Line&) = delete;
  Http2Line& operator=(const Http2Line&) = delete;

  bool settled() const { return connection_.settings_at() != TimePoint{}; }
  bool has_room() const { return connection_.has_room() && !retired_; }
  /// No request can be added any more.
  bool dead() const { return connection_.error() || connection_.goaway() || connection_.used_up() || retired_; }
  const std::optional<Error>& error() const { return connection_.error(); }
  /// Its server has said GOAWAY.
  bool left() const { return connection_.goaway().has_value(); }
  std::size_t exchanges() const { return exchanges_; }
  /// At a time, as the server's SETTINGS say.
  std::uint32_t most_exchanges() const { return connection_.max_streams(); }
  /// For one more request.
  HttpSession exchange();
  /// It is telling its users: not to be destroyed by them.
  bool telling() const { return telling_; }
  void close() { connection_.close(); }
  /// Who has made it has waited for its SETTINGS as long as it could: others need not.
  void waited_in_vain() {
    if (!settled()) retire();
  }
  /// Should it be closed now: why.
  HttpClosed why_closed() const;

  const std::string& peer() const { return peer_; }
  std::uint64_t number() const { return number_; }
  const ConnectTiming& timing() const { return timing_; }

 private:
  friend class Http2Exchange;
  void on_news() override;
  void on_silence();
  void note(Http2Exchange& exchange);
  void take_back(Http2Exchange& exchange);
  /// Its server does not behave, or is gone: those on it may end, others go elsewhere.
  void retire() { retired_ = failed_ = true; }

  const std::uint64_t number_;
  const ConnectTiming timing_;
  const std::string peer_;
  const Options options_;
  Loop& loop_;
  Owner& owner_;
  Timer silence_;              // the server has had the time to say something
  std::size_t exchanges_ = 0;  // in use
  std::vector<Http2Exchange*> spare_;
  std::vector<Http2Exchange*> over_;  // not told yet
  std::vector<nghttp2_nv> fields_;    // scratch, of a request with a body
  bool telling_ = false;
  bool retired_ = false, failed_ = false;
  std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);
  H2Connection connection_;
};

}  // namespace lgen
