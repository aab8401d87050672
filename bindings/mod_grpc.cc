#include "mod_grpc.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "grpc_call.h"
#include "grpc_ready.h"
#include "grpc_stream.h"
#include "host.h"
#include "lgen/log.h"
#include "lgen/settings.h"
#include "lgen/units.h"

namespace lgen::lua {
namespace {

constexpr Duration kProgressPeriod = std::chrono::milliseconds(250);

}  // namespace

GrpcState::GrpcState(Host& host_in)
    : host(host_in),
      ledger(host_in),
      trace(host_in),
      progress_timer_(host_in.loop, [this] { count_progress(); }),
      clean_up_timer_(host_in.loop, [this] { clean_up(); }) {}

GrpcState::~GrpcState() { close(); }

// ---- start and end of a run ----

namespace {

/// --wait-ready: the wait for all channels, with a word to the user when it takes long.
class StartWait final : public Operation {
 public:
  StartWait(Host& host, const std::vector<std::shared_ptr<Link>>& links, Duration limit,
            std::function<void(Outcome)> done)
      : host_(host), links_(links), limit_(limit), done_(std::move(done)), tell_(host.loop, [this] { tell(); }) {
    const TimePoint now = host.loop.precise_now();
    if (limit > Duration{0} && !host.settings.quiet) tell_.arm(now + std::chrono::seconds(1));
    op_ = ReadyGroup::start(host.loop, limit > Duration{0} ? links : std::vector<std::shared_ptr<Link>>(), now + limit,
                            [this](const Outcome& outcome) { ended(outcome); });
  }
  void cancel() noexcept override { op_.cancel(); }
  void drop() noexcept override {
    if (ending_) {
      dropped_ = true;
    } else {
      delete this;
    }
  }

 private:
  void tell() {
    std::size_t ready = 0;
    for (const auto& link : links_) ready += link->wire()->state() == ChannelState::ready ? 1 : 0;
    write_stderr(fmt::format("waiting for {} of {} channels to connect (at most {}; {})\n", links_.size() - ready,
                             links_.size(), format_duration(limit_), host_.settings.wait_ready_flag));
  }

  void ended(const Outcome& outcome) {
    tell_.disarm();
    ending_ = true;
    done_(outcome ? outcome : Outcome(advise(outcome.error())));
    ending_ = false;
    if (dropped_) delete this;
  }

  Error advise(const Error& error) const {
    const bool patience = error.code == ErrorCode::timeout || error.code == ErrorCode::refused;
    return make_error(
        error.code, fmt::format("{}{} Nothing was sent. Is the server running, and --target {} right?{}", error.message,
                                error.message.ends_with('?') ? "" : ".", host_.settings.target,
                                patience ? fmt::format(" {} {} says how long to wait", host_.settings.wait_ready_flag,
                                                       format_duration(limit_))
                                         : ""));
  }

  Host& host_;
  const std::vector<std::shared_ptr<Link>> links_;
  const Duration limit_;
  std::function<void(Outcome)> done_;
  Timer tell_;
  Op op_;
  bool ending_ = false, dropped_ = false;
};

}  // namespace

Op GrpcState::wait_all_ready(Duration limit, std::function<void(Outcome)> done) {
  return Op(new StartWait(host, links, limit, std::move(done)));
}

void GrpcState::close() {
  if (std::exchange(closed, true)) return;
  for (const auto& call : calls.all()) call->drop();
  const auto open = streams;
  for (LuaStream* stream : open) stream->abandon();
  for (Link* link : all_links) link->close();
  for (Link* link : all_links) link->drop();
  clean_up();
  progress_timer_.disarm();
  clean_up_timer_.disarm();
}

void GrpcState::fill(Summary& summary) const { ledger.fill(summary); }

// ---- services to channels, calls and streams ----

const MethodInfo& GrpcState::raw_method(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  auto& method = raw_methods[std::string(path)];
  if (!method) {
    method = std::make_unique<MethodInfo>();
    method->name = path;
    method->path = fmt::format("/{}", path);
    method->kind = MethodKind::bidi;  // unknown: the one that forbids nothing
  }
  return *method;
}

void GrpcState::mark_busy(LuaStream& stream) {
  if (busy_streams.empty()) progress_timer_.arm(host.loop.now() + kProgressPeriod);
  busy_streams.push_back(&stream);
}

void GrpcState::count_progress() {
  const auto streams_now = std::exchange(busy_streams, {});
  for (LuaStream* stream : streams_now) stream->count_progress();
}

void GrpcState::bury(Link* link) {
  if (closed) {
    delete link;  // without a wire there are no callbacks any more
    return;
  }
  graveyard_.emplace_back(link);
  clean_up_timer_.arm(host.loop.now());
}

std::string_view GrpcState::backend_name(std::string_view name) {
  const auto known = backend_names_.find(name);
  return known != backend_names_.end() ? *known : *backend_names_.emplace(name).first;
}

const Rc<const std::string>& GrpcState::header_text(std::string packed) {
  if (!last_headers_ || *last_headers_ != packed) last_headers_ = Rc<const std::string>::make(std::move(packed));
  return last_headers_;
}

void GrpcState::retire(LuaStream& stream) {
  retired_.push_back(&stream);
  clean_up_timer_.arm(host.loop.now());
}

void GrpcState::clean_up() {
  for (LuaStream* stream : std::exchange(retired_, {})) stream->retire();
  std::exchange(graveyard_, {}).clear();
}

// ---- the module ----

namespace {

std::string check_target(lua_State* L, std::string_view what) {
  if (lua_isnoneornil(L, 2))
    raise(L, fmt::format("{}: the target is missing; write lgen.target or \"host:port\"", what));
  std::string target{check_string(L, 2, fmt::format("{}: target", what))};
  if (const Outcome ok = check_address(target); !ok) raise(L, fmt::format("{}: target: {}", what, ok.error().message));
  return target;
}

/// channel(name, target, o) and pool(name, target, o).
int make(lua_State* L, const char* function, bool pool) {
  const std::string name(check_string(L, 1, fmt::format("{}: name", function)));
  const std::string what = fmt::format("{} \"{}\"", function, name);
  if (name.empty()) raise(L, fmt::format("{}: the name is empty", function));
  const std::string target = check_target(L, what);
  ChannelDecl decl;
  read_channel_options(L, 3, what, target, pool, decl);
  pool ? push_pool(L, name, target, std::move(decl)) : push_channel(L, name, target, std::move(decl));
  return 1;
}

int channel(lua_State* L) { return make(L, "lgen.grpc.channel", false); }
int pool(lua_State* L) { return make(L, "lgen.grpc.pool", true); }

constexpr Binding kGrpcBindings[] = {
    {"channel", channel, "fun(name: string, target: string, options?: lgen.ChannelOptions): lgen.Channel",
     "[R] a channel; made inside a task, it closes with it"},
    {"pool", pool, "fun(name: string, target: string, options?: lgen.PoolOptions): lgen.Pool",
     "[R] several channels under one name, dealt out call by call"},
};

}  // namespace

const Module kGrpcModule = {"lgen.grpc", "gRPC channels and pools.", kGrpcBindings, grpc_option_tables()};

}  // namespace lgen::lua
