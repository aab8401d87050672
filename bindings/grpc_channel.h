// Channels and pools as plans hold them: names, handles, how the next call finds its channel and its call site.
// Thread: the loop's.
// Lifetime: shared by handles, calls and streams. A Link (one channel of the engine) is destroyed a turn after its last
// user has gone, never inside a callback of its own.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grpc_ledger.h"
#include "grpc_options.h"
#include "lgen/grpc.h"
#include "lgen/recorder.h"
#include "lgen/schema.h"
#include "rc.h"
#include "stack.h"
#include "task.h"

namespace lgen::lua {

struct GrpcState;
class EventFeed;

/// One channel of the engine under the name it has in reports. Several PlanChannels of a pool may share it.
class Link {
 public:
  Link(GrpcState& state, std::string name, const std::string& pool, std::unique_ptr<GrpcChannel> wire,
       const ChannelDecl& decl);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  const std::string& name() const { return name_; }
  const std::string& target() const { return account_.summary.target; }
  /// Null after the plan has been closed.
  GrpcChannel* wire() const { return wire_.get(); }
  void add_handle(const std::string& name) { Ledger::share(account_, name); }
  void close();
  /// Drops the engine's channel: the end of the plan.
  void drop() { wire_.reset(); }

  /// "main[1]#2" for a connection number of the engine's; empty for 0.
  std::string connection_name(std::uint64_t connection);
  void saw_peer(std::uint64_t connection, std::string_view peer);
  /// A number that no other connection of the run has; 0 for 0.
  std::uint64_t connection_id(std::uint64_t connection) const { return connection == 0 ? 0 : first_id_ + connection; }
  FirstCallFacts first_call_facts(std::uint64_t connection);
  /// Called after a call or stream was started.
  void check_crowding(const CallDefaults& defaults);

  void subscribe(EventFeed& feed) { feeds_.push_back(&feed); }
  void unsubscribe(EventFeed& feed);

 private:
  void on_event(const ChannelEvent& event);
  Ledger::Entry& entry(std::uint64_t connection, TimePoint at);

  GrpcState& state_;
  std::string name_;
  ChannelAccount& account_;
  std::unique_ptr<GrpcChannel> wire_;
  const std::uint64_t first_id_;  // of its connections, less one
  const bool tls_;
  std::vector<Ledger::Entry> entries_;  // of connection 1, 2, ...
  std::uint64_t peer_known_ = 0;        // newest connection whose peer is in the ledger
  std::vector<EventFeed*> feeds_;
};

/// What a call site depends on besides its channel.
struct SiteSource {
  const MethodInfo* method;
  const Labels* tags;  // of the task
  std::string_view scenario, phase;
};

/// The last few call sites of a channel, found again without hashing labels.
class SiteCache {
 public:
  template <class Make>
  CallSite& find(const SiteSource& source, const TagSet& tags, Make make);

 private:
  struct Slot {
    SiteSource source;
    TagSet keep_alive;  // so that the tags' address stays theirs
    CallSite* site = nullptr;

    /// Every VU has its own set of tags, most often with the same tags in it.
    bool fits(const SiteSource& wanted) const {
      return source.method == wanted.method && source.scenario.data() == wanted.scenario.data() &&
             source.phase.data() == wanted.phase.data() && (source.tags == wanted.tags || *source.tags == *wanted.tags);
    }
  };
  static constexpr std::size_t kSlots = 16;
  std::vector<Slot> slots_;
  std::size_t last_ = 0, next_ = 0;
};

/// A channel of the plan, or one of a pool's.
struct PlanChannel {
  std::string name, pool;
  std::shared_ptr<Link> link;
  std::shared_ptr<const CallDefaults> defaults;
  SiteCache sites;

  /// Where calls of `method` by this task are counted; `extra`: tags of this one call, may be null.
  CallSite& site(Host& host, const Task* task, const MethodInfo& method, const Labels* extra);
};

struct PlanPool {
  std::string name;
  std::vector<Rc<PlanChannel>> channels;
  std::unique_ptr<GrpcPool> rule;
  int pick_function = LUA_NOREF;
};

struct ChannelHandle {
  static constexpr ObjectType kType{"lgen.Channel"};
  Rc<PlanChannel> channel;
};

struct PoolHandle {
  static constexpr ObjectType kType{"lgen.Pool"};
  std::shared_ptr<PlanPool> pool;
};

/// The channel for the next call of `self`, an lgen.Channel or lgen.Pool at stack index 1. Raises on anything else.
const Rc<PlanChannel>& pick_channel(lua_State* L, std::string_view what);

/// All links behind the lgen.Channel or lgen.Pool at stack index 1, each once.
std::vector<std::shared_ptr<Link>> links_of(lua_State* L, std::string_view what);

/// Makes what lgen.grpc.channel and lgen.grpc.pool return, and pushes it.
void push_channel(lua_State* L, const std::string& name, const std::string& target, ChannelDecl decl);
void push_pool(lua_State* L, const std::string& name, const std::string& target, ChannelDecl decl);

template <class Make>
CallSite& SiteCache::find(const SiteSource& source, const TagSet& tags, Make make) {
  if (last_ < slots_.size() && slots_[last_].fits(source)) return *slots_[last_].site;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].fits(source)) continue;
    last_ = i;
    return *slots_[i].site;
  }
  const bool room = slots_.size() < kSlots;
  last_ = room ? slots_.size() : next_++ % kSlots;
  if (room) slots_.emplace_back();
  slots_[last_] = Slot{source, tags, &make()};
  return *slots_[last_].site;
}

}  // namespace lgen::lua
