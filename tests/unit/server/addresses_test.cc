#include "addresses.h"

#include "catch.h"

using lgen::server::grpc_address;
using lgen::server::http_address;
using lgen::server::Options;

TEST_CASE("--bind decides where gRPC and the metrics listen") {
  struct Row {
    const char* bind;
    const char* grpc;
    const char* metrics;
  };
  const Row rows[] = {{"", "[::]:50051", "0.0.0.0:9464"},
                      {"127.0.0.11", "127.0.0.11:50051", "127.0.0.11:9464"},
                      {"::1", "[::1]:50051", "127.0.0.1:9464"},
                      {"[::1]", "[::1]:50051", "127.0.0.1:9464"},
                      {"fe80::2", "[fe80::2]:50051", "0.0.0.0:9464"}};
  for (const Row& row : rows) {
    INFO(row.bind);
    Options options;
    options.bind = row.bind;
    CHECK(grpc_address(options, options.grpc_port) == row.grpc);
    CHECK(http_address(options, options.metrics_port) == row.metrics);
  }
}
