// What a run does when nothing interferes: exact counts, order, identities, metrics.
#include <algorithm>
#include <set>

#include "run_harness.h"

using namespace lgen;
using namespace lgen::testing;

TEST_CASE("constant_vus iterates until its duration is over") {
  RunHarness run;
  run.add("s", constant_vus(3, 9500ms), {.iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::completed);
  CHECK(outcome.reason.empty());
  const ScenarioProgress& s = outcome.scenarios.at(0);
  CHECK(s.started == 30);
  CHECK(s.succeeded == 30);  // the last three ended within graceful_stop
  CHECK(s.load == "3 VUs for 9.5s");
  CHECK(s.max_vus == 3);
  CHECK(s.length == 9500ms);
  CHECK(s.elapsed == 10s);
  CHECK(outcome.finished - outcome.started == 10s);
  CHECK(run.logs["s"].begun == 3);
  CHECK(run.logs["s"].ended == 3);
  CHECK(run.logs["s"].asked == 3);
}

TEST_CASE("no iteration starts at the end of the duration or later") {
  RunHarness run;
  run.add("s", constant_vus(2, 10s), {.iteration = 1s});
  CHECK(run.run().scenarios.at(0).started == 20);
}

TEST_CASE("per_vu_iterations gives every VU its number") {
  RunHarness run;
  run.add("s", iterations(kPerVu, 5, 7), {.iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios.at(0).succeeded == 35);
  CHECK(outcome.scenarios.at(0).total == 35u);
  for (std::uint64_t id = 1; id <= 5; ++id) CHECK(run.logs["s"].started_by(id) == 7);
  CHECK(outcome.finished - outcome.started == 7s);
  CHECK(run.logs["s"].asked == 0);  // they end by themselves
}

TEST_CASE("a slow VU of per_vu_iterations does not lose its iterations to a fast one") {
  RunHarness run;
  run.add("fast", iterations(kPerVu, 1, 3), {.iteration = 1s});
  run.add("s", iterations(kPerVu, 2, 3), {.iteration = 5s});
  run.run();
  CHECK(run.logs["s"].started_by(2) == 3);
  CHECK(run.logs["s"].started_by(3) == 3);
}

TEST_CASE("shared_iterations start as often as asked, whoever is free") {
  RunHarness run;
  run.add("s", iterations(kShared, 4, 10), {.iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios.at(0).succeeded == 10);
  CHECK(outcome.finished - outcome.started == 3s);
  std::set<std::uint64_t> numbers;
  for (const auto& [vu, iteration] : run.logs["s"].started) numbers.insert(iteration.global);
  CHECK(numbers.size() == 10);
  CHECK(*numbers.rbegin() == 9);
}

TEST_CASE("iterations that max_duration leaves no time for count as dropped") {
  RunHarness run;
  run.add("s", iterations(kShared, 2, 100, 10s), {.iteration = 1s});
  const ScenarioProgress s = run.run().scenarios.at(0);
  CHECK(s.started == 20);
  CHECK(s.dropped == 80);
}

TEST_CASE("failed iterations are counted and do not stop the VU") {
  RunHarness run;
  run.add("s", iterations(kPerVu, 2, 10), {.iteration = 1s, .result = [](const Iteration& i) {
                                             return i.number % 5 == 0 ? IterationEnd::failed : IterationEnd::succeeded;
                                           }});
  const ScenarioProgress s = run.run().scenarios.at(0);
  CHECK(s.succeeded == 16);
  CHECK(s.failed == 4);
  CHECK(run.measured("iterations").value == 20);
  CHECK(run.measured("iterations_failed").value == 4);
}

TEST_CASE("metrics tell what the iterations did") {
  RunHarness run;
  run.add("s", constant_vus(3, 9500ms), {.iteration = 1s}).tags = make_labels({{"team", "blue"}});
  run.run();
  const Labels own = make_labels({{"scenario", "s"}, {"team", "blue"}});
  CHECK(run.measured("iterations", own).value == 30);
  CHECK(run.measured("iterations_failed", own).value == 0);
  CHECK(run.measured("start_lag_seconds", own).count == 27);  // no time is set for the first one of each VU
  CHECK(run.measured("vu_wait_seconds", own).count == 0);     // closed: nothing arrives by itself
  CHECK(run.measured("vus", own).max == 3);
  const SeriesSnapshot duration = run.measured("iteration_duration_seconds", own);
  CHECK(duration.count == 30);
  REQUIRE(duration.histogram);
  CHECK(duration.histogram->min() == 1'000'000);
  CHECK(duration.histogram->max() == 1'000'000);
  CHECK(run.measured("loop_lag_seconds").count == 11);  // one a second and one at the end
  CHECK(run.measured("slice_seconds").count > 0);
}

TEST_CASE("iterations carry the phase they start in, the last phase goes on") {
  RunHarness run;
  run.add("s", constant_vus(1, 10s), {.iteration = 1s}).phases = {{"warmup", 3s}, {"steady", 2s}};
  CHECK(run.run().scenarios.at(0).started_in_warmup == 3);
  CHECK(run.measured("iterations", {{"phase", "warmup"}}).value == 3);
  CHECK(run.measured("iterations", {{"phase", "steady"}}).value == 7);
}

TEST_CASE("progress tells how much of the time was warm-up") {
  struct Row {
    const char* says;
    std::vector<PhaseSpec> phases;
    Duration warmup;
  };
  const std::vector<Row> rows = {{"none", {}, 0s},
                                 {"in front", {{"warmup", 3s}, {"main", 1s}}, 3s},
                                 {"between", {{"cold", 2s}, {"warmup", 3s}, {"main", 1s}}, 3s},
                                 {"the last phase goes on", {{"main", 4s}, {"warmup", 1s}}, 6s},
                                 {"longer than the run", {{"warmup", 1h}, {"main", 1s}}, 10s}};
  for (const Row& row : rows) {
    INFO(row.says);
    RunHarness run;
    run.add("s", constant_vus(1, 10s), {.iteration = 1s}).phases = row.phases;
    CHECK(run.run().scenarios.at(0).warmup == row.warmup);
  }
}

TEST_CASE("a phase is told to the VU") {
  RunHarness run;
  std::vector<std::string> phases;
  run.add("s", constant_vus(1, 4s),
          {.iteration = 1s, .on_start = [&](const Iteration& i) { phases.emplace_back(i.phase); }})
      .phases = {{"a", 1s}, {"b", 1s}, {"c", 1s}};
  run.run();
  CHECK(phases == std::vector<std::string>{"a", "b", "c", "c"});
}

TEST_CASE("iterations are numbered and scheduled for when the VU became free") {
  RunHarness run;
  run.add("s", iterations(kPerVu, 1, 3), {.iteration = 2s});
  run.run();
  const auto& started = run.logs["s"].started;
  for (std::uint64_t i = 0; i < 3; ++i) {
    CHECK(started[i].second.number == i);
    CHECK(run.since_start(started[i].second.scheduled_at) == i * Duration(2s));
  }
}

TEST_CASE("VU ids run on over scenarios, indexes start anew") {
  RunHarness run;
  run.add("a", iterations(kPerVu, 2, 1));
  run.add("b", iterations(kPerVu, 3, 1));
  run.run();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;
  for (const auto& [vu, iteration] : run.logs["b"].started) seen.emplace_back(vu.id, vu.index);
  CHECK(seen == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{3, 1}, {4, 2}, {5, 3}});
}

TEST_CASE("the runs of all ranks together are the run of one") {
  const auto ids_and_count = [](Slice slice) {
    RunHarness run;
    run.add("a", iterations(kPerVu, 4, 2), {.iteration = 1s});
    run.add("b", iterations(kShared, 5, 11), {.iteration = 1s});
    run.spec.slice = slice;
    run.run();
    std::multiset<std::uint64_t> ids;
    for (const auto& [name, log] : run.logs) {
      for (const auto& [vu, iteration] : log.started) ids.insert(vu.id);
    }
    return ids;
  };
  const auto whole = ids_and_count(Slice{});
  std::multiset<std::uint64_t> all;
  for (std::uint64_t rank = 0; rank < 3; ++rank) all.merge(ids_and_count(Slice{rank, 3}));
  CHECK(all.size() == whole.size());
  CHECK(std::set<std::uint64_t>(all.begin(), all.end()) == std::set<std::uint64_t>(whole.begin(), whole.end()));
}

TEST_CASE("start_after delays a scenario, phases and duration count from its own start") {
  RunHarness run;
  run.add("first", constant_vus(1, 3s), {.iteration = 1s});
  ScenarioSpec& late = run.add("late", constant_vus(1, 3s), {.iteration = 1s});
  late.start_after = 5s;
  late.phases = {{"one", 1s}, {"two", 2s}};
  const RunOutcome outcome = run.run();
  CHECK(run.since_start(run.logs["late"].started.front().second.scheduled_at) == 5s);
  CHECK(outcome.scenarios[1].succeeded == 3);
  CHECK(outcome.scenarios[1].elapsed == 3s);
  CHECK(run.measured("iterations", {{"phase", "one"}}).value == 1);
  CHECK(outcome.finished - outcome.started == 8s);
}

TEST_CASE("a background scenario ends when all others have") {
  RunHarness run;
  run.add("back", constant_vus(2, 1h), {.iteration = 1s}).background = true;
  run.add("front", constant_vus(1, 10s), {.iteration = 1s});
  run.add("front2", iterations(kPerVu, 1, 20), {.iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(outcome.end == RunEnd::completed);
  CHECK(outcome.finished - outcome.started == 21s);
  CHECK(outcome.scenarios[0].cancelled == 0);
  CHECK(outcome.scenarios[0].started == 42);
}

TEST_CASE("a background scenario that had not started yet never does") {
  RunHarness run;
  ScenarioSpec& back = run.add("back", iterations(kShared, 1, 5), {.iteration = 1s});
  back.background = true;
  back.start_after = 1min;
  run.add("front", constant_vus(1, 2s), {.iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(outcome.scenarios[0].started == 0);
  CHECK(outcome.scenarios[0].dropped == 5);
  CHECK(outcome.finished - outcome.started == 2s);
}

TEST_CASE("background scenarios alone run their own time") {
  RunHarness run;
  run.add("back", constant_vus(1, 5s), {.iteration = 1s}).background = true;
  CHECK(run.run().scenarios[0].started == 5);
}

TEST_CASE("VUs begin before their first and end after their last iteration") {
  RunHarness run;
  run.add("s", iterations(kPerVu, 2, 1), {.begin = 2s, .end = 3s, .iteration = 1s});
  const RunOutcome outcome = run.run();
  CHECK(run.since_start(run.logs["s"].started[0].second.scheduled_at) == 2s);
  CHECK(outcome.finished - outcome.started == 6s);
}

TEST_CASE("ten thousand VUs start in portions, not in one turn") {
  RunHarness run;
  run.add("s", constant_vus(10'000, 10s), {.iteration = 1min, .heeds_stop = true});
  FakeLog& log = run.logs["s"];
  std::uint64_t before = 0, most = 0;
  const auto hook = run.loop.add_turn_hook([&] {
    most = std::max<std::uint64_t>(most, log.started.size() - before);
    before = log.started.size();
  });
  const RunOutcome outcome = run.run();
  run.loop.remove_turn_hook(hook);
  CHECK(outcome.scenarios[0].succeeded == 10'000);
  CHECK(most > 0);
  CHECK(most <= 64);
  CHECK(log.most_running == 10'000);
}

TEST_CASE("a scenario whose VUs only wait costs next to no turns") {
  RunHarness run;
  run.add("s", constant_vus(1000, 1h), {.iteration = 2h, .heeds_stop = true});
  const std::uint64_t before = run.loop.turns();
  run.run();
  // 3600 s of health samples, 2 x 1000/64 portions, a thousand ends.
  CHECK(run.loop.turns() - before < 6000);
}

TEST_CASE("iterations that end at once leave the loop a turn each") {
  RunHarness run;
  run.add("s", iterations(kPerVu, 1, 1000),
          {.iteration = 0s, .result = [](const Iteration&) { return IterationEnd::failed; }});
  std::uint64_t others = 0;
  const auto hook = run.loop.add_turn_hook([&] { ++others; });
  const RunOutcome outcome = run.run();
  run.loop.remove_turn_hook(hook);
  CHECK(outcome.scenarios[0].failed == 1000);
  CHECK(others >= 1000);
}
