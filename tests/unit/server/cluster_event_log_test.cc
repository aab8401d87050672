#include "event_log.h"

#include <fcntl.h>

#include "catch.h"
#include "unique_fd.h"

namespace lgen::cluster {
namespace {

TEST_CASE("events are kept for whoever asks later, the latest of them when there are too many") {
  const ClusterClock clock(1);
  const UniqueFd nobody(open("/dev/null", O_WRONLY | O_CLOEXEC));
  EventLog log(clock, nobody.get());
  CHECK(log.history().empty());
  log.write("first", {{"pod", "a"}});
  CHECK_THAT(log.history(), Catch::StartsWith(R"({"event":"first","unix_seconds":)"));
  CHECK_THAT(log.history(), Catch::EndsWith(R"("pod":"a"})"
                                            "\n"));

  const std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 5; ++i) log.write("long", {{"number", i}, {"text", megabyte}});
  const std::string history = log.history();
  CHECK(history.size() < 5 << 20);
  CHECK_THAT(history, Catch::StartsWith(R"({"event":"events_forgotten",)"));
  CHECK(history.find(R"("count":3})"
                     "\n"
                     R"({"event":"long",)") != std::string::npos);
  CHECK(history.find(R"("number":4)") != std::string::npos);
}

}  // namespace
}  // namespace lgen::cluster
