#include "grpc_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "grpc_call.h"
#include "grpc_metadata.h"
#include "host.h"
#include "lgen/units.h"
#include "mod_grpc.h"
#include "mod_proto.h"

namespace lgen::lua {
namespace {

std::string packed(const MetadataView* metadata) {
  std::string bytes(packed_size(metadata), '\0');
  pack_metadata(metadata, bytes.data());
  return bytes;
}

std::string_view function_of(StreamWait::For what) {
  using For = StreamWait::For;
  switch (what) {
    case For::room:
    case For::status:
      return "s:send";
    case For::message:
      return "s:recv";
    case For::next:
      return "s:messages";
    case For::end:
      return "s:close";
    case For::backend:
      break;
  }
  return "s:backend";
}

}  // namespace

// ---- life ----

LuaStream::LuaStream(GrpcState& state, Task& owner, Rc<PlanChannel> channel, const MethodInfo& method, CallSite& site,
                     bool decode, std::unique_ptr<StreamCorrelation> correlation)
    : state_(state),
      owner_(&owner),
      channel_(std::move(channel)),
      method_(method),
      site_(site),
      id_(++state.streams_opened),
      correlation_(std::move(correlation)),
      decode_(decode) {}

LuaStream::~LuaStream() {
  if (busy_) std::erase(state_.busy_streams, this);
}

void LuaStream::open(CallOptions options) {
  retain();  // given back by retire()
  owner_->own(*this);
  state_.streams.insert(this);
  trace_ = state_.trace.begin(method_.name, channel_->name);
  state_.trace.metadata(trace_, options.metadata);
  opened_ = state_.host.loop.precise_now();
  intended_ = options.intended = opened_ - owner_->take_lateness().value_or(Duration{0});
  site_.stream_opened();
  wire_ = channel_->link->wire()->open(method_.path, method_.kind, options, *this);
  wire_->read();
  channel_->link->check_crowding(*channel_->defaults);
}

void LuaStream::retire() {
  wire_.reset();
  release();
}

void LuaStream::task_ended() noexcept {
  const bool told_to_end = owner_->cancel_requested();
  owner_ = nullptr;
  if (!told_to_end && !ended_by_us_ && !attended_) site_.stream_leaked();
  cancel("its task has ended and left it open");
}

void LuaStream::leave_task() {
  if (owner_) owner_->disown(*this);
  owner_ = nullptr;
}

void LuaStream::abandon() {
  leave_task();
  done_ = true;
  ended_by_us_ = true;
  ending_ = std::make_unique<Ending>();
  ending_->status = {GrpcCode::cancelled, "the plan has ended", ""};
  state_.streams.erase(this);
  retire();
}

// ---- sending ----

int LuaStream::send(lua_State* L, std::string_view message) {
  using Sent = GrpcStream::Sent;
  if (done_) return push_end(L);
  FieldValue key;
  if (correlation_) key = correlation_->key_of_sent(L, 2, message);
  const auto late = state_.host.current ? state_.host.current->take_lateness() : std::nullopt;
  const bool stamped = late || method_.kind == MethodKind::bidi;
  const TimePoint now = stamped ? state_.host.loop.precise_now() : TimePoint{};
  const TimePoint intended = now - late.value_or(Duration{0});
  const Sent sent = first_wait(StreamWait::For::room) ? Sent::full : wire_->send(message);
  if (sent == Sent::accepted) {
    accepted_one(L, message, {intended, now}, late.has_value(), std::move(key));
    lua_pushboolean(L, 1);
    return 1;
  }
  if (sent == Sent::ended) return wait(L, "s:send", StreamWait::For::status, std::nullopt);
  Task& task = Task::check_can_wait(L, "s:send");
  StreamWait& room = state_.waits.take(state_.host);
  room.message = message;
  room.intended = intended;
  room.paced = late.has_value();
  room.key = std::move(key);
  waits_.add(room);
  return room.begin(L, task, *this, StreamWait::For::room, std::nullopt);
}

/// Round trips run from when the message was to be sent, so that a wait for room counts.
void LuaStream::accepted_one(lua_State* L, std::string_view message, const SendTimes& at, bool paced, FieldValue key) {
  if (paced) site_.message_sent_late(at.taken - at.intended);
  note_busy();
  if (trace_) state_.trace.sent(trace_, L, method_.input, message);
  if (correlation_) {
    correlation_->sent(std::move(key), at);
  } else if (wire_->accepted() == wire_->received() + 1) {
    asked_ = at;
  }
  if (method_.kind == MethodKind::server) half_close();  // its one request is all it takes
}

void LuaStream::on_writable() {
  while (StreamWait* room = first_wait(StreamWait::For::room)) {
    if (wire_->send(room->message) != GrpcStream::Sent::accepted) return;  // still full, or on_done follows
    lua_State* co = room->task().co();
    const bool stamped = room->intended != TimePoint{};
    const SendTimes at{room->intended, stamped ? state_.host.loop.precise_now() : TimePoint{}};
    accepted_one(co, room->message, at, room->paced, std::move(room->key));
    lua_pushboolean(co, 1);
    wake(*room, 1);
    if (done_) return;
  }
}

void LuaStream::half_close() {
  if (done_ || std::exchange(half_closed_, true)) return;
  state_.trace.half_closed(trace_);
  wire_->half_close();
}

void LuaStream::cancel(std::string_view reason) {
  if (done_) return;
  ended_by_us_ = true;
  wire_->cancel(reason);
}

// ---- receiving ----

int LuaStream::receive(lua_State* L, StreamWait::For what, std::optional<Duration> timeout) {
  if (has_kept_ && !draining_) {
    const int results = push_message_or_error(L, kept_);
    has_kept_ = false;
    kept_.clear();
    read_next();
    return results;
  }
  if (done_) return what == StreamWait::For::next ? 0 : push_end(L);
  return wait(L, function_of(what), what, timeout);
}

void LuaStream::on_message(std::string_view message) {
  measure_message(message);
  note_busy();
  if (trace_) state_.trace.received(trace_, state_.host.L, method_.output, message);
  if (backend_.empty()) learn_backend_from(message);
  StreamWait* receiver = first_wait(StreamWait::For::message);
  if (!receiver) receiver = first_wait(StreamWait::For::next);
  if (receiver) {
    const int results = push_message_or_error(receiver->task().co(), message);
    read_next();
    return wake(*receiver, results);
  }
  kept_ = message;
  has_kept_ = true;
  if (draining_) read_next();
}

/// The clock is read once, before anything else is done with the message.
void LuaStream::measure_message(std::string_view message) {
  const TimePoint now = state_.host.loop.precise_now();
  if (last_message_ == TimePoint{}) {
    site_.stream_first_message(now - opened_);
  } else {
    site_.message_gap(now - last_message_);
  }
  last_message_ = now;
  if (correlation_) return correlation_->received(message, now, site_);
  if (asked_.taken == TimePoint{} || wire_->received() != wire_->accepted()) return;
  site_.message_answered(now - asked_.intended, now - asked_.taken);
  asked_ = {};
}

void LuaStream::read_next() {
  if (!done_) wire_->read();
}

int LuaStream::push_message_or_error(lua_State* L, std::string_view bytes) {
  const Outcome decoded = push_message(state_.host, L, decode_ ? method_.output : nullptr, bytes);
  if (decoded) return 1;
  const std::string text = fmt::format("a message cannot be decoded: {}", decoded.error().message);
  state_.host.add_error(failure(to_string(GrpcCode::internal), text));
  cancel(text);
  lua_pushnil(L);
  push_status(L, GrpcCode::internal, text, "", "status");
  return 2;
}

// ---- its end ----

int LuaStream::close(lua_State* L, std::optional<Duration> timeout) {
  Task::check_can_wait(L, "s:close");
  half_close();
  if (!std::exchange(draining_, true) && has_kept_) read_next();
  if (done_) return push_close_result(L);
  return wait(L, "s:close", StreamWait::For::end, timeout);
}

void LuaStream::on_done(const StreamResult& result) {
  settle_end(result);
  record(result);
  if (trace_) state_.trace.ended(trace_, ending_->status, result.trailers, result.timing.done - result.timing.started);
  leave_task();
  state_.streams.erase(this);
  state_.retire(*this);
  wake_all();
}

void LuaStream::settle_end(const StreamResult& result) {
  done_ = true;
  ending_ = std::make_unique<Ending>(Ending{result.status, packed(result.trailers), result.written, result.received});
  if (connection_ == 0) connection_ = result.connection;
  reached_ = reached_ || result.connection > 0 || !result.peer.empty();
  channel_->link->saw_peer(result.connection, result.peer);
  if (!backend_.empty() || !reached_) return;
  const BackendRule& rule = channel_->defaults->backend;
  const std::string_view served =
      backend_by_metadata(rule, result.headers, result.trailers, result.peer, result.answered);
  backend_ = state_.backend_name(served.empty() ? kUnknownBackend : served);
}

void LuaStream::record(const StreamResult& result) {
  const GrpcStatus& status = ending_->status;
  StreamSample sample;
  sample.timing = result.timing;
  sample.code = to_string(status.code);
  sample.backend = backend_;
  sample.sent = result.written;
  sample.discarded = result.discarded;
  sample.received = result.received;
  sample.confirmed = status.ok() ? result.written : 0;
  sample.sent_told = written_told_;
  sample.received_told = received_told_;
  site_.stream_ended(sample);
  site_.held_back(result.queued, result.stalls);
  if (correlation_) site_.messages_unanswered(correlation_->unanswered());
  if (status.ok() || (ended_by_us_ && status.code == GrpcCode::cancelled)) return;
  Failure lost = failure(sample.code, status.message);
  lost.duration = to_seconds(result.timing.done - result.timing.started);
  state_.host.add_error(lost);
}

Failure LuaStream::failure(std::string_view code, std::string_view message) const {
  return {.kind = "stream",
          .scenario = site_.key().scenario,
          .phase = site_.key().phase,
          .where = method_.name,
          .channel = channel_->name,
          .backend = backend_,
          .code = code,
          .message = message};
}

void LuaStream::wake_all() {
  using For = StreamWait::For;
  while (!waits_.empty()) {
    StreamWait& next = waits_.front();
    lua_State* co = next.task().co();
    int results = 0;
    if (next.what() == For::end) {
      results = push_close_result(co);
    } else if (next.what() == For::backend) {
      results = push_backend(co);
    } else if (next.what() != For::next) {
      results = push_end(co);
    }
    wake(next, results);
  }
}

int LuaStream::push_close_result(lua_State* L) {
  if (!ending_->status.ok() || !has_kept_) return push_end(L);
  return push_message_or_error(L, kept_);
}

int LuaStream::push_end(lua_State* L) const {
  lua_pushnil(L);
  push_end_status(L);
  return 2;
}

void LuaStream::push_end_status(lua_State* L) const {
  const GrpcStatus& status = ending_->status;
  push_status(L, status.code, status.message, status.details,
              status.ok() ? "status" : kind_of_failure(status.code, reached_, ended_by_us_));
  if (trailers().empty()) return;
  lua_pushliteral(L, "trailers");
  push_packed_metadata(L, trailers());
  lua_rawset(L, -3);
}

// ---- who serves it ----

void LuaStream::on_headers(const MetadataView& headers, std::string_view peer, std::uint64_t connection, TimePoint at) {
  if (peer.empty()) return;  // nobody was reached; the status follows
  reached_ = has_headers_ = true;
  connection_ = connection;
  channel_->link->saw_peer(connection, peer);
  headers_ = state_.header_text(packed(&headers));
  if (trace_) state_.trace.headers(trace_, &headers, peer);
  using Source = BackendRule::Source;
  const BackendRule& rule = channel_->defaults->backend;
  const bool tells_later = rule.source == Source::trailer || rule.source == Source::field;
  const std::string_view served = backend_by_metadata(rule, &headers, nullptr, peer, true);
  const std::string_view label = served.empty() ? kUnknownBackend : served;
  const FirstOn first =
      site_.stream_headers({intended_, opened_, at, label, channel_->link->connection_id(connection)});
  if (first != FirstOn::nothing) tell_first(first, at, label);
  if (!tells_later) learn_backend(label);
}

void LuaStream::tell_first(FirstOn first, TimePoint headers, std::string_view backend) {
  CallSample sample;
  sample.timing = {.intended = intended_, .started = opened_, .done = headers};
  sample.backend = backend;
  site_.first_call(first, sample, channel_->link->first_call_facts(connection_));
}

void LuaStream::learn_backend_from(std::string_view message) {
  const BackendRule& rule = channel_->defaults->backend;
  if (rule.source != BackendRule::Source::field) return;
  lua_State* L = state_.host.L;
  const int top = lua_gettop(L);
  std::string served;
  if (push_message(state_.host, L, method_.output, message).ok()) served = backend_by_field(L, rule);
  lua_settop(L, top);
  learn_backend(served.empty() ? kUnknownBackend : std::string_view(served));
}

void LuaStream::learn_backend(std::string_view backend) {
  backend_ = state_.backend_name(backend);
  while (StreamWait* waiting = first_wait(StreamWait::For::backend)) {
    wake(*waiting, push_backend(waiting->task().co()));
  }
}

int LuaStream::backend(lua_State* L, std::optional<Duration> timeout) {
  if (!backend_.empty() || done_) return push_backend(L);
  return wait(L, "s:backend", StreamWait::For::backend, timeout);
}

int LuaStream::push_backend(lua_State* L) const {
  if (backend_.empty()) return push_end(L);
  push(L, backend_);
  return 1;
}

// ---- waiting ----

int LuaStream::wait(lua_State* L, std::string_view function, StreamWait::For what, std::optional<Duration> timeout) {
  Task& task = Task::check_can_wait(L, function);
  StreamWait& wait = state_.waits.take(state_.host);
  waits_.add(wait);
  return wait.begin(L, task, *this, what, timeout);
}

StreamWait* LuaStream::first_wait(StreamWait::For what) {
  for (StreamWait* wait : waits_) {
    if (wait->what() == what) return wait;
  }
  return nullptr;
}

void LuaStream::wake(StreamWait& wait, int results) {
  forget(wait);
  wait.finish(results);
}

void LuaStream::forget(StreamWait& wait) { waits_.remove(wait); }

int LuaStream::push_timeout(lua_State* L, const StreamWait& wait) {
  const std::string limit = format_duration(wait.timeout());
  std::string text;
  if (wait.what() == StreamWait::For::end) {
    text = fmt::format("s:close: the stream has not ended within {}; cancelled", limit);
    cancel(text);
  } else if (wait.what() == StreamWait::For::backend) {
    text = fmt::format("s:backend: not known within {}", limit);
  } else {
    text = fmt::format("s:recv: no message within {}", limit);
  }
  lua_pushnil(L);
  push_status(L, GrpcCode::deadline_exceeded, text, "", "timeout");
  return 2;
}

// ---- counting while it runs ----

void LuaStream::note_busy() {
  if (!std::exchange(busy_, true)) state_.mark_busy(*this);
}

void LuaStream::count_progress() {
  busy_ = false;
  if (done_) return;
  const std::uint64_t written = wire_->written(), received = wire_->received();
  site_.stream_progress(written - written_told_, received - received_told_);
  written_told_ = written;
  received_told_ = received;
  if (written < wire_->accepted()) note_busy();
}

}  // namespace lgen::lua
