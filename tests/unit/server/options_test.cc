#include "options.h"

#include <stdexcept>
#include <vector>

#include "catch.h"

using lgen::server::EarlyListening;
using lgen::server::Options;
using lgen::server::parse_duration;
using lgen::server::parse_options;
using std::chrono::nanoseconds;

namespace {

Options parsed(std::vector<const char*> flags) {
  flags.insert(flags.begin(), "lgen-server");
  return std::get<Options>(parse_options(static_cast<int>(flags.size()), flags.data()));
}

int exit_code(std::vector<const char*> flags) {
  flags.insert(flags.begin(), "lgen-server");
  return std::get<int>(parse_options(static_cast<int>(flags.size()), flags.data()));
}

}  // namespace

TEST_CASE("a duration is a number and a unit") {
  struct Row {
    const char* text;
    std::int64_t nanoseconds;
  };
  const Row rows[] = {{"600s", 600'000'000'000}, {"250ms", 250'000'000},  {"10us", 10'000}, {"7ns", 7},
                      {"1.5s", 1'500'000'000},   {"2m", 120'000'000'000}, {"0", 0},         {"0ms", 0},
                      {"1h", 3'600'000'000'000}};
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(parse_duration(row.text).count() == row.nanoseconds);
  }
}

TEST_CASE("what is no duration is refused, not guessed") {
  for (const char* text : {"", "10", "s", "-1s", "1 s", "1d", "1sx", "nan s", "nans", "infs", "1e300h", "abc"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_duration(text), std::invalid_argument);
  }
}

TEST_CASE("without flags the server has the ports and the connection age of the original") {
  const Options options = parsed({});
  CHECK(options.grpc_port == 50051);
  CHECK(options.metrics_port == 9464);
  CHECK(options.max_connection_age == std::chrono::seconds(600));
  CHECK(options.max_connection_age_grace == std::chrono::seconds(60));
  CHECK(options.message_delay == nanoseconds(0));
  CHECK(options.max_handlers == 0);
  CHECK(options.listen_early == EarlyListening::kNo);
  CHECK_FALSE(options.pod.empty());
}

TEST_CASE("flags are taken as given, the last one of its kind") {
  const Options options = parsed({"--grpc-port", "1", "--grpc-port", "2", "--message-delay", "10ms", "--pod", "p",
                                  "--listen-early", "refuse", "--max-handlers", "3", "--hello-port", "8000"});
  CHECK(options.grpc_port == 2);
  CHECK(options.message_delay == std::chrono::milliseconds(10));
  CHECK(options.pod == "p");
  CHECK(options.listen_early == EarlyListening::kRefuse);
  CHECK(options.max_handlers == 3);
  CHECK(options.hello_port == 8000);
}

TEST_CASE("help ends well, mistakes end with code 2") {
  CHECK(exit_code({"--help"}) == 0);
  CHECK(exit_code({"--no-such-flag"}) == 104);
  CHECK(exit_code({"--grpc-port", "66000"}) == 104);
  CHECK(exit_code({"--max-handlers", "-1"}) == 104);
  CHECK(exit_code({"--drain-delay", "soon"}) == 104);
  CHECK(exit_code({"surplus"}) == 104);
}
