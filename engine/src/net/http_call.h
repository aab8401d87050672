// One request of a client, from send() to its result: its turn for a connection, the answer, redirects, once more when
// a kept connection was closed.
// Thread: the loop's.
// Lifetime: its client's, which it keeps alive while it is busy: from start() until it has both completed and been
// dropped. Then it is used again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http_client_impl.h"
#include "lgen/http.h"
#include "lgen/op.h"

namespace lgen {

class HttpCall final : public Operation, public ListHook<WaitingForTurn>, private HttpExchange::User {
 public:
  explicit HttpCall(HttpClient::Impl& client)
      : client_(client), loop_(client.loop), timer_(loop_, [this] { on_timer(); }) {}
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  /// `client`: the owner of the one it is of.
  void start(const std::shared_ptr<HttpClient::Impl>& client, const std::shared_ptr<const HttpPrepared>& request,
             const HttpSend& now, HttpDone done);
  /// Completes with `error`, a turn later: the request cannot be sent.
  void refuse(const std::shared_ptr<HttpClient::Impl>& client, const HttpRequest& request, Error error, HttpDone done);

  /// The place has a connection, or room for one more.
  void turn_came(HttpSession session);
  /// The connection that it has made is of no use.
  void line_failed(const Error& error, HttpExchange::Seen seen) { on_failure(error, seen); }

  void cancel() noexcept override { finish_later(make_error(ErrorCode::cancelled, "cancelled")); }
  void drop() noexcept override;

 private:
  enum class Stage { idle, waiting, dialling, settling, talking, ended };

  void begin(const std::shared_ptr<HttpClient::Impl>& client, TimePoint intended, HttpDone done);
  void ask();
  void dial();
  void connected(Result<Connected> connected);
  void talk();
  void on_answer(bool reusable) override;
  void on_failure(const Error& error, HttpExchange::Seen seen) override;
  bool may_retry(HttpExchange::Seen seen) const;
  bool redirected(bool reusable);
  void leave(bool reusable);
  void on_timer();
  Error too_late() const;
  void finish_later(Error error);
  void finish(const Error* error, bool reusable);
  void fill(HttpResult& result) const;
  void recycle();

  HttpClient::Impl& client_;
  Loop& loop_;
  std::shared_ptr<const HttpPrepared> request_;  // kept for the next time, which mostly asks for the same
  HttpPlace* place_ = nullptr;
  HttpDone done_;
  Timer timer_;                // the whole request's; or completes what ended inside a call
  std::string method_, text_;  // for messages, of a request that could not be made ready
  std::string body_;
  Duration timeout_{0};
  Deadline deadline_ = kNever;
  Timing timing_;
  TimePoint asked_{};
  Duration queued_{0};
  Op connecting_;
  HttpSession session_;
  std::vector<HttpHop> hops_;
  std::uint64_t sent_ = 0, received_ = 0;
  std::optional<Error> early_;  // set: completes at the timer
  Stage stage_ = Stage::idle;
  int tries_ = 0;
  bool reused_ = false;
  bool retried_ = false;
  bool finishing_ = false;
  bool dropped_ = false;
};

}  // namespace lgen
