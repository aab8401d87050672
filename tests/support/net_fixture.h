// What every test of connections needs: a loop in either of its modes, patience, requests as values, and listeners that
// follow a script.
// Thread: the test's; a ScriptedListener answers from a thread of its own.
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "lgen/http.h"
#include "loop_fixture.h"
#include "scripted_listener.h"

namespace lgen::test {

/// Descriptors of this process.
inline std::size_t descriptors() {
  std::size_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

/// An HttpResult that outlives its callback.
struct Reply {
  int status = 0;
  std::string body;
  std::string reason;
  HttpHeaders headers;
  ErrorCode code = ErrorCode::internal;
  std::string error;  // empty: none
  bool reused = false;
  bool retried = false;
  Timing timing;
  ConnectTiming connect;
  std::string peer;

  std::string header(const std::string& name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

inline Reply copy_of(const HttpResult& result) {
  Reply reply{.status = result.status,
              .body = std::string(result.body),
              .reason = std::string(result.reason),
              .headers = {result.headers->begin(), result.headers->end()},
              .reused = result.reused,
              .retried = result.retried,
              .timing = result.timing,
              .connect = result.connect,
              .peer = std::string(result.peer)};
  if (result.error) {
    reply.code = result.error->code;
    reply.error = result.error->message;
  }
  return reply;
}

class NetFixture : public LoopFixture {
 public:
  /// `inverted`: the loop blocks in gRPC's completion queue.
  explicit NetFixture(bool inverted = false) : LoopFixture(inverted) {}

  /// Some turns of the loop, for what must not happen.
  void turns(int count = 20) {
    for (; count > 0; --count) {
      bool turned = false;
      loop.post([&] { turned = true; });
      loop.run_until([&] { return turned; });
    }
  }

  Reply ask(HttpClient& client, const HttpRequest& request) {
    std::optional<Reply> reply;
    const Op op = client.send(request, [&](const HttpResult& result) {
      CHECK_FALSE(reply);  // exactly once
      reply = copy_of(result);
    });
    CHECK_FALSE(reply);  // never inside the starting call
    until([&] { return reply.has_value(); });
    return *reply;
  }
  Reply get(HttpClient& client, const std::string& url) { return ask(client, {.url = url}); }

  /// The error of a request that runs out of time as `part` says, with more and more time until it comes as far as
  /// that.
  std::string late(HttpClient& client, HttpRequest request, const std::string& part) {
    Reply reply;
    for (auto time = std::chrono::milliseconds(20); time < std::chrono::seconds(30); time *= 2) {
      request.timeout = time;
      reply = ask(client, request);
      if (reply.code != ErrorCode::timeout || reply.error.find(part) != std::string::npos) break;
    }
    CHECK(reply.code == ErrorCode::timeout);
    return reply.error;
  }
};

}  // namespace lgen::test
