#include <fcntl.h>
#include <sys/resource.h>

#include <utility>
#include <vector>

#include "net_fixture.h"
#include "raw_listener.h"
#include "tcp_connect.h"
#include "tcp_listener.h"
#include "tcp_stream.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

struct Ears final : TcpStream::Events {
  void on_data(std::string_view bytes) override { text += bytes; }
  void on_end() override { ended = true; }
  void on_error(const Error& what) override { error = what.message; }
  void on_drained() override { ++drained; }
  std::string text;
  std::string error;
  int drained = 0;
  bool ended = false;
};

/// A stream on one end of a pair of sockets that keeps the borders of writes, and the other end.
struct Pair {
  explicit Pair(NetFixture& net, int type = SOCK_SEQPACKET) : context(std::make_shared<NetContext>(net.loop)) {
    int fds[2];
    if (::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) throw std::runtime_error("no sockets");
    other = fds[1];
    stream = std::make_unique<TcpStream>(context, Socket(net.loop, fds[0]), "the peer");
    stream->set_events(ears);
  }
  ~Pair() { ::close(other); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  /// One write as it arrived; "-": none is there.
  std::string receive() const {
    std::vector<char> bytes(1 << 20);
    const ssize_t count = ::recv(other, bytes.data(), bytes.size(), 0);
    return count < 0 ? "-" : std::string(bytes.data(), static_cast<std::size_t>(count));
  }

  Ears ears;
  std::shared_ptr<NetContext> context;
  int other = -1;
  std::unique_ptr<TcpStream> stream;
};

/// As long as it lives the process gets no further descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(lowest);
    const rlimit none{static_cast<rlim_t>(lowest), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

std::optional<Result<Connected>> connect(NetFixture& net, ConnectTo to) {
  std::optional<Result<Connected>> made;
  const Op op = tcp_connect(std::make_shared<NetContext>(net.loop), std::move(to),
                            [&](Result<Connected> result) { made.emplace(std::move(result)); });
  CHECK_FALSE(made);
  net.until([&] { return made.has_value(); });
  return made;
}

}  // namespace

TEST_CASE("what a turn writes on a connection leaves in one write") {
  NetFixture net;
  Pair pair(net);
  pair.stream->write("a");
  pair.stream->write("b");
  net.loop.post([&] { pair.stream->write("c"); });
  CHECK(pair.receive() == "-");
  CHECK(pair.stream->buffered() == 2);
  net.loop.run_until([] { return true; });  // hooks for what was begun outside of a turn
  CHECK(pair.receive() == "ab");
  net.turns(2);
  CHECK(pair.receive() == "c");
  CHECK(pair.receive() == "-");
  CHECK(pair.stream->sent() == 3);
  CHECK(pair.stream->buffered() == 0);
}

TEST_CASE("a half-close goes out behind what was written, and reading goes on") {
  NetFixture net;
  Pair pair(net, SOCK_STREAM);
  pair.stream->write("bye");
  pair.stream->finish();
  net.turns();
  CHECK(pair.receive() == "bye");
  CHECK(pair.receive() == "");
  CHECK(::send(pair.other, "hello", 5, MSG_NOSIGNAL) == 5);
  net.until([&] { return pair.ears.text == "hello"; });
  CHECK_FALSE(pair.ears.ended);
  ::shutdown(pair.other, SHUT_WR);
  net.until([&] { return pair.ears.ended; });
}

TEST_CASE("a slow peer gets everything in order, and drained is told once") {
  NetFixture net;
  Pair pair(net, SOCK_STREAM);
  std::string bytes(3 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 11);
  pair.stream->write(bytes);
  net.turns(3);
  CHECK(pair.stream->buffered() > 0);
  CHECK(pair.ears.drained == 0);
  std::string got;
  net.until([&] {
    if (const std::string piece = pair.receive(); piece != "-") got += piece;
    return got.size() == bytes.size();
  });
  CHECK(got == bytes);
  net.until([&] { return pair.ears.drained == 1; });
  pair.stream->tell_drained();
  net.until([&] { return pair.ears.drained == 2; });
  net.turns();
  CHECK(pair.ears.drained == 2);
}

TEST_CASE("bytes left with the system come when reading goes on") {
  NetFixture net;
  Pair pair(net, SOCK_STREAM);
  pair.stream->set_reading(false);
  CHECK(::send(pair.other, "hello", 5, MSG_NOSIGNAL) == 5);
  net.turns();
  CHECK(pair.ears.text.empty());
  pair.stream->set_reading(true);
  net.until([&] { return pair.ears.text == "hello"; });
}

TEST_CASE("writing to a peer that is gone is an error, told in a later turn") {
  NetFixture net;
  Pair pair(net, SOCK_STREAM);
  pair.stream->set_reading(false);
  ::close(std::exchange(pair.other, ::open("/dev/null", O_RDONLY)));
  pair.stream->write("x");
  pair.stream->flush();
  CHECK(pair.ears.error.empty());
  net.until([&] { return !pair.ears.error.empty(); });
  CHECK(pair.ears.error == "the peer reset the connection");
}

TEST_CASE("connecting goes from address to address, and stops at the deadline") {
  NetFixture net;
  SECTION("somebody listens") {
    std::vector<Socket> accepted;
    const auto listener = TcpListener::open(
        net.loop, "127.0.0.1:0", [&](Socket socket, const std::string&) { accepted.push_back(std::move(socket)); });
    REQUIRE(listener.ok());
    const auto made = connect(net, {.host = "127.0.0.1", .port = listener.value()->address().port()});
    REQUIRE(made->ok());
    CHECK(made->value().stream->peer() == to_string(listener.value()->address()));
    net.until([&] { return accepted.size() == 1; });
  }
  SECTION("nobody answers") {
    RawListener hole(RawListener::Manner::full);
    const auto made =
        connect(net, {.host = "127.0.0.1", .port = hole.port(), .deadline = net.loop.precise_now() + 30ms});
    REQUIRE_FALSE(made->ok());
    CHECK(made->error().code == ErrorCode::timeout);
    CHECK_THAT(made->error().message, Contains(hole.target()) && Contains("nothing answers there"));
  }
  SECTION("a network that cannot be reached") {
    const auto made = connect(net, {.host = "255.255.255.255", .port = 1});
    REQUIRE_FALSE(made->ok());
    CHECK_THAT(made->error().message, Contains("255.255.255.255:1"));
  }
  SECTION("no descriptor is left") {
    std::optional<Result<Connected>> made;
    {
      const NoDescriptors none;
      made = connect(net, {.host = "127.0.0.1", .port = 1});
    }
    REQUIRE_FALSE(made->ok());
    CHECK(made->error().code == ErrorCode::exhausted);
    CHECK_THAT(made->error().message, Contains("ulimit -n"));
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("a listener without descriptors pauses and goes on") {
  NetFixture net;
  int accepted = 0;
  const auto listener =
      TcpListener::open(net.loop, "127.0.0.1:0", [&](const Socket&, const std::string&) { ++accepted; });
  REQUIRE(listener.ok());
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  {
    const NoDescriptors none;
    REQUIRE(::connect(client, listener.value()->address().get(), listener.value()->address().size) == 0);
    net.turns();
    CHECK(accepted == 0);
  }
  net.until([&] { return accepted == 1; });
  ::close(client);
}
