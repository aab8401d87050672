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

  /// `number`: of the connection, for its users.
  Http1Session(Loop& loop, Connected connected, const Http1Parser::Limits& limits, bool unpack, std::uint64_t number);

  void start(const HttpPrepared& request, std::string_view body, User& user) override;
  Answer answer() const override;
  const std::string& peer() const override { return stream_->peer(); }
  std::string_view version() const override { return "1.1"; }
  /// Until the next request.
  void keep_for(Keeper* keeper) { keeper_ = keeper; }

 private:
  void write(std::string_view bytes);
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_error(const Error& error) override;
  void lost();
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
  TimePoint last_read_{};
};

}  // namespace lgen
