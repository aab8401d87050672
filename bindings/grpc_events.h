// for ev in ch:events(): what happens to a channel's connections, as a plan may watch it.
// Thread: the loop's.
// Lifetime: a feed ends with the task that asked for it; until then channels put their events into it.
#pragma once

#include <cstdint>
#include <deque>
#include <lua.hpp>
#include <memory>
#include <string>
#include <vector>

#include "grpc_channel.h"
#include "lgen/grpc.h"
#include "stack.h"
#include "task.h"
#include "vu_lua.h"

namespace lgen::lua {

class EventFeed final : public TaskResource, private Waiter, private LuaVu::StopListener {
 public:
  EventFeed(Task& owner, std::vector<std::shared_ptr<Link>> links);
  ~EventFeed();
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  /// From a Link: `connection` is its name in reports.
  void put(const std::string& channel, std::string connection, const ChannelEvent& event);
  /// Waits for the next event and returns it; nothing when the loop over it is to end.
  int next(lua_State* L);

  void task_ended() noexcept override;

 private:
  struct Item {
    std::string channel, connection;
    ChannelEvent event;
  };
  static constexpr std::size_t kMaxWaiting = 1000;  // a plan that does not look loses the oldest

  void interrupt() noexcept override { end_wait(); }
  void vu_stopping() noexcept override { end_wait(); }
  void end_wait() noexcept;
  void detach() noexcept;
  bool all_shut() const { return open_links_ == 0 && items_.empty(); }
  int push_item(lua_State* L);

  Host& host_;
  Task* owner_;
  Task* waiting_ = nullptr;
  std::vector<std::shared_ptr<Link>> links_;
  std::size_t open_links_;
  std::deque<Item> items_;
};

/// What the loop holds; unknown to plans otherwise.
struct FeedHandle {
  static constexpr ObjectType kType{"_lgen.EventFeed"};
  std::shared_ptr<EventFeed> feed;
};

/// ch:events(): pushes the iterator and its feed.
int push_event_loop(lua_State* L);

}  // namespace lgen::lua
