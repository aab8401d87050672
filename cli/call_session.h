// One call of any kind: sends the requests as they come, prints the replies as they arrive, ends with an exit code.
// Thread: the loop's.
// Lifetime: one run() each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "grpcurl_options.h"
#include "lgen/grpc.h"
#include "lgen/message_json.h"
#include "lgen/schema.h"
#include "requests.h"
#include "service_link.h"

namespace lgen::cli {

class CallSession final : private StreamEvents {
 public:
  CallSession(ServiceLink& link, const ServiceFlags& flags, const MethodInfo& method);

  /// The exit code; everything has been printed.
  int run();

 private:
  void on_headers(const MetadataView& headers, std::string_view peer, std::uint64_t connection, TimePoint at) override;
  void on_message(std::string_view message) override;
  void on_writable() override { pump(); }
  void on_done(const StreamResult& result) override;

  bool takes_one() const { return method_.kind == MethodKind::unary || method_.kind == MethodKind::server; }
  std::optional<Ended> gather_one();
  void open();
  void pump();
  void cancel(std::string_view why);
  int conclude(bool interrupted);
  void explain(GrpcStatus& status) const;
  int report_failure();

  void print(const std::string& text);
  void print_before() const;
  void print_end();
  std::string since_start(TimePoint at) const;

  ServiceLink& link_;
  const ServiceFlags& flags_;
  const MethodInfo& method_;
  const MessageText texts_;
  Requests requests_;
  std::optional<std::string> only_request_;  // of a call that takes one
  std::unique_ptr<GrpcStream> stream_;

  bool half_closed_ = false;
  bool headers_seen_ = false;
  int output_error_ = 0;  // errno
  bool done_ = false;
  std::optional<Error> bad_reply_;
  GrpcStatus status_;
  Timing timing_;
  TimePoint first_message_, last_message_;
  std::string trailers_;  // as -v prints them
  std::string peer_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace lgen::cli
