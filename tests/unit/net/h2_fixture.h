// An `h2` channel against a server that follows a script.
// Thread: the test's; the script has its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "grpc_fixture.h"
#include "h2_peer.h"
#include "scripted_listener.h"

namespace lgen::test {

inline constexpr const char* kMethod = "/test.Service/Method";

/// Serves one connection after another.
class H2Script {
 public:
  using Serve = std::function<void(H2Peer&)>;

  /// `settings`: of every connection's greeting.
  explicit H2Script(Serve serve, H2Peer::Settings settings = {}, bool dribble = false)
      : listener_([=](int fd) {
          H2Peer peer(fd, dribble);
          peer.greet(settings);
          serve(peer);
        }) {}
  std::string target() const { return listener_.target(); }

 private:
  ScriptedListener listener_;
};

/// Made in this order: the channel goes first, so that the script's reads end.
struct H2Case {
  explicit H2Case(H2Script::Serve serve, H2Peer::Settings settings = {}, const ChannelOptions& options = {})
      : server(std::move(serve), std::move(settings)), channel(f.channel(server.target(), options)) {}

  Reply call(const std::string& request = "request", const CallOptions& options = {}) {
    return f.call(*channel, kMethod, request, options);
  }

  H2Script server;
  Fixture f{"h2"};
  std::shared_ptr<GrpcChannel> channel;
};

}  // namespace lgen::test
