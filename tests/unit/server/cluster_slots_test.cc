#include <fcntl.h>
#include <unistd.h>

#include "catch.h"
#include "event_log.h"
#include "slot_pool.h"
#include "unique_fd.h"

namespace lgen::cluster {
namespace {

SlotPool four_slots() {
  return SlotPool({{"slot-1", "zone-a", "127.0.0.11"},
                   {"slot-2", "zone-a", "127.0.0.12"},
                   {"slot-3", "zone-b", "127.0.0.13"},
                   {"slot-4", "zone-b", "127.0.0.14"}});
}

TEST_CASE("pods are spread over zones, until every address is taken") {
  SlotPool pool = four_slots();
  CHECK(pool.take() == 0);
  CHECK(pool.take() == 2);
  CHECK(pool.take() == 1);
  CHECK(pool.take() == 3);
  CHECK_FALSE(pool.take());
  pool.give_back(1);
  CHECK(pool.take() == 1);
}

TEST_CASE("the address that has been free the longest is the next one") {
  SlotPool pool = four_slots();
  for (int i = 0; i < 4; ++i) pool.take();
  for (const std::size_t slot : {3, 2, 1, 0}) pool.give_back(slot);
  CHECK(pool.take() == 3);
  CHECK(pool.take() == 1);  // in the other zone
}

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
    fcntl(writer.get(), F_SETFL, 0);  // as standard output is
    fcntl(writer.get(), F_SETPIPE_SZ, 4096);
  }
  std::string take() {
    std::string text(1 << 16, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, read(reader.get(), text.data(), text.size()))));
    return text;
  }
  UniqueFd reader, writer;
};

TEST_CASE("an event is a line of JSON with both times") {
  Pipe pipe;
  const ClusterClock clock(20);
  EventLog(clock, pipe.writer.get()).write("pod_ready", {{"pod", "a\xff"}});
  const auto line = nlohmann::json::parse(pipe.take());
  CHECK(line["event"] == "pod_ready");
  CHECK(line["pod"] == "a\xef\xbf\xbd");
  CHECK(line["unix_seconds"] > 1e9);
  CHECK(line["cluster_seconds"] >= 0);
}

TEST_CASE("events that nobody reads block nothing, are kept up to a limit, and then counted") {
  Pipe pipe;
  const ClusterClock clock(1);
  EventLog log(clock, pipe.writer.get());
  const std::string text(100000, 'x');
  for (int i = 0; i < 50; ++i) log.write("much", {{"text", text}});  // 5 MB
  std::string all;
  const auto read_all = [&] {
    for (std::string piece = pipe.take(); !piece.empty(); piece = pipe.take()) {
      all += piece;
      log.flush();
    }
  };
  read_all();
  log.write("last");
  read_all();
  const std::size_t told = all.find("{\"event\":\"events_lost\"");
  REQUIRE(told != std::string::npos);
  const auto lost = nlohmann::json::parse(all.substr(told, all.find('\n', told) - told));
  CHECK(lost["count"].get<int>() + std::count(all.begin(), all.end(), '\n') == 52);
}

}  // namespace
}  // namespace lgen::cluster
