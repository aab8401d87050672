// Unary calls: ch:call from its arguments to its results, and the record of a call that a plan gets.
// Thread: the loop's.
// Lifetime: UnaryCalls are kept and used again; one is busy from start() until its task has been woken.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string_view>

#include "grpc_channel.h"
#include "lgen/grpc.h"
#include "lgen/op.h"
#include "stack.h"
#include "task.h"

namespace lgen::lua {

struct GrpcState;

/// What `call` is in a plan: one block of memory; its texts and metadata lie behind it, packed.
struct CallRecord {
  static constexpr ObjectType kType{"lgen.Call"};
  Duration duration;
  GrpcCode code;
  // Sizes of what lies behind, in this order.
  std::uint32_t channel, backend, peer, message, details, headers, trailers;
};

/// Pushes the record of a call. `backend` as learnt; `status`: the transport's, or ours when the reply is no good.
void push_call_record(lua_State* L, std::string_view channel, std::string_view backend, const UnaryResult& result,
                      const GrpcStatus& status);
/// lgen.Call's fields.
int call_property(lua_State* L);

/// Pushes a status in the shape of err: {code, number, message, kind, details, trailers}.
void push_status(lua_State* L, GrpcCode code, std::string_view message, std::string_view details,
                 std::string_view kind);

/// Pushes how often a call was tried, as its server tells in headers or trailers (packed); nil when it does not.
void push_attempts(lua_State* L, std::string_view headers, std::string_view trailers);

/// "status", "timeout", "connect" or "cancelled"; `reached`: a connection had carried the call.
std::string_view kind_of_failure(GrpcCode code, bool reached, bool cancelled_by_us);

/// Who served a call, by the channel's rule, as far as headers and trailers tell; empty: not learnt (yet). By the
/// default rule the peer stands in for a name only in an answer: behind a proxy, nobody knows who has not answered.
std::string_view backend_by_metadata(const BackendRule& rule, const MetadataView* headers, const MetadataView* trailers,
                                     std::string_view peer, bool answered);
/// The value at `path` in the decoded message at the top of the stack; nothing is left on it. Valid while the message
/// is there.
std::string_view backend_by_field(lua_State* L, const BackendRule& rule);

/// The method at stack index 2: a lgen.Method or a path. Raises on a method of the wrong kind.
const MethodInfo& check_call_method(lua_State* L, std::string_view what);

/// Options of one call for the engine: the channel's defaults, then the call's own. The metadata lies in GrpcState.
CallOptions make_call_options(lua_State* L, GrpcState& state, const CallDefaults& defaults,
                              const CallSettings& settings, std::string_view what);
/// Where it counts; reads the call's own tags.
CallSite& site_of_call(lua_State* L, PlanChannel& channel, const MethodInfo& method, const CallSettings& settings,
                       const CallWords& words);

class UnaryCall final : public Waiter {
 public:
  explicit UnaryCall(GrpcState& state) : state_(state) {}

  int start(lua_State* L, Task& task, const Rc<PlanChannel>& channel, const MethodInfo& method, CallSite& site,
            std::string_view request, const CallOptions& options, bool decode);
  void interrupt() noexcept override { op_.cancel(); }
  /// The plan is closed: nobody is called back any more.
  void drop() noexcept { op_.reset(); }

 private:
  void ended(const UnaryResult& result);
  int push_results(lua_State* L, const UnaryResult& result);
  int push_failure(lua_State* L, const UnaryResult& result, const GrpcStatus& status);
  void record(const UnaryResult& result, GrpcCode code);

  GrpcState& state_;
  Task* task_ = nullptr;
  Rc<PlanChannel> channel_;
  const MethodInfo* method_ = nullptr;
  CallSite* site_ = nullptr;
  std::uint64_t trace_ = 0;
  std::string_view backend_;  // valid while `ended` runs
  bool decode_ = true;
  Op op_;
};

/// ch:call(method, message, options).
int call_unary(lua_State* L);

}  // namespace lgen::lua
