// The seam between requests and the versions of HTTP: one request and its answer on some connection. Of HTTP/1.1 it is
// the connection itself, one request after another; of HTTP/2 one stream.
// Thread: the loop's.
// Lifetime: its HttpSession owns it; it may be let go at any time, also inside what it calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http_prepared.h"
#include "lgen/error.h"
#include "lgen/http.h"

namespace lgen {

class HttpExchange {
 public:
  /// How much the server may know of a request that has failed.
  enum class Seen {
    maybe,
    unanswered,  // not one byte came back
    never,       // HTTP/2: it says itself that it has not looked at it
  };

  /// Whose request is running. Exactly one of the two is called, once for each request, never inside start().
  class User {
   public:
    /// The whole answer is there. `reusable`: the connection takes another request.
    virtual void on_answer(bool reusable) = 0;
    virtual void on_failure(const Error& error, Seen seen) = 0;

   protected:
    ~User() = default;
  };

  /// As far as it has come; views are valid until the next start().
  struct Answer {
    bool head_complete = false;
    int status = 0;
    std::string_view reason;
    const HttpHeadersView* headers = nullptr;
    std::string_view body;
    std::uint64_t body_received = 0;  // bytes as they came, packed or not
  };

  HttpExchange(std::uint64_t number, const ConnectTiming& timing) : number_(number), timing_(timing) {}
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  /// `request` and `body` last until the end.
  virtual void start(const HttpPrepared& request, std::string_view body, User& user) = 0;
  virtual Answer answer() const = 0;
  virtual const std::string& peer() const = 0;
  virtual std::string_view version() const = 0;

  /// Bytes of the request's body that the connection has not taken yet.
  virtual std::uint64_t unsent() const = 0;
  /// Its user has no more patience with a request that was sent at `sent`.
  virtual void timed_out(TimePoint sent) = 0;

  TimePoint first_byte() const { return first_byte_; }
  TimePoint done() const { return done_; }
  /// Bytes of the request, and of the answer so far.
  std::uint64_t sent() const { return sent_; }
  std::uint64_t received() const { return received_; }
  /// Of the connection.
  std::uint64_t number() const { return number_; }
  const ConnectTiming& connect_timing() const { return timing_; }

  /// Its owner has done with it: frees itself, or waits to be used again. What answer() shows ends here.
  virtual void let_go() noexcept = 0;

 protected:
  virtual ~HttpExchange() = default;

  const std::uint64_t number_;
  const ConnectTiming timing_;
  std::uint64_t sent_ = 0, received_ = 0;
  TimePoint first_byte_{}, done_{};
};

struct LetGo {
  void operator()(HttpExchange* exchange) const noexcept { exchange->let_go(); }
};
using HttpSession = std::unique_ptr<HttpExchange, LetGo>;

}  // namespace lgen
