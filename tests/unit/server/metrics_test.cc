#include "metrics.h"

#include <string>

#include "catch.h"

using lgen::server::CallRecord;
using lgen::server::Metrics;

namespace {

bool has_line(const std::string& page, const std::string& line) {
  return page.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("streams move the gauge and tell the number after each step") {
  Metrics metrics("svc");
  CHECK(metrics.stream_started() == 1);
  CHECK(metrics.stream_started() == 2);
  CHECK(metrics.stream_finished() == 1);
  CHECK(has_line(metrics.text(), "grpc_server_active_streams 1"));
  CHECK(has_line(metrics.text(), "target_info{service_name=\"svc\"} 1"));
}

TEST_CASE("a call is counted at its start, and by status with its sizes at its end") {
  Metrics metrics("svc");
  CallRecord call(metrics.method("a.B/C"));
  CHECK(has_line(metrics.text(), "grpc_server_call_started_total{grpc_method=\"a.B/C\"} 1"));
  CHECK(metrics.text().find("grpc_status") == std::string::npos);
  call.received(2000);
  call.received(48);
  call.sent(1);
  call.finish(grpc::StatusCode::DEADLINE_EXCEEDED);
  const std::string labels = "{grpc_method=\"a.B/C\",grpc_status=\"DEADLINE_EXCEEDED\"";
  const std::string received = "grpc_server_call_rcvd_total_compressed_message_size_bytes";
  const std::string page = metrics.text();
  CHECK(has_line(page, "grpc_server_call_duration_seconds_count" + labels + "} 1"));
  CHECK(has_line(page, received + "_sum" + labels + "} 2048"));
  CHECK(has_line(page, received + "_bucket" + labels + ",le=\"1024\"} 0"));
  CHECK(has_line(page, received + "_bucket" + labels + ",le=\"2048\"} 1"));
  CHECK(has_line(page, "grpc_server_call_sent_total_compressed_message_size_bytes_sum" + labels + "} 1"));
}

TEST_CASE("a code outside gRPC's list counts as UNKNOWN") {
  Metrics metrics("svc");
  CallRecord(metrics.method("a.B/C")).finish(static_cast<grpc::StatusCode>(99));
  CHECK(metrics.text().find("grpc_status=\"UNKNOWN\"") != std::string::npos);
}
