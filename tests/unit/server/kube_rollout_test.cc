#include <fmt/format.h>

#include <algorithm>

#include "catch.h"
#include "rollout.h"

namespace lgen::kube {
namespace {

using namespace std::chrono_literals;

// "2 r2" is two available pods of revision 2; "n": not ready, "d": being deleted.
std::vector<PodView> pods(std::initializer_list<std::pair<int, std::string>> groups) {
  std::vector<PodView> all;
  for (const auto& [count, words] : groups) {
    for (int i = 0; i < count; ++i) {
      PodView pod{.name = fmt::format("p{}", all.size() + 1), .revision = words[0] - '0'};
      pod.ready = pod.available = words.find('n') == std::string::npos;
      pod.deleting = words.find('d') != std::string::npos;
      pod.created = pod.ready_since = TimePoint(std::chrono::seconds(all.size()));
      all.push_back(pod);
    }
  }
  return all;
}

Strategy rolling(int surge, int unavailable) { return {false, {surge, false}, {unavailable, false}}; }

TEST_CASE("what a Deployment does next") {
  struct Row {
    const char* scenario;
    Wanted wanted;
    std::vector<PodView> pods;
    int create;
    int remove;
  };
  const Strategy one_more = rolling(1, 0), one_less = rolling(0, 1), quarter;
  for (const auto& [scenario, wanted, observed, create, remove] : std::initializer_list<Row>{
           {"nothing there", {3, 1, one_more}, {}, 3, 0},
           {"all there", {3, 1, one_more}, pods({{3, "1"}}), 0, 0},
           {"one missing", {3, 1, one_more}, pods({{2, "1"}}), 1, 0},
           {"one that is being deleted is missing", {3, 1, one_more}, pods({{2, "1"}, {1, "1d"}}), 1, 0},
           {"scaled down", {3, 1, one_more}, pods({{8, "1"}}), 0, 5},
           {"scaled to nothing", {0, 1, one_more}, pods({{2, "1"}}), 0, 2},
           {"a rollout adds one", {3, 2, one_more}, pods({{3, "1"}}), 1, 0},
           {"and waits for it", {3, 2, one_more}, pods({{3, "1"}, {1, "2n"}}), 0, 0},
           {"then an old one goes", {3, 2, one_more}, pods({{3, "1"}, {1, "2"}}), 0, 1},
           {"and the next one comes", {3, 2, one_more}, pods({{2, "1"}, {1, "1d"}, {1, "2"}}), 1, 0},
           {"the last old one goes", {3, 2, one_more}, pods({{1, "1"}, {3, "2"}}), 0, 1},
           {"without surge an old one goes first", {3, 2, one_less}, pods({{3, "1"}}), 0, 1},
           {"then a new one comes", {3, 2, one_less}, pods({{2, "1"}}), 1, 0},
           {"and is waited for", {3, 2, one_less}, pods({{2, "1"}, {1, "2n"}}), 0, 0},
           {"25 % of 4 each way", {4, 2, quarter}, pods({{4, "1"}}), 1, 1},
           {"old pods that are not ready may go at once", {3, 2, one_more}, pods({{1, "1"}, {2, "1n"}}), 1, 0},
           {"once a new one is ready", {3, 2, one_more}, pods({{1, "1"}, {2, "1n"}, {1, "2"}}), 0, 1},
           {"a rollout that grows", {6, 2, one_more}, pods({{3, "1"}, {1, "2n"}}), 3, 0},
           {"a rollout that shrinks", {2, 2, one_more}, pods({{3, "1"}, {1, "2"}}), 0, 2},
           {"recreate: the old ones go", {3, 2, {true, {}, {}}}, pods({{3, "1"}}), 0, 3},
           {"recreate: and are waited for", {3, 2, {true, {}, {}}}, pods({{1, "1d"}}), 0, 0},
           {"recreate: then the new ones come", {3, 2, {true, {}, {}}}, {}, 3, 0},
           {"recreate: without old ones it scales", {4, 2, {true, {}, {}}}, pods({{3, "2"}}), 1, 0}}) {
    INFO(scenario);
    const Steps steps = next_steps(wanted, observed);
    CHECK(steps.create == create);
    CHECK(steps.remove.size() == static_cast<std::size_t>(remove));
  }
}

TEST_CASE("pods that do the least go first") {
  auto all = pods({{4, "1"}});
  all[0].ready = all[0].available = false;
  all[1].running = all[1].ready = all[1].available = false;
  all[3].restarts = 2;
  CHECK(next_steps({2, 1, {}}, all).remove == std::vector<std::string>{"p2", "p1"});
  CHECK(next_steps({1, 1, {}}, all).remove == std::vector<std::string>{"p2", "p1", "p4"});  // ready for less time
}

TEST_CASE("a rollout keeps its bounds at every step, and comes to its end") {
  for (const auto& [replicas, surge, unavailable] : std::initializer_list<std::tuple<int, int, int>>{
           {3, 1, 0}, {3, 0, 1}, {10, 3, 2}, {1, 1, 0}, {1, 0, 1}, {5, 5, 5}}) {
    const Wanted wanted{replicas, 2, rolling(surge, unavailable)};
    auto all = pods({{replicas, "1"}});
    int rounds = 0;
    for (; !is_complete(wanted, all) && rounds < 100; ++rounds) {
      const Steps steps = next_steps(wanted, all);
      for (const std::string& name : steps.remove) {
        std::erase_if(all, [&](const PodView& pod) { return pod.name == name; });
      }
      const auto available = std::count_if(all.begin(), all.end(), [](const PodView& pod) { return pod.available; });
      CHECK(available >= replicas - unavailable);
      // What is new becomes ready a round later.
      for (PodView& pod : all) pod.ready = pod.available = true;
      for (int i = 0; i < steps.create; ++i) {
        all.push_back({.name = fmt::format("n{}.{}", rounds, i), .revision = 2});
      }
      CHECK(static_cast<int>(all.size()) <= replicas + surge);
    }
    INFO(fmt::format("{} pods, surge {}, unavailable {}", replicas, surge, unavailable));
    CHECK(rounds < 100);
  }
}

TEST_CASE("a rollout's state is told in kubectl's words") {
  const Wanted three{3, 2, rolling(1, 0)};
  for (const auto& [observed, what] : std::initializer_list<std::pair<std::vector<PodView>, const char*>>{
           {pods({{3, "1"}, {1, "2n"}}), "1 out of 3 new replicas have been updated"},
           {pods({{1, "1"}, {3, "2"}}), "1 old replicas are pending termination"},
           {pods({{1, "1d"}, {2, "2"}, {1, "2n"}}), "2 of 3 updated replicas are available"}}) {
    const RolloutStatus status = rollout_status("server", three, observed);
    CHECK_FALSE(status.complete);
    CHECK(status.text == fmt::format("Waiting for deployment \"server\" rollout to finish: {}...", what));
  }
  const RolloutStatus done = rollout_status("server", three, pods({{3, "2"}, {1, "1d"}}));
  CHECK(done.complete);
  CHECK(done.text == "deployment \"server\" successfully rolled out");
}

}  // namespace
}  // namespace lgen::kube
