// One connection of the HTTP server: reads requests one by one, has each answered, and may end in an answer that stays
// open.
// Thread: the loop's.
// Lifetime: owned by the server's table, which it asks to be erased from when it is over.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http1_answer.h"
#include "http1_parser.h"
#include "lgen/http_server.h"
#include "lgen/loop.h"
#include "tcp_stream.h"

namespace lgen {

/// What the owner of an open answer holds, and the connection knows.
struct HttpStream::Impl {
  class Http1Connection* connection = nullptr;  // nullptr: over
  std::function<void()> closed;
  std::uint64_t dropped = 0;
};

class Http1Connection final : private TcpStream::Events, private HttpReply {
 public:
  Http1Connection(HttpServer::Impl& server, std::shared_ptr<NetContext> context, Socket socket, std::string peer);
  ~Http1Connection();
  Http1Connection(const Http1Connection&) = delete;
  Http1Connection& operator=(const Http1Connection&) = delete;

  /// One connection too many: 503, and no request is read.
  void turn_away();
  /// No further request after the one being answered; at once when there is none.
  void wind_up();
  /// The server goes away: writes what the system takes and closes.
  void abandon();
  /// Inside an event, at whose end it erases itself if it is over.
  bool busy() const { return busy_; }

  // Of the open answer.
  HttpStream::Sent write_piece(std::string_view bytes);
  void end_stream();

 private:
  enum class Phase { requests, streaming, lingering, over };

  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_error(const Error& error) override;
  void on_drained() override;
  void on_timer();
  void send(const HttpAnswer& answer) override;
  std::unique_ptr<HttpStream> stream(const HttpAnswer& head) override;

  /// Runs `body` as an event: whatever it brings about, the connection exists until it has returned.
  template <class Body>
  void event(Body body);
  void take_requests(std::string_view bytes);
  void tell_to_continue();
  void dispatch();
  void refuse();
  void refuse(int status, const std::string& what);
  AnswerManner manner() const;
  void linger();
  void finish(bool tell);
  void arm(Duration duration);

  HttpServer::Impl& server_;
  std::unique_ptr<TcpStream> stream_;
  Http1Parser parser_;
  Timer timer_;
  Phase phase_ = Phase::requests;
  HttpStream::Impl* open_ = nullptr;  // while streaming
  std::string waiting_;               // requests behind an answer that the client has not taken yet
  std::uint64_t seen_sent_ = 0;       // sent bytes when the timer was armed
  bool chunked_ = true;
  bool answered_ = false;  // the request being handled
  bool close_after_ = false;
  bool told_to_continue_ = false;
  bool in_request_ = false;  // its first byte has come and the timer is armed for its last one
  bool peer_ended_ = false;
  bool lingered_ = false;  // for kLinger, and there was still something to write
  bool busy_ = false;
};

}  // namespace lgen
