// One unary call of an `h2` channel; its object is used again and again.
// Thread: the loop's.
// Lifetime: given back to its channel (or freed) when both the call is over and its Op is dropped.
#pragma once

#include <string>
#include <string_view>

#include "h2_call.h"
#include "lgen/op.h"

namespace lgen {

class H2UnaryCall final : public Operation, public H2Call {
 public:
  explicit H2UnaryCall(H2Channel& channel) : H2Call(channel) {}
  ~H2UnaryCall() override = default;

  Op start(std::string_view method, std::string_view request, const CallOptions& options, UnaryDone done);

  void cancel() noexcept override { end(GrpcCode::cancelled, "cancelled by the caller"); }
  void drop() noexcept override;
  void tell() override;

 private:
  void on_data(std::string_view bytes) override;
  Piece pull(std::string& to, std::size_t room) override;
  void take_reply(UnaryResult& result);
  void deliver(UnaryResult& result);
  void let_go();

  UnaryDone done_;
  std::string out_;  // the request with its prefix
  std::size_t pulled_ = 0;
  MessageAssembly assembly_;
  MessageAssembly::Message reply_;
  std::string unpacked_;
  bool replied_ = false;
  bool surplus_ = false;  // more than one message
  bool running_ = false;
  bool delivering_ = false;
  bool dropped_ = false;
};

}  // namespace lgen
