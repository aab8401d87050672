// One HTTP/1.1 connection as its client sees it: a request, its answer, the next request.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http1_parser.h"
#include "http_exchange.h"
#include "lgen/http.h"
#include "tcp_connect.h"
#include "tcp_stream.h"

namespace lgen {

class Http1Session final : public HttpExchange, private TcpStream::Events {
 public:
  /// Who keeps a connection without a request.
  class Keeper {
   public:
    /// It has ended.
    virtual void lost(Http1Session& session) = 0;

   protected:
    ~Keeper() = default;
  };

  /// `number`: of the connection, for its users; `patience`: with a server that does not ask for a body it may refuse.
  Http1Session(Loop& loop, Connected connected, const Http1Parser::Limits& limits, bool unpack, std::uint64_t number,
               Duration patience);

  void start(const HttpPrepared& request, std::string_view body, User& user) override;
  Answer answer() const override;
  const std::string& peer() const override { return stream_->peer(); }
  std::string_view version() const override { return "1.1"; }
  std::uint64_t unsent() const override { return stream_->buffered() + held_.size(); }
  void timed_out(TimePoint) override { closed_ = HttpClosed::failed; }
  /// Should it be closed now: why.
  HttpClosed why_closed() const { return closed_; }
  void let_go() noexcept override { delete this; }
  /// Until the next request.
  void keep_for(Keeper* keeper) { keeper_ = keeper; }

 private:
  ~Http1Session() override = default;
  void write(std::string_view bytes);
  void hold(std::string_view body);
  void release();
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_error(const Error& error) override;
  void lost();
  void ended();
  void answered(bool reusable);
  void fail(ErrorCode code, const std::string& what);
  std::string where_it_broke() const;
  std::string fault_message() const;

  Loop& loop_;
  std::unique_ptr<TcpStream> stream_;
  Http1Parser parser_;
  User* user_ = nullptr;
  Keeper* keeper_ = nullptr;
  std::string first_bytes_;  // of the answer, for messages
  std::string_view held_;    // the request's body, as long as it waits for 100 Continue
  Duration patience_;
  std::unique_ptr<Timer> release_;  // made for the first body that waits
  TimePoint last_read_{};
  HttpClosed closed_ = HttpClosed::ours;
};

}  // namespace lgen
