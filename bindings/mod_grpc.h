// lgen.grpc: everything of gRPC that a plan has, in one place: its channels and pools, calls in flight, streams still
// open, the ledger of connections, the trace of the first calls.
// Thread: the loop's.
// Lifetime: outlives the Lua state (handles point to it). close() must run before the loop ends.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "free_list.h"
#include "grpc_channel.h"
#include "grpc_ledger.h"
#include "grpc_trace.h"
#include "lgen/grpc.h"
#include "lgen/loop.h"
#include "lgen/schema.h"
#include "modules.h"
#include "rc.h"

namespace lgen {
struct Summary;
}

namespace lgen::lua {

struct Host;
class LuaStream;
class StreamWait;
class UnaryCall;

struct GrpcState {
  explicit GrpcState(Host& host);
  ~GrpcState();
  GrpcState(const GrpcState&) = delete;
  GrpcState& operator=(const GrpcState&) = delete;

  /// Connects every channel of the plan and waits until all are READY (--wait-ready; zero: completes at once). The
  /// error names the channel, its target, the reason and what to do.
  Op wait_all_ready(Duration limit, std::function<void(Outcome)> done);
  /// Drops calls and streams, closes channels; afterwards nothing of ours is on the loop. Handles stay valid.
  void close();
  /// Streams that have been opened and not ended yet; also those cancelled whose end is still on its way.
  std::size_t open_streams() const { return streams.size(); }
  /// Channels, connections, their events.
  void fill(Summary& summary) const;

  /// The method behind a bare path, "/pkg.Service/Method": bytes in, bytes out.
  const MethodInfo& raw_method(std::string_view path);
  /// Has something to count before the next second is over: see stream_progress.
  void mark_busy(LuaStream& stream);
  // Nothing is destroyed inside a callback of its own: that waits for the next turn.
  void bury(Link* link);
  void retire(LuaStream& stream);
  // What many streams have in common, once for all of them: a backend's name, for good; packed headers, if they are the
  // same as the last ones.
  std::string_view backend_name(std::string_view name);
  const Rc<const std::string>& header_text(std::string packed);

  Host& host;
  bool closed = false;
  Ledger ledger;
  Trace trace;
  std::unordered_set<Link*> all_links;
  std::vector<std::shared_ptr<Link>> links;  // of the plan's named channels; those made by a task are its own
  std::map<std::string, std::string, std::less<>> names;  // of channels and pools -> where they were made
  FreeList<UnaryCall> calls;
  FreeList<StreamWait> waits;
  std::unordered_set<LuaStream*> streams;
  std::vector<LuaStream*> busy_streams;
  std::unordered_map<std::string, std::unique_ptr<MethodInfo>> raw_methods;
  Metadata metadata;  // scratch: of the call being started
  std::uint64_t streams_opened = 0;
  std::uint64_t pools_made = 0, links_made = 0;

 private:
  void count_progress();
  void clean_up();

  std::vector<std::unique_ptr<Link>> graveyard_;
  std::vector<LuaStream*> retired_;
  std::set<std::string, std::less<>> backend_names_;
  Rc<const std::string> last_headers_;
  Timer progress_timer_, clean_up_timer_;
};

}  // namespace lgen::lua
