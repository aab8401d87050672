// One HTTP/1.1 connection as its client sees it: a request, its answer, the next request.
// Thread: the loop's.
// Lifetime: may be destroyed at any time, also inside what it calls.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http1_parser.h"
#include "lgen/http.h"
#include "tcp_connect.h"
#include "tcp_stream.h"

namespace lgen {

class Http1Session final : private TcpStream::Events {
 public:
  /// Whose request is running. Exactly one of the two is called, once for each request.
  class User {
   public:
    /// The whole answer is there. `reusable`: the connection takes another request.
    virtual void on_answer(bool reusable) = 0;
    /// `untouched`: not one byte came back.
    virtual void on_failure(const Error& error, bool untouched) = 0;

   protected:
    ~User() = default;
  };

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
  Http1Session(const Http1Session&) = delete;
  Http1Session& operator=(const Http1Session&) = delete;

  /// `pieces`: head and body as they go out. `head_only`: it is a HEAD.
  void start(std::span<const std::string_view> pieces, bool head_only, User& user);
  /// Until the next request.
  void keep_for(Keeper* keeper) { keeper_ = keeper; }

  /// Of the running or the last request.
  const Http1Parser& answer() const { return parser_; }
  TimePoint first_byte() const { return first_byte_; }
  TimePoint done() const { return done_; }
  /// Bytes of the request, and of the answer so far.
  std::uint64_t sent() const { return sent_; }
  std::uint64_t received() const { return received_; }

  const ConnectTiming& connect_timing() const { return timing_; }
  const std::string& peer() const { return stream_->peer(); }
  std::uint64_t number() const { return number_; }

 private:
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
  ConnectTiming timing_;
  Http1Parser parser_;
  User* user_ = nullptr;
  Keeper* keeper_ = nullptr;
  const std::uint64_t number_;
  std::uint64_t sent_ = 0, received_ = 0;
  std::string first_bytes_;  // of the answer, for messages
  TimePoint first_byte_{}, last_read_{};
  TimePoint done_{};
};

}  // namespace lgen
