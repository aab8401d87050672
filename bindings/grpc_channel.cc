#include "grpc_channel.h"

#include <fmt/format.h>

#include <algorithm>

#include "grpc_events.h"
#include "host.h"
#include "mod_grpc.h"
#include "mod_metrics.h"
#include "vu_lua.h"

namespace lgen::lua {

// ---- Link ----

Link::Link(GrpcState& state, std::string name, const std::string& pool, std::unique_ptr<GrpcChannel> wire,
           const ChannelDecl& decl)
    : state_(state),
      name_(std::move(name)),
      account_(state.ledger.account(name_, pool, wire->target(), decl.shared)),
      wire_(std::move(wire)),
      first_id_(++state.links_made << 32),
      tls_(decl.wire.tls.has_value()) {
  state_.all_links.insert(this);
  wire_->on_event([this](const ChannelEvent& event) { on_event(event); });
}

Link::~Link() { state_.all_links.erase(this); }

void Link::close() {
  if (wire_) wire_->close();
}

/// Connections get their number in the ledger on first sight: a call may know of one before its READY is told.
Ledger::Entry& Link::entry(std::uint64_t connection, TimePoint at) {
  while (entries_.size() < connection) entries_.push_back(state_.ledger.opened(account_, at, !entries_.empty()));
  return entries_[connection - 1];
}

std::string Link::connection_name(std::uint64_t connection) {
  if (connection == 0) return {};
  return fmt::format("{}#{}", name_, entry(connection, state_.host.loop.now()).number);
}

void Link::saw_peer(std::uint64_t connection, std::string_view peer) {
  if (connection <= peer_known_ || peer.empty()) return;
  peer_known_ = connection;
  state_.ledger.set_peer(entry(connection, state_.host.loop.now()), peer);
}

FirstCallFacts Link::first_call_facts(std::uint64_t connection) {
  FirstCallFacts facts{connection_name(connection), tls_, {}};
  if (wire_ && connection == wire_->connections()) facts.connected = wire_->connected_at();
  if (connection > 0) facts.steps = entries_[connection - 1].steps;
  return facts;
}

void Link::check_crowding(const CallDefaults& defaults) {
  if (!defaults.max_streams || !wire_ || wire_->open_calls() <= *defaults.max_streams) return;
  state_.ledger.crowded(account_, *defaults.max_streams);
}

void Link::unsubscribe(EventFeed& feed) { std::erase(feeds_, &feed); }

void Link::on_event(const ChannelEvent& event) {
  Ledger& ledger = state_.ledger;
  ledger.set_state(account_, event.state);
  if (event.prev == ChannelState::ready && event.connection > 0) {
    ledger.lost(account_, entry(event.connection, event.at), event);
  }
  if (event.state == ChannelState::ready && event.connection > 0) {
    Ledger::Entry& made = entry(event.connection, event.at);
    if (event.timing) ledger.made(made, *event.timing);
  }
  if (event.state == ChannelState::transient_failure) ledger.failed_attempt(account_, event);
  const auto feeds = feeds_;  // a feed may unsubscribe when it is woken
  for (EventFeed* feed : feeds) feed->put(name_, connection_name(event.connection), event);
}

// ---- call sites ----

namespace {

const std::string kNoScenario;

Labels merge_tags(const Labels& base, const Labels& over) {
  Labels merged = over;
  for (const auto& tag : base) {
    const auto same = [&](const auto& other) { return other.first == tag.first; };
    if (std::none_of(over.begin(), over.end(), same)) merged.push_back(tag);
  }
  std::sort(merged.begin(), merged.end());
  return merged;
}

}  // namespace

CallSite& PlanChannel::site(Host& host, const Task* task, const MethodInfo& method, const Labels* extra) {
  const LuaVu* vu = task ? task->vu() : nullptr;
  const TagSet& tags = task ? task->tags() : host.no_tags;
  const SiteSource source{&method, tags.get(), vu ? std::string_view(vu->scenario()) : kNoScenario,
                          vu ? vu->phase() : std::string_view()};
  const auto make = [&]() -> CallSite& {
    CallSiteKey key;
    key.scenario = source.scenario;
    key.phase = source.phase;
    key.method = method.name;
    key.channel = name;
    key.pool = pool;
    Labels asked = merge_tags(defaults->tags, *tags);
    if (extra) asked = merge_tags(asked, *extra);
    key.tags = host.measure->tag_limit.admit(asked, vu ? *vu->tags() : *host.no_tags);
    return host.recorder.site(key);
  };
  return extra ? make() : sites.find(source, tags, make);
}

// ---- who gets the next call ----

namespace {

/// pick = fn(pool, vu) -> 1..#pool.
std::size_t pick_by_function(lua_State* L, PlanPool& pool, const LuaVu* vu) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, pool.pick_function);
  lua_pushvalue(L, 1);
  vu ? vu->push_table(L) : lua_pushnil(L);
  lua_call(L, 2, 1);
  const std::int64_t size = static_cast<std::int64_t>(pool.channels.size());
  const std::int64_t index = check_integer(L, -1, "pick function of the pool", 1, size);
  lua_pop(L, 1);
  return static_cast<std::size_t>(index) - 1;
}

}  // namespace

const Rc<PlanChannel>& pick_channel(lua_State* L, std::string_view what) {
  if (auto* handle = test_object<ChannelHandle>(L, 1)) return handle->channel;
  PlanPool& pool = *check_object<PoolHandle>(L, 1, what).pool;
  const Task* task = host_of(L).current;
  const LuaVu* vu = task ? task->vu() : nullptr;
  if (pool.pick_function != LUA_NOREF) return pool.channels[pick_by_function(L, pool, vu)];
  return pool.channels[pool.rule->pick(vu ? vu->id() : 1)];
}

std::vector<std::shared_ptr<Link>> links_of(lua_State* L, std::string_view what) {
  if (auto* handle = test_object<ChannelHandle>(L, 1)) return {handle->channel->link};
  std::vector<std::shared_ptr<Link>> links;
  for (const auto& channel : check_object<PoolHandle>(L, 1, what).pool->channels) {
    if (links.empty() || links.back() != channel->link) links.push_back(channel->link);
  }
  return links;
}

// ---- making them ----

namespace {

/// Channels made inside a task close with it.
class TaskChannels final : public TaskResource {
 public:
  explicit TaskChannels(std::vector<std::shared_ptr<Link>> links) : links_(std::move(links)) {}
  void task_ended() noexcept override {
    for (const auto& link : links_) link->close();
    delete this;
  }

 private:
  std::vector<std::shared_ptr<Link>> links_;
};

/// gRPC core makes its connections itself.
void refuse_net_options(lua_State* L, const std::string& what, const Settings& settings, bool tls) {
  const NetOptions* net = settings.net.get();
  const char* flag = nullptr;
  if (tls && settings.key_log_given) flag = "--key-log";
  if (net && !net->sources.empty()) flag = "--interface";
  if (net && !net->resolve.empty()) flag = "--resolve";
  if (net && !net->connect_to.empty()) flag = "--connect-to";
  if (!flag) return;
  raise(L, fmt::format("{}: the transport grpc cannot honour {}; leave it out, or use --transport h2", what, flag));
}

std::shared_ptr<Link> make_link(lua_State* L, const std::string& what, std::string name, const std::string& pool,
                                const std::string& target, const ChannelDecl& decl) {
  Host& host = host_of(L);
  GrpcState& state = *host.grpc;
  const ChannelFactory& factory = host.input.make_channel;
  if (decl.transport == "grpc") refuse_net_options(L, what, host.settings, decl.wire.tls.has_value());
  if (const Outcome sound = check_transport_options(decl.transport, decl.wire); !sound) {
    raise(L, fmt::format("{}: {}", what, sound.error().message));
  }
  auto wire = factory ? factory(decl.transport, host.loop, target, decl.wire)
                      : make_channel(decl.transport, host.loop, target, decl.wire);
  if (!wire) raise(L, fmt::format("{}: {}", what, wire.error().message));
  auto* link = new Link(state, std::move(name), pool, std::move(*wire), decl);
  return std::shared_ptr<Link>(link, [&state](Link* last) { state.bury(last); });
}

/// While the plan loads, names are the plan's and unique; inside a task they only label what closes with the task.
void keep_links(lua_State* L, const std::string& name, const std::string& what,
                std::vector<std::shared_ptr<Link>> links) {
  Host& host = host_of(L);
  GrpcState& state = *host.grpc;
  if (host.phase == Phase::load) {
    state.names[name] = where(L);
    state.links.insert(state.links.end(), links.begin(), links.end());
  } else if (host.current) {
    host.current->own(*new TaskChannels(std::move(links)));
  } else {
    raise(L, fmt::format("{}: only while the plan is loading, or inside a task", what));
  }
}

void check_name_free(lua_State* L, const std::string& name, const std::string& what) {
  Host& host = host_of(L);
  if (host.phase != Phase::load) return;
  const auto taken = host.grpc->names.find(name);
  if (taken == host.grpc->names.end()) return;
  raise(L, fmt::format("{}: there is a channel or pool of that name already ({})", what,
                       std::string_view(taken->second).substr(0, taken->second.size() - 2)));
}

Rc<PlanChannel> make_channel(std::string name, std::string pool, std::shared_ptr<Link> link,
                             std::shared_ptr<const CallDefaults> defaults) {
  auto channel = Rc<PlanChannel>::make();
  channel->name = std::move(name);
  channel->pool = std::move(pool);
  channel->link = std::move(link);
  channel->defaults = std::move(defaults);
  return channel;
}

}  // namespace

void push_channel(lua_State* L, const std::string& name, const std::string& target, ChannelDecl decl) {
  const std::string what = fmt::format("lgen.grpc.channel \"{}\"", name);
  check_name_free(L, name, what);
  auto link = make_link(L, what, name, "", target, decl);
  keep_links(L, name, what, {link});
  auto defaults = std::make_shared<const CallDefaults>(std::move(decl.calls));
  push_object<ChannelHandle>(L, ChannelHandle{make_channel(name, "", std::move(link), std::move(defaults))});
}

void push_pool(lua_State* L, const std::string& name, const std::string& target, ChannelDecl decl) {
  const std::string what = fmt::format("lgen.grpc.pool \"{}\"", name);
  check_name_free(L, name, what);
  GrpcState& state = *host_of(L).grpc;
  auto pool = std::make_shared<PlanPool>();
  pool->name = name;
  pool->pick_function = decl.pick_function;
  auto defaults = std::make_shared<const CallDefaults>(std::move(decl.calls));
  std::vector<std::shared_ptr<Link>> links;
  std::vector<std::shared_ptr<GrpcChannel>> wires;
  for (std::size_t i = 1; i <= decl.size; ++i) {
    std::string member = fmt::format("{}[{}]", name, i);
    if (!decl.shared || links.empty()) {
      links.push_back(make_link(L, what, decl.shared ? name : member, name, target, decl));
    }
    if (decl.shared) links.back()->add_handle(member);
    wires.emplace_back(links.back(), links.back()->wire());
    pool->channels.push_back(make_channel(std::move(member), name, links.back(), defaults));
  }
  keep_links(L, name, what, std::move(links));
  const std::uint64_t seed = host_of(L).task_seed(hash_name(name), ++state.pools_made);
  pool->rule = std::make_unique<GrpcPool>(std::move(wires), decl.pick, seed);
  push_object<PoolHandle>(L, PoolHandle{std::move(pool)});
}

}  // namespace lgen::lua
