#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "lgen/grpc.h"

using namespace lgen;

namespace {

/// A channel that only knows how many calls it has open.
class FakeChannel final : public GrpcChannel {
 public:
  explicit FakeChannel(std::size_t open) : open_(open) {}
  Op unary(std::string_view, std::string_view, const CallOptions&, UnaryDone) override { return {}; }
  std::unique_ptr<GrpcStream> open(std::string_view, MethodKind, const CallOptions&, StreamEvents&) override {
    return nullptr;
  }
  ChannelState state() const override { return ChannelState::ready; }
  void connect() override {}
  Op wait_ready(Deadline, std::function<void(Outcome)>) override { return {}; }
  void reconnect() override {}
  void close() override {}
  std::uint64_t connections() const override { return 0; }
  std::size_t open_calls() const override { return open_; }
  const std::string& target() const override { return target_; }
  void on_event(std::function<void(const ChannelEvent&)>) override {}

 private:
  std::size_t open_;
  std::string target_;
};

GrpcPool make_pool(const std::vector<std::size_t>& open, Pick pick, std::uint64_t seed = 1) {
  std::vector<std::shared_ptr<GrpcChannel>> channels;
  for (const std::size_t count : open) channels.push_back(std::make_shared<FakeChannel>(count));
  return GrpcPool(std::move(channels), pick, seed);
}

std::vector<std::size_t> picks(GrpcPool pool, const std::vector<std::uint64_t>& vus) {
  std::vector<std::size_t> result;
  for (const std::uint64_t vu : vus) result.push_back(pool.pick(vu));
  return result;
}

}  // namespace

TEST_CASE("the pick rules of a pool") {
  using Indices = std::vector<std::size_t>;
  CHECK(picks(make_pool({0, 0, 0}, Pick::round_robin), {5, 5, 5, 5}) == Indices{0, 1, 2, 0});
  CHECK(picks(make_pool({0, 0, 0}, Pick::by_vu), {1, 2, 3, 4, 2}) == Indices{0, 1, 2, 0, 1});
  CHECK(picks(make_pool({4, 2, 2}, Pick::least_streams), {1, 1}) == Indices{1, 1});
  CHECK(picks(make_pool({0}, Pick::random), {1, 2}) == Indices{0, 0});
}

TEST_CASE("random picks follow the seed and spread evenly") {
  std::vector<std::uint64_t> vus(3'000, 1);
  const auto first = picks(make_pool({0, 0, 0}, Pick::random, 7), vus);
  CHECK(first == picks(make_pool({0, 0, 0}, Pick::random, 7), vus));
  CHECK(first != picks(make_pool({0, 0, 0}, Pick::random, 8), vus));
  std::map<std::size_t, int> counts;
  for (const std::size_t index : first) ++counts[index];
  REQUIRE(counts.size() == 3);
  for (const auto& [index, count] : counts) CHECK((count > 850 && count < 1'150));
}
