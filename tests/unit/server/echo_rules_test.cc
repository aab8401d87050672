#include "echo_rules.h"

#include <limits>

#include "catch.h"

using lgen::echo::EchoRequest;
using lgen::server::check_echo;
using lgen::server::echo_outcome;
using lgen::server::echo_payload;
using lgen::server::echo_wait;

TEST_CASE("an empty echo request asks for nothing special") {
  const EchoRequest request;
  CHECK(check_echo(request).ok());
  CHECK(echo_wait(request, 0.99).count() == 0);
  CHECK(echo_outcome(request, 0).ok());
  CHECK(echo_payload(request).empty());
}

TEST_CASE("jitter adds its share of chance to the delay") {
  EchoRequest request;
  request.set_delay_seconds(0.5);
  request.set_delay_jitter_seconds(2);
  CHECK(echo_wait(request, 0) == std::chrono::milliseconds(500));
  CHECK(echo_wait(request, 0.25) == std::chrono::milliseconds(1000));
}

TEST_CASE("a code fails always, a probability by chance, a probability alone with UNAVAILABLE") {
  struct Row {
    int code;
    double probability;
    double chance;
    int outcome;
  };
  const Row rows[] = {{10, 0, 0.99, 10}, {10, 0.5, 0.49, 10}, {10, 0.5, 0.5, 0}, {0, 0.5, 0.1, 14}, {0, 1, 0.999, 14}};
  for (const Row& row : rows) {
    EchoRequest request;
    request.set_status_code(row.code);
    request.set_error_probability(row.probability);
    INFO("code " << row.code << " probability " << row.probability << " chance " << row.chance);
    CHECK(echo_outcome(request, row.chance).error_code() == row.outcome);
  }
}

TEST_CASE("impossible wishes are refused by the field's name") {
  EchoRequest request;
  SECTION("a delay before now") { request.set_delay_seconds(-1); }
  SECTION("a delay that is no number") { request.set_delay_seconds(std::numeric_limits<double>::quiet_NaN()); }
  SECTION("a probability above one") { request.set_error_probability(1.01); }
  SECTION("a code gRPC has not") { request.set_status_code(17); }
  SECTION("a reply of gigabytes") { request.set_reply_size(1u << 31); }
  CHECK(check_echo(request).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}
