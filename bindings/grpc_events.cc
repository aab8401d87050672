#include "grpc_events.h"

#include <algorithm>

#include "host.h"
#include "lgen/loop.h"

namespace lgen::lua {

EventFeed::EventFeed(Task& owner, std::vector<std::shared_ptr<Link>> links)
    : host_(owner.host()), owner_(&owner), links_(std::move(links)), open_links_(links_.size()) {
  for (const auto& link : links_) link->subscribe(*this);
  owner_->own(*this);
}

EventFeed::~EventFeed() {
  if (owner_) owner_->disown(*this);
  detach();
}

void EventFeed::task_ended() noexcept {
  owner_ = nullptr;
  detach();
}

void EventFeed::detach() noexcept {
  for (const auto& link : links_) link->unsubscribe(*this);
  links_.clear();
}

void EventFeed::put(const std::string& channel, std::string connection, const ChannelEvent& event) {
  if (event.state == ChannelState::shutdown) --open_links_;
  if (items_.size() == kMaxWaiting) items_.pop_front();
  items_.push_back({channel, std::move(connection), event});
  if (!waiting_) return;
  Task& task = *std::exchange(waiting_, nullptr);
  if (LuaVu* vu = task.vu()) vu->unlisten(*this);
  const int results = push_item(task.co());
  task.wake([results](lua_State*) { return results; });
}

int EventFeed::next(lua_State* L) {
  Task& task = Task::check_can_wait(L, "ch:events");
  if (waiting_) raise(L, "ch:events: another task is waiting in this loop; ask for events of your own");
  LuaVu* vu = task.vu();
  if (!owner_ || (vu && vu->stopping()) || all_shut()) return 0;
  if (!items_.empty()) return push_item(L);
  waiting_ = &task;
  if (vu) vu->listen(*this);
  return task.await(L, *this);
}

/// The loop over the feed ends: without an event, in a later phase of this turn.
void EventFeed::end_wait() noexcept {
  Task* task = std::exchange(waiting_, nullptr);
  if (!task) return;
  if (LuaVu* vu = task->vu()) vu->unlisten(*this);
  host_.loop.post([task] { task->wake([](lua_State*) { return 0; }); });
}

namespace {

void push_timing(lua_State* L, const ConnectSteps& timing) {
  const std::pair<const char*, Duration> steps[] = {{"dns", timing.dns},
                                                    {"connect", timing.connect},
                                                    {"tls", timing.tls},
                                                    {"settings", timing.settings},
                                                    {"total", timing.total()}};
  lua_createtable(L, 0, 5);
  for (const auto& [name, took] : steps) {
    lua_pushnumber(L, to_seconds(took));
    lua_setfield(L, -2, name);
  }
}

}  // namespace

int EventFeed::push_item(lua_State* L) {
  const auto set = [L](const char* key, std::string_view text) {
    push(L, text);
    lua_setfield(L, -2, key);
  };
  const Item& item = items_.front();
  const ChannelEvent& event = item.event;
  lua_createtable(L, 0, 8);
  set("channel", item.channel);
  set("state", to_string(event.state));
  set("prev", to_string(event.prev));
  lua_pushnumber(L, host_.run_started == TimePoint{} ? 0 : to_seconds(event.at - host_.run_started));
  lua_setfield(L, -2, "at");
  if (!item.connection.empty()) set("connection", item.connection);
  if (!event.reason.empty()) set("reason", event.reason);
  if (event.goaway == Goaway::inferred) set("goaway", "inferred");
  if (event.goaway == Goaway::seen) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "goaway");
  }
  if (event.timing) {
    push_timing(L, *event.timing);
    lua_setfield(L, -2, "timing");
  }
  items_.pop_front();
  return 1;
}

namespace {

int next_event(lua_State* L) { return check_object<FeedHandle>(L, 1, "ch:events").feed->next(L); }

}  // namespace

int push_event_loop(lua_State* L) {
  Host& host = host_of(L);
  auto links = links_of(L, "ch:events");
  host.forbid_at_load(L, "ch:events");
  if (!host.current) raise(L, "ch:events: only inside setup, run, teardown or lgen.spawn");
  lua_pushlightuserdata(L, &host);
  lua_pushcclosure(L, next_event, 1);
  push_object<FeedHandle>(L, FeedHandle{std::make_shared<EventFeed>(*host.current, std::move(links))});
  return 2;
}

}  // namespace lgen::lua
