// The lines seen while a plan runs.
#include "progress.h"

#include "catch.h"
#include "commands.h"

namespace lgen::cli {
namespace {

using std::chrono::seconds;

ScenarioProgress held_streams(Duration elapsed) {
  ScenarioProgress s;
  s.name = "hold";
  s.started = s.running = s.vus = 3;
  s.elapsed = elapsed;
  s.length = seconds(30);
  return s;
}

TEST_CASE("a scenario's line has its share, its time and its counts") {
  CHECK(progress_line(held_streams(seconds(15)), seconds(30), 80) ==
        "hold [==========          ]  50%  15.0s of 30.0s  3 VUs, 0 iterations");
  CHECK(progress_line(held_streams(seconds(15)), seconds(30), 10) == "hold [===…");
}

TEST_CASE("a scenario in the background has no share done") {
  ScenarioProgress s = held_streams(seconds(5));
  s.name = "watch";
  s.background = true;
  s.length = kNoLimit;
  CHECK(progress_line(s, seconds(30), 80) == "watch [background          ]       5.0s  3 VUs, 0 iterations");
  s.paused = true;
  CHECK(progress_line(s, seconds(30), 80) == "watch [background          ]       paused at 5.0s  3 VUs, 0 iterations");
}

TEST_CASE("when the planned time is over the line says what is waited for, and how long at most") {
  ScenarioProgress s = held_streams(seconds(30));
  CHECK(progress_line(s, seconds(30), 80) == "hold waiting for 3 iterations to end, at most 30.0s");
  s.elapsed = seconds(42);
  s.running = 1;
  s.failed = 2;
  CHECK(progress_line(s, seconds(30), 80) == "hold waiting for 1 iteration to end, at most 18.0s, 2 failed");
  s.elapsed = seconds(70);  // they are being cancelled
  CHECK(progress_line(s, seconds(30), 80) == "hold waiting for 1 iteration to end, at most 0.0s, 2 failed");
  s.finished = true;
  CHECK(progress_line(s, seconds(30), 80).find("waiting") == std::string::npos);
}

TEST_CASE("a stop takes the place of the planned time") {
  ScenarioProgress s = held_streams(seconds(15));
  s.stopping = true;
  s.stops_within = seconds(9);
  CHECK(progress_line(s, seconds(30), 80) == "hold stopping: waiting for 3 iterations to end, at most 9.0s");
  s.running = 0;
  s.dropped = 4;
  CHECK(progress_line(s, seconds(30), 80) == "hold stopping, 4 dropped");
}

TEST_CASE("a pause shows in the line") {
  ScenarioProgress s = held_streams(seconds(15));
  s.paused = true;
  CHECK(progress_line(s, seconds(30), 80) ==
        "hold [==========          ]  50%  paused at 15.0s of 30.0s  3 VUs, 0 iterations");
}

TEST_CASE("names are cut between characters and take the same columns") {
  std::vector<ScenarioProgress> all(3);
  all[0].name = "a";
  all[1].name = "日本";
  all[2].name = "abc";
  align_names(all);
  CHECK(all[0].name == "a   ");
  CHECK(all[1].name == "日本");
  CHECK(all[2].name == "abc ");
  all[0].name = std::string(40, 'x');
  align_names(all);
  CHECK(all[0].name == std::string(23, 'x') + "…");
  CHECK(all[2].name == "abc" + std::string(21, ' '));
}

TEST_CASE("more scenarios than rows: finished ones give way first") {
  using Lines = std::vector<std::string>;
  CHECK(fit_rows({"a", "b"}, {false, false}, 2) == Lines{"a", "b"});
  CHECK(fit_rows({"a", "b", "c", "d"}, {true, false, true, false}, 3) == Lines{"b", "d", "and 2 scenarios more"});
  CHECK(fit_rows({"a", "b", "c"}, {false, false, false}, 2) == Lines{"a", "and 2 scenarios more"});
  CHECK(fit_rows({"a", "b", "c"}, {false, false, false}, 1) == Lines{"and 3 scenarios more"});
}

TEST_CASE("lines on a terminal made narrower take more rows") {
  CHECK(rows_taken({}, 80) == 0);
  CHECK(rows_taken({79, 10, 0}, 80) == 3);
  CHECK(rows_taken({79, 10}, 40) == 3);
  CHECK(rows_taken({80}, 40) == 2);
}

TEST_CASE("traffic is told as far as there is any") {
  CHECK(traffic_text({}) == "");
  CHECK(traffic_text({.streams_open = 30, .messages_sent = 1}) == "30 streams open, 1 message sent");
  CHECK(traffic_text({.calls = 7}) == "7 calls made");
}

TEST_CASE("traffic stands behind a lone scenario where it fits, else below") {
  using Lines = std::vector<std::string>;
  CHECK(progress_lines({"a"}, "", 20) == Lines{"a"});
  CHECK(progress_lines({"a"}, "7 calls made", 20) == Lines{"a, 7 calls made"});
  CHECK(progress_lines({"a"}, "7 calls made", 14) == Lines{"a", "  7 calls made"});
  CHECK(progress_lines({"a"}, "7 calls made", 6) == Lines{"a", "  7 c…"});
  CHECK(progress_lines({"a", "b"}, "7 calls made", 80) == Lines{"a", "b", "  7 calls made"});
}

TEST_CASE("each line of a complaint names the program, but not what goes on with the line before") {
  CHECK(complaint("one") == "lgen: one\n");
  CHECK(complaint("p:1: x\np:2: y\n  in z") == "lgen: p:1: x\nlgen: p:2: y\n  in z\n");
}

}  // namespace
}  // namespace lgen::cli
