// Unary calls over `h2` against a server that plays every part of the protocol by hand, well or badly.
#include <algorithm>
#include <mutex>

#include "grpc_wire.h"
#include "gzip.h"
#include "h2_fixture.h"
#include "lgen/base64.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;

namespace {

/// Serves every request alike until the client has gone.
H2Script::Serve each(std::function<void(H2Peer&, const H2Peer::Request&)> serve) {
  return [serve = std::move(serve)](H2Peer& peer) {
    for (auto request = peer.next_request(); request.stream != 0; request = peer.next_request()) serve(peer, request);
  };
}

}  // namespace

TEST_CASE("request headers come in gRPC's order, metadata last and binary values unpadded") {
  std::vector<H2Peer::Field> fields;
  std::string body;
  {
    H2Case c(each([&](H2Peer& peer, const H2Peer::Request& request) {
      fields = request.fields;
      body = request.body;
      peer.reply(request.stream, "answer");
    }));
    REQUIRE(c.f.wait_ready(*c.channel).ok());  // or part of the timeout is over when the request leaves
    const Metadata metadata = {{"x-text", "one"}, {"x-raw-bin", std::string("\0\xff", 2)}};
    CallOptions options;
    options.timeout = 10s;
    options.metadata = &metadata;
    const Reply reply = c.call("hello", options);
    CHECK(reply.status.ok());
    CHECK(reply.bytes == "answer");
    CHECK(reply.connection == 1);
    CHECK(reply.peer == c.server.target());
    CHECK(reply.answered);
    CHECK(reply.timing.started <= reply.timing.sent);
    CHECK(reply.timing.sent <= reply.timing.first_byte);
    CHECK(reply.timing.first_byte <= reply.timing.done);
    CHECK(c.channel->connected_at() != TimePoint{});
  }
  std::vector<std::string> names;
  for (const auto& field : fields) names.push_back(field.name);
  CHECK(names == std::vector<std::string>{":method", ":scheme", ":path", ":authority", "te", "grpc-timeout",
                                          "content-type", "grpc-accept-encoding", "user-agent", "x-text", "x-raw-bin"});
  const H2Peer::Request request{1, fields, ""};
  CHECK(request.field(":path") == kMethod);
  CHECK(request.field("te") == "trailers");
  CHECK(request.field("grpc-timeout") == "10000000u");
  CHECK(request.field("grpc-accept-encoding") == "identity, deflate, gzip");
  CHECK(request.field("x-raw-bin") == "AP8");
  CHECK(request.field("user-agent").starts_with("grpc-lgen-h2/"));
  CHECK(body == H2Peer::framed("hello"));
}

TEST_CASE("a deadline is enforced here, too: the stream is reset and a late status changes nothing") {
  std::uint32_t reset = 0;
  bool late = false;
  {
    H2Case c([&](H2Peer& peer) {
      const auto request = peer.next_request();
      const auto frame = peer.next(NGHTTP2_RST_STREAM);
      if (frame) reset = frame->number();
      peer.answer(request.stream);
      peer.trailers(request.stream);
      const auto next = peer.next_request();
      peer.reply(next.stream, "second");
      late = true;
    });
    REQUIRE(c.f.wait_ready(*c.channel).ok());  // so that the request leaves at once, however slow the machine
    CallOptions options;
    options.timeout = 50ms;
    const Reply reply = c.call("first", options);
    CHECK(reply.status.code == GrpcCode::deadline_exceeded);
    CHECK(reply.connection == 1);
    CHECK_FALSE(reply.answered);
    CHECK(c.call().bytes == "second");
  }
  CHECK(reset == NGHTTP2_CANCEL);
  CHECK(late);
}

TEST_CASE("an answer may be trailers alone, its message percent-encoded, with details") {
  H2Case c(each([](H2Peer& peer, const H2Peer::Request& request) {
    peer.headers(request.stream,
                 {{":status", "200"},
                  {"content-type", "application/grpc"},
                  {"grpc-status", "5"},
                  {"grpc-message", "no%20such%0Athing"},
                  {"grpc-status-details-bin", to_base64("details", Base64::unpadded)},
                  {"x-why", "because"}},
                 true);
  }));
  const Reply reply = c.call();
  CHECK(reply.status.code == GrpcCode::not_found);
  CHECK(reply.status.message == "no such\nthing");
  CHECK(reply.status.details == "details");
  CHECK(reply.headers.empty());
  CHECK(std::find(reply.trailers.begin(), reply.trailers.end(),
                  std::pair<std::string, std::string>("x-why", "because")) != reply.trailers.end());
  CHECK(reply.answered);
}

TEST_CASE("a reply in many DATA frames is one message; the server may say it byte by byte") {
  const std::string message(5000, 'm');
  const auto serve = each([&](H2Peer& peer, const H2Peer::Request& request) {
    peer.headers(request.stream, {{":status", "103"}, {"link", "early"}});
    peer.answer(request.stream);
    const std::string bytes = H2Peer::framed(message);
    peer.data(request.stream, bytes.substr(0, 3));
    peer.data(request.stream, "");
    peer.data(request.stream, bytes.substr(3, 1000));
    peer.data(request.stream, bytes.substr(1003));
    peer.trailers(request.stream);
  });
  for (const bool dribble : {false, true}) {
    const H2Script server(serve, {}, dribble);
    Fixture f("h2");
    const auto channel = f.channel(server.target());
    for (int i = 0; i < 3; ++i) CHECK(f.call(*channel, kMethod, "").bytes == message);
  }
}

TEST_CASE("answers that are not gRPC's get the code of their HTTP status, and say what came") {
  struct Row {
    const char* scenario;
    H2Peer::Fields headers;
    GrpcCode code;
    const char* says;
  };
  const std::vector<Row> rows = {
      {"400", {{":status", "400"}, {"content-type", "text/html"}}, GrpcCode::internal, "HTTP status 400"},
      {"401", {{":status", "401"}}, GrpcCode::unauthenticated, "401"},
      {"403", {{":status", "403"}}, GrpcCode::permission_denied, "403"},
      {"404", {{":status", "404"}}, GrpcCode::unimplemented, "404"},
      {"429", {{":status", "429"}}, GrpcCode::unavailable, "429"},
      {"503", {{":status", "503"}}, GrpcCode::unavailable, "503"},
      {"500", {{":status", "500"}}, GrpcCode::unknown, "500"},
      {"a page", {{":status", "200"}, {"content-type", "text/html"}}, GrpcCode::unknown, "content type 'text/html'"},
      {"no type", {{":status", "200"}}, GrpcCode::unknown, "without a content type"},
      {"a type to move cursors with",
       {{":status", "200"}, {"content-type", "text/\x1b[2J\n\xc2\x9b"}},
       GrpcCode::unknown,
       "content type 'text/?[2J?"
       "?"
       "?'"},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    H2Case c(each([&](H2Peer& peer, const H2Peer::Request& request) {
      peer.headers(request.stream, row.headers);
      peer.data(request.stream, "<html>", true);
    }));
    const Reply reply = c.call();
    CHECK(reply.status.code == row.code);
    CHECK_THAT(reply.status.message, Catch::Contains(row.says) && Catch::Contains("like a web server"));
    CHECK_FALSE(reply.answered);
    CHECK(reply.connection == 1);
  }
}

TEST_CASE("a status without grpc-status, and an OK without exactly one reply, are failures") {
  struct Row {
    const char* scenario;
    std::function<void(H2Peer&, std::int32_t)> answer;
    GrpcCode code;
  };
  const std::vector<Row> rows = {
      {"ends after its data",
       [](H2Peer& peer, std::int32_t id) {
         peer.answer(id);
         peer.data(id, H2Peer::framed("x"), true);
       },
       GrpcCode::unknown},
      {"no reply", [](H2Peer& peer, std::int32_t id) { peer.answer(id), peer.trailers(id); }, GrpcCode::internal},
      {"two replies",
       [](H2Peer& peer, std::int32_t id) {
         peer.answer(id);
         peer.data(id, H2Peer::framed("x") + H2Peer::framed("y"));
         peer.trailers(id);
       },
       GrpcCode::internal},
      {"half a reply",
       [](H2Peer& peer, std::int32_t id) {
         peer.answer(id);
         peer.data(id, H2Peer::framed("xyz").substr(0, 6));
         peer.trailers(id);
       },
       GrpcCode::internal},
      {"no message at all",
       [](H2Peer& peer, std::int32_t id) {
         peer.answer(id);
         peer.data(id, "HTTP/1.1 200 OK");
         peer.trailers(id);
       },
       GrpcCode::internal},
      {"a status that does not exist",
       [](H2Peer& peer, std::int32_t id) { peer.answer(id), peer.trailers(id, {}, "42"); }, GrpcCode::unknown},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    H2Case c(each([&](H2Peer& peer, const H2Peer::Request& request) { row.answer(peer, request.stream); }));
    CHECK(c.call().status.code == row.code);
  }
}

TEST_CASE("trailers that do not end their stream break the rules, and cost that call alone") {
  int served = 0;
  H2Case c(each([&](H2Peer& peer, const H2Peer::Request& request) {
    if (served++ > 0) return peer.reply(request.stream, "whole");
    peer.answer(request.stream);
    peer.data(request.stream, H2Peer::framed("reply"));
    peer.headers(request.stream, {{"grpc-status", "0"}});
  }));
  const Reply reply = c.call();
  CHECK(reply.status.code == GrpcCode::internal);
  CHECK_THAT(reply.status.message, Catch::Contains("trailers that do not end it"));
  CHECK(c.call().bytes == "whole");
  CHECK(c.channel->connections() == 1);
}

TEST_CASE("resets stand for codes; what came before one does not count, but a status does") {
  const std::pair<std::uint32_t, GrpcCode> rows[] = {{NGHTTP2_REFUSED_STREAM, GrpcCode::unavailable},
                                                     {NGHTTP2_CANCEL, GrpcCode::cancelled},
                                                     {NGHTTP2_ENHANCE_YOUR_CALM, GrpcCode::resource_exhausted},
                                                     {NGHTTP2_INADEQUATE_SECURITY, GrpcCode::permission_denied},
                                                     {NGHTTP2_INTERNAL_ERROR, GrpcCode::internal},
                                                     {NGHTTP2_NO_ERROR, GrpcCode::internal}};
  for (const auto& [error, code] : rows) {
    H2Case c(each([error = error](H2Peer& peer, const H2Peer::Request& request) {
      peer.answer(request.stream);
      peer.reset(request.stream, error);
    }));
    const Reply reply = c.call();
    INFO(reply.status.message);
    CHECK(reply.status.code == code);
  }
  H2Case c(each([](H2Peer& peer, const H2Peer::Request& request) {
    peer.reply(request.stream, "whole");
    peer.reset(request.stream, NGHTTP2_NO_ERROR);
  }));
  CHECK(c.call().status.ok());
  CHECK(c.call().bytes == "whole");
}

TEST_CASE("packed replies are unpacked; what we have not offered, damage and bombs are failures") {
  struct Row {
    const char* scenario;
    const char* encoding;
    std::string bytes;
    GrpcCode code;
  };
  const std::string text(5000, 't');
  const std::vector<Row> rows = {
      {"gzip", "gzip", pack(text, Packing::gzip), GrpcCode::ok},
      {"deflate", "deflate", pack(text, Packing::zlib), GrpcCode::ok},
      {"unknown", "br", "x", GrpcCode::internal},
      {"marked, but identity", "identity", "x", GrpcCode::internal},
      {"damaged", "gzip", "no gzip", GrpcCode::internal},
      {"cut off", "gzip", pack(text, Packing::gzip).substr(0, 12), GrpcCode::internal},
      {"a bomb", "gzip", pack(std::string(1 << 20, 'b'), Packing::gzip), GrpcCode::resource_exhausted}};
  ChannelOptions options;
  options.max_recv = 100'000;
  for (const Row& row : rows) {
    INFO(row.scenario);
    H2Case c(each([&](H2Peer& peer, const H2Peer::Request& request) {
               peer.answer(request.stream, {{"grpc-encoding", row.encoding}});
               peer.data(request.stream, H2Peer::framed(row.bytes, true));
               peer.trailers(request.stream);
             }),
             {}, options);
    const Reply reply = c.call();
    INFO(reply.status.message);
    CHECK(reply.status.code == row.code);
    if (row.code == GrpcCode::ok) CHECK(reply.bytes == text);
  }
}

TEST_CASE("requests are packed when the channel or the call says so") {
  std::string encoding, body;
  {
    H2Case c(each([&](H2Peer& peer, const H2Peer::Request& request) {
      encoding = request.field("grpc-encoding");
      body = request.body;
      peer.reply(request.stream, "");
    }));
    CallOptions options;
    options.compression = Compression::gzip;
    CHECK(c.call("some text", options).status.ok());
  }
  CHECK(encoding == "gzip");
  REQUIRE(body.size() > 5);
  CHECK(body[0] == 1);
  std::string plain;
  Gunzip gunzip;
  CHECK(gunzip.feed(std::string_view(body).substr(5), plain, 1000) == Gunzip::State::end);
  CHECK(plain == "some text");
}

TEST_CASE("limits: messages over max_recv and max_send, and headers without end") {
  ChannelOptions options;
  options.max_recv = 100;
  options.max_send = 100;
  H2Case c(each([](H2Peer& peer, const H2Peer::Request& request) {
             if (request.field("x-kind") == "headers") {
               H2Peer::Fields fields;
               for (int i = 0; i < 100; ++i) fields.emplace_back("x-" + std::to_string(i), std::string(100, 'h'));
               for (int block = 0; block < 8; ++block) peer.answer(request.stream, fields);
               return;
             }
             peer.answer(request.stream);
             peer.data(request.stream, H2Peer::framed(std::string(101, 'x')));
             peer.trailers(request.stream);
           }),
           {}, options);
  const Reply large = c.call();
  CHECK(large.status.code == GrpcCode::resource_exhausted);
  CHECK_THAT(large.status.message, Catch::Contains("(101 vs. 100)") && Catch::Contains("max_recv"));
  const Reply kept = c.call(std::string(101, 'r'));
  CHECK(kept.status.code == GrpcCode::resource_exhausted);
  CHECK_THAT(kept.status.message, Catch::Contains("max_send"));
  CHECK(kept.connection == 0);
}

TEST_CASE("metadata that differs from call to call stays out of the peer's table") {
  std::vector<std::vector<H2Peer::Field>> seen;
  {
    H2Case c(each([&](H2Peer& peer, const H2Peer::Request& request) {
      seen.push_back(request.fields);
      peer.reply(request.stream, "");
    }));
    for (int i = 0; i < 3; ++i) {
      const Metadata metadata = {{"x-same", "s"}, {"x-id", std::to_string(i)}};
      CallOptions options;
      options.metadata = &metadata;
      REQUIRE(c.call("", options).status.ok());
    }
  }
  REQUIRE(seen.size() == 3);
  const auto never = [&](std::size_t call, const std::string& name) {
    for (const auto& field : seen[call]) {
      if (field.name == name) return field.never_indexed;
    }
    return false;
  };
  CHECK(never(1, "x-id"));
  CHECK(never(2, "x-id"));
  CHECK_FALSE(never(2, "x-same"));
  CHECK_FALSE(never(2, ":path"));
}

TEST_CASE("metadata that HTTP/2 cannot carry ends the call before it leaves") {
  H2Case c(each([](H2Peer& peer, const H2Peer::Request& request) { peer.reply(request.stream, ""); }));
  for (const auto& [key, value] : {std::pair("Upper", "x"), {"x", "line\nbreak"}, {"", "x"}, {":path", "x"}}) {
    const Metadata metadata = {{key, value}};
    CallOptions options;
    options.metadata = &metadata;
    const Reply reply = c.call("", options);
    CHECK(reply.status.code == GrpcCode::internal);
    CHECK(reply.connection == 0);
  }
}

TEST_CASE("calls beyond MAX_CONCURRENT_STREAMS wait their turn, and say how long") {
  int most = 0;
  {
    H2Case c(
        [&](H2Peer& peer) {
          for (int i = 0; i < 5; ++i) {
            const auto request = peer.next_request();
            if (request.stream == 0) return;
            ++most;
            peer.reply(request.stream, std::to_string(request.stream));
          }
        },
        {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
    int done = 0;
    Duration longest{0};
    std::vector<Op> ops;
    for (int i = 0; i < 5; ++i) {
      ops.push_back(c.channel->unary(kMethod, "", {}, [&](const UnaryResult& result) {
        CHECK(result.status.ok());
        longest = std::max(longest, result.queued);
        CHECK(result.timing.sent - result.timing.started >= result.queued);
        ++done;
      }));
    }
    CHECK(c.channel->open_calls() == 5);
    c.f.until([&] { return done == 5; });
    CHECK(longest > Duration{0});
    CHECK(c.channel->open_calls() == 0);
  }
  CHECK(most == 5);
}

TEST_CASE("a waiting call can be cancelled, dropped and run out of time; the others still get through") {
  H2Case c(
      [](H2Peer& peer) {
        const auto first = peer.next_request();
        peer.next(NGHTTP2_PING);  // never comes: the client goes
        peer.reply(first.stream, "");
      },
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
  const Op holds = c.channel->unary(kMethod, "", {}, [](const UnaryResult&) {});
  std::optional<GrpcCode> cancelled;
  Op waits = c.channel->unary(kMethod, "", {}, [&](const UnaryResult& result) {
    cancelled = result.status.code;
    CHECK(result.queued > Duration{0});
    CHECK(result.queued == result.timing.done - result.timing.started);
  });
  Op dropped = c.channel->unary(kMethod, "", {}, [](const UnaryResult&) { FAIL("dropped"); });
  CallOptions options;
  options.timeout = 30ms;
  const Reply late = c.call("", options);
  CHECK(late.status.code == GrpcCode::deadline_exceeded);
  CHECK(late.connection == 0);
  CHECK(late.queued > Duration{0});
  const std::string wait = "Deadline Exceeded: the call never left, it waited for ";
  const bool before_settings = late.status.message == wait + "a connection to " + c.server.target();
  if (!before_settings) CHECK_THAT(late.status.message, Catch::StartsWith(wait + "one of the 1 calls that 127.0.0.1:"));
  waits.cancel();
  dropped.reset();
  c.f.until([&] { return cancelled.has_value(); });
  CHECK(*cancelled == GrpcCode::cancelled);
  CHECK(c.channel->open_calls() == 1);
}

TEST_CASE("a request larger than the peer's window waits for room, and counts the stall") {
  const std::string large(200'000, 'w');
  std::string body;
  {
    H2Case c([&](H2Peer& peer) {
      const auto request = peer.next_request(false);
      std::size_t have = 0;
      while (const auto frame = peer.read_frame()) {
        if (frame->type != NGHTTP2_DATA) continue;
        body += frame->payload;
        have += frame->payload.size();
        if ((frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) break;
        if (have < 30'000) continue;
        peer.window(0, static_cast<std::uint32_t>(have));
        peer.window(request.stream, static_cast<std::uint32_t>(have));
        have = 0;
      }
      peer.reply(request.stream, "got it");
      peer.wait_closed();
    });
    const Reply reply = c.call(large);
    CHECK(reply.bytes == "got it");
  }
  CHECK(body == H2Peer::framed(large));
}

TEST_CASE("a peer that gives no more window stalls the call, which is counted and can be cancelled") {
  H2Case c([](H2Peer& peer) { peer.wait_closed(); });
  std::optional<Reply> reply;
  Op op = c.channel->unary(kMethod, std::string(200'000, 'w'), {}, [&](const UnaryResult& result) {
    reply = Reply{.status = result.status, .stalls = result.stalls};
  });
  REQUIRE(c.f.wait_ready(*c.channel).ok());
  c.f.rest(20ms);
  op.cancel();
  c.f.until([&] { return reply.has_value(); });
  CHECK(reply->status.code == GrpcCode::cancelled);
  CHECK(reply->stalls == 1);
}

TEST_CASE("large replies flow: the peer is told that they were read") {
  const std::string large(3 << 20, 'L');
  H2Case c(each([&](H2Peer& peer, const H2Peer::Request& request) {
    peer.answer(request.stream);
    const std::string bytes = H2Peer::framed(large);
    std::int64_t room = 65'535, stream_room = 1 << 20;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t count = std::min<std::size_t>(16'384, bytes.size() - at);
      while (stream_room < static_cast<std::int64_t>(count)) {
        const auto frame = peer.next(NGHTTP2_WINDOW_UPDATE);
        if (!frame) return;
        if (frame->stream == request.stream) stream_room += frame->number();
      }
      peer.data(request.stream, bytes.substr(at, count));
      stream_room -= static_cast<std::int64_t>(count);
      room -= static_cast<std::int64_t>(count);
      at += count;
    }
    peer.trailers(request.stream);
  }));
  CHECK(c.call().bytes == large);
}

TEST_CASE("with nothing but h2 channels the loop stays libuv's alone") {
  H2Case c(each([](H2Peer& peer, const H2Peer::Request& request) { peer.reply(request.stream, ""); }));
  CHECK(c.call().status.ok());
  CHECK_FALSE(has_completion_queue(c.f.loop));
}
