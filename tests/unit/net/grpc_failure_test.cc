#include "grpc_failure.h"

#include <string>
#include <vector>

#include "catch.h"
#include "grpc_channel_args.h"
#include "lgen/grpc.h"

using namespace lgen;

TEST_CASE("gRPC's own words for an early end get the place and the name of the number") {
  CHECK(locate_early_end("Received RST_STREAM with error code 8", "h:1") ==
        "Received RST_STREAM with error code 8 (CANCEL, from h:1)");
  CHECK(locate_early_end("Socket closed", "h:1") == "Socket closed (h:1)");
  CHECK(locate_early_end("recvmsg:Connection reset by peer", "h:1") == "recvmsg:Connection reset by peer (h:1)");
  CHECK(locate_early_end("GOAWAY received", "h:1") == "GOAWAY received (h:1)");
  CHECK_FALSE(locate_early_end("the server's own words", "h:1").has_value());
}

TEST_CASE("gRPC's own words for a failed connection become a cause and an advice") {
  struct Row {
    const char* grpc_says;
    ErrorCode code;
    const char* we_say;
  };
  const std::vector<Row> rows = {
      {"failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host: "
       "Connection refused",
       ErrorCode::refused, "h:1 refuses connections: nothing listens there"},
      {"DNS resolution failed for no.invalid:1: C-ares status is not ARES_SUCCESS", ErrorCode::not_found,
       "h:1 does not resolve: check the name (and the name server)"},
      {"failed to connect to all addresses; last error: UNAVAILABLE: ipv4:127.0.0.1:1: Endpoint read failed",
       ErrorCode::protocol,
       "h:1 closes the connection before HTTP/2 begins (a TLS port dialled without --tls, or no gRPC server?)"},
      {"failed to connect to all addresses; last error: UNAVAILABLE: something new", ErrorCode::unavailable,
       "h:1 cannot be reached"},
  };
  for (const Row& row : rows) {
    const auto cause = classify_connect_failure(row.grpc_says, "h:1");
    REQUIRE(cause.has_value());
    CHECK(cause->code == row.code);
    CHECK(cause->message == row.we_say);
  }
  CHECK_FALSE(classify_connect_failure("Socket closed", "h:1").has_value());
  CHECK_FALSE(classify_connect_failure("the server's own words", "h:1").has_value());
}

TEST_CASE("a target is a name and port, or any target URI of gRPC") {
  struct Row {
    const char* target;
    const char* uri;
    const char* address;
  };
  const std::vector<Row> rows = {
      {"localhost:50051", "dns:///localhost:50051", "localhost:50051"},
      {"127.0.0.1:1", "dns:///127.0.0.1:1", "127.0.0.1:1"},
      {"[::1]:1", "dns:///[::1]:1", "[::1]:1"},
      {"name", "dns:///name", "name"},
      {"dns:///a.example:443", "dns:///a.example:443", "a.example:443"},
      {"dns://8.8.8.8/a.example:443", "dns://8.8.8.8/a.example:443", "a.example:443"},
      {"ipv4:10.0.0.1:1,10.0.0.2:1", "ipv4:10.0.0.1:1,10.0.0.2:1", "10.0.0.1:1"},
      {"unix:/tmp/socket", "unix:/tmp/socket", "unix:/tmp/socket"},
      {"unix:50051", "dns:///unix:50051", "unix:50051"},
  };
  for (const Row& row : rows) {
    CHECK(grpc_target_uri(row.target) == row.uri);
    CHECK(grpc_target_address(row.target) == row.address);
  }
}

TEST_CASE("codes and states have gRPC's names") {
  CHECK(to_string(GrpcCode::ok) == "OK");
  CHECK(to_string(GrpcCode::unauthenticated) == "UNAUTHENTICATED");
  CHECK(to_string(static_cast<GrpcCode>(99)) == "UNKNOWN");
  CHECK(to_string(ChannelState::transient_failure) == "TRANSIENT_FAILURE");
}

TEST_CASE("a header is found by its key, the first of several") {
  const MetadataView headers = {{"a", "1"}, {"b", "2"}, {"b", "3"}};
  CHECK(find_header(headers, "b") == "2");
  CHECK_FALSE(find_header(headers, "c").has_value());
}
