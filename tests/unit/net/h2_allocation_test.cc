// What a call over `h2` takes from the heap once everything is warm: nothing. A program of its own, because it counts
// every operator new of the loop's thread.
#include "count_allocations.h"
#include "h2_fixture.h"

using namespace lgen;
using namespace lgen::test;

namespace {

/// Calls one after another, each from within the end of the last.
struct Caller {
  Caller(GrpcChannel& on, const CallOptions& with) : channel(on), options(with) {}
  void call() {
    op = channel.unary(kMethod, "a request", options, [this](const UnaryResult& result) {
      if (!result.status.ok() || result.reply != "a reply") ++failed;
      if (++done < wanted) call();
    });
  }
  GrpcChannel& channel;
  CallOptions options;
  Op op;
  int done = 0, wanted = 0, failed = 0;
};

}  // namespace

TEST_CASE("a call takes nothing from the heap") {
  H2Case c([](H2Peer& peer) {
    peer.window(0, 1 << 30);
    for (auto request = peer.next_request(); request.stream != 0; request = peer.next_request()) {
      peer.headers(request.stream, {{":status", "200"}, {"content-type", "application/grpc"}, {"x-backend", "pod-1"}});
      peer.data(request.stream, H2Peer::framed("a reply"));
      peer.trailers(request.stream, {{"x-cost", "1"}});
    }
  });
  const Metadata metadata = {{"x-tenant", "a tenant with a name longer than a small string"}};
  CallOptions options;
  options.timeout = std::chrono::seconds(60);
  options.metadata = &metadata;
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 8; ++i) callers.push_back(std::make_unique<Caller>(*c.channel, options));
  const auto all = [&](int wanted) {
    for (const auto& caller : callers) {
      caller->wanted = wanted;
      caller->call();
    }
    c.f.until([&] {
      for (const auto& caller : callers) {
        if (caller->done < wanted) return false;
      }
      return true;
    });
  };
  REQUIRE(c.f.wait_ready(*c.channel).ok());
  all(200);
  const std::size_t before = allocations;
  all(1200);
  // The test's own waiting takes a handful, however many calls there are.
  CHECK(allocations - before < 20);
  for (const auto& caller : callers) CHECK(caller->failed == 0);
}
