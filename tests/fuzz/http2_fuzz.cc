// Any bytes from a server of HTTP/2 through our frames to requests of lgen.http. The first byte says in which pieces
// they come, the second what the client does meanwhile: send bodies, expect, unpack, drop requests, ask for more in the
// middle of an answer. What must hold: nothing crashes, limits are kept, and when the connection has ended every
// request has been told exactly once.
//
// The connection is H2Connection's own; the socket below it is a stand-in that gives what the fuzzer has made and
// throws away what is written, so that no system call is made.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "http2_line.h"
#include "timer_queue.h"

// ---- what stands in for loop and socket ----

namespace lgen {

struct Loop::Internals {
  TimerQueue timers;
};
Loop::Loop(Clock& clock) : clock_(clock), internals_(std::make_unique<Internals>()) {}
Loop::~Loop() = default;
TimePoint Loop::now() const { return clock_.now(); }

Timer::Timer(Loop& loop, std::function<void()> fire) : queue_(loop.internals().timers), fire_(std::move(fire)) {}
Timer::~Timer() { queue_.forget(*this); }
void Timer::arm(TimePoint when) { queue_.arm(*this, when); }
void Timer::disarm() { queue_.disarm(*this); }

NetContext::NetContext(Loop& loop) : loop_(loop), hook_(0) {}
NetContext::~NetContext() = default;

std::string Url::authority() const { return host; }  // nobody asks
TlsSession::~TlsSession() = default;
void Socket::close() {}

namespace {

TcpStream::Events* listener = nullptr;  // of the one stream there is
bool flush_asked = false;

}  // namespace

TcpStream::TcpStream(std::shared_ptr<NetContext> context, Socket socket, std::string peer,
                     std::unique_ptr<TlsSession> tls)
    : context_(std::move(context)), socket_(std::move(socket)), peer_(std::move(peer)), tls_(std::move(tls)) {}
TcpStream::~TcpStream() { listener = nullptr; }
void TcpStream::set_events(Events& events) { listener = &events; }
void TcpStream::write(std::string_view) {}
void TcpStream::ask_flush() { flush_asked = true; }
void TcpStream::flush() {}
void TcpStream::on_ready(int) {}

}  // namespace lgen

namespace {

using namespace lgen;

constexpr Http1Parser::Limits kLimits{.head = 500, .body = 1000};
constexpr std::size_t kMostRequests = 8;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "http2_fuzz: %s\n", what);
  std::abort();
}

HttpPrepared prepared(bool expects) {
  HttpPrepared ready;
  ready.head.expects = expects;
  ready.fields = {{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
  if (expects) ready.fields.emplace_back("expect", "100-continue");
  for (const auto& [name, value] : ready.fields) ready.nvs.push_back(make_nv(name, value));
  return ready;
}

class Client;

class Request final : public HttpExchange::User {
 public:
  Request(Client& client, Http2Line& line) : client_(client), exchange(line.exchange()) {}
  void on_answer(bool) override;
  void on_failure(const Error& error, HttpExchange::Seen) override {
    expect(!error.message.empty(), "a failure without words");
    over();
  }
  int told = 0;

 private:
  void over();

  Client& client_;

 public:
  HttpSession exchange;
};

/// What HttpPlace and HttpCall are to a connection.
class Client final : public Http2Line::Owner {
 public:
  Client(std::shared_ptr<NetContext> context, std::uint8_t manner)
      : manner_(manner), request_(prepared((manner & 1) != 0)) {
    Connected made;
    made.stream = std::make_unique<TcpStream>(context, Socket(), "peer");
    made.timing.started = context->loop().now();
    const Http2Line::Options options{kLimits, (manner & 2) != 0, std::chrono::hours(1), std::chrono::hours(1)};
    line_ = std::make_unique<Http2Line>(std::move(context), std::move(made), options, 1,
                                        static_cast<Http2Line::Owner&>(*this));
  }

  void line_news(Http2Line& line) override {
    expect(&line == line_.get(), "another line");
    ask();
    if (line_->dead() && line_->exchanges() == 0 && !line_->telling()) line_.reset();
  }
  void ask() {
    while (line_ && line_->has_room() && requests_.size() < kMostRequests) {
      Request& next = *requests_.emplace_back(std::make_unique<Request>(*this, *line_));
      next.exchange->start(request_, (manner_ & 4) != 0 ? "a body" : "", next);
      expect(next.told == 0, "told inside start()");
    }
  }
  /// As when a request has no time left, or its task is cancelled.
  void drop_one() {
    for (const auto& one : requests_) {
      if (!one->exchange || one->told > 0) continue;
      one->exchange.reset();
      one->told = 1;
      return;
    }
  }
  bool asks_more() const { return (manner_ & 8) != 0; }
  void expect_all_told() const {
    for (const auto& one : requests_) expect(one->told == 1, "a request was not told exactly once");
  }

 private:
  const std::uint8_t manner_;
  const HttpPrepared request_;

 public:
  std::unique_ptr<Http2Line> line_;

 private:
  std::vector<std::unique_ptr<Request>> requests_;  // behind the line: they give back to it what they still have
};

void Request::on_answer(bool) {
  const HttpExchange::Answer answer = exchange->answer();
  expect(answer.head_complete && answer.status >= 200, "an answer without a status");
  expect(answer.body.size() <= kLimits.body, "more body than allowed");
  std::size_t size = 0;
  for (const auto& [name, value] : *answer.headers) size += name.size() + value.size();
  expect(size <= kLimits.head, "more headers than allowed");
  over();
}

void Request::over() {
  ++told;
  expect(exchange->first_byte() <= exchange->done(), "done before its first byte");
  exchange.reset();
  if (client_.asks_more()) client_.ask();
}

void flush() {
  for (int turns = 0; flush_asked && listener != nullptr && turns < 100; ++turns) {
    flush_asked = false;
    listener->on_flush();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[0]} * 4 + 1;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  ManualClock clock(TimePoint(std::chrono::seconds(1)));
  Loop loop(clock);
  Client client(std::make_shared<NetContext>(loop), data[1]);
  flush_asked = true;
  flush();
  int turn = 0;
  while (!bytes.empty() && client.line_) {
    const std::string_view next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    clock.advance_to(clock.now() + std::chrono::milliseconds(1));
    if (listener != nullptr) listener->on_data(next);
    flush();
    if ((data[1] & 16) != 0 && ++turn % 3 == 0) client.drop_one();
    if ((data[1] & 32) != 0) clock.advance_to(clock.now() + std::chrono::hours(2));  // no more patience
    loop.internals().timers.advance_to(clock.now());
    flush();
  }
  if (client.line_ && listener != nullptr) listener->on_end();
  loop.internals().timers.advance_to(clock.now());
  client.expect_all_told();
  return 0;
}
