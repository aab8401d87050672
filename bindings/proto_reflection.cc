#include "proto_reflection.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "grpc_channel.h"
#include "grpc_metadata.h"
#include "host.h"
#include "lgen/runner.h"
#include "mod_grpc.h"
#include "mod_proto.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr Duration kPatience = std::chrono::seconds(30);  // for all that one server has to tell

/// Called as (function, metadata): adds what the plan's function returns.
int read_metadata_function(lua_State* L) {
  read_metadata(L, 1, "metadata", *static_cast<Metadata*>(lua_touserdata(L, 2)));
  return 0;
}

/// The channel's own metadata, as any call on it has.
Result<Metadata> metadata_of(Host& host, const CallDefaults& defaults) {
  Metadata metadata = defaults.metadata;
  if (defaults.metadata_function == LUA_NOREF) return metadata;
  lua_pushcfunction(host.L, read_metadata_function);
  lua_rawgeti(host.L, LUA_REGISTRYINDEX, defaults.metadata_function);
  lua_pushlightuserdata(host.L, &metadata);
  const Outcome called = call_protected(host.L, 2, 0);
  if (!called) return called.error();
  return metadata;
}

/// All schemas at once; the methods when the last one has come.
class Fetch final : public Operation {
 public:
  Fetch(Host& host, std::function<void(Outcome)> done) : host_(host), done_(std::move(done)) {
    for (const auto& schema : host.proto->plan_schemas) {
      if (!schema->schema) begin(*schema);
    }
    host_.loop.post([this] {
      posted_ = false;
      settle();
    });
  }
  void cancel() noexcept override {
    for (Op& op : ops_) op.cancel();
  }
  void drop() noexcept override {
    done_ = nullptr;
    dropped_ = true;
    ops_.clear();
    if (!posted_ && !settling_) delete this;
  }

 private:
  ~Fetch() = default;

  void begin(PlanSchema& schema) {
    ReflectionOptions options{
        .timeout = kPatience, .wait_for_ready = true, .instead = "files = {...} or protoset = \"...\""};
    Result<Metadata> metadata = metadata_of(host_, *schema.source->defaults);
    if (!metadata) return fail(schema, metadata.error());
    options.metadata = *std::move(metadata);
    options.trace = host_.grpc->trace.of_reflection(schema.source->name, options.metadata);
    ++missing_;
    ops_.push_back(Schema::from_reflection(*schema.source->link->wire(), options, [this, &schema](auto loaded) {
      --missing_;
      if (loaded) {
        schema.schema = *std::move(loaded);
      } else {
        fail(schema, loaded.error());
        note_failure(loaded.error().code);
      }
      settle();
    }));
  }

  void fail(const PlanSchema& schema, const Error& error) {
    if (error_) return;
    error_ = make_error(error.code, fmt::format("{}lgen.proto: {}", schema.where, error.message));
  }

  /// What it means for the run: not reached, or the wrong plan for this server.
  void note_failure(ErrorCode code) {
    if (code == ErrorCode::unavailable || code == ErrorCode::timeout) {
      host_.connect_failure = error_->message;
    } else if (code != ErrorCode::cancelled) {
      host_.misfit = error_->message;
    }
  }

  void settle() {
    if (posted_ || missing_ > 0 || dropped_) {
      if (dropped_ && !settling_) delete this;
      return;
    }
    settling_ = true;
    if (!error_) look_up();
    if (auto done = std::exchange(done_, nullptr)) done(error_ ? Outcome(*error_) : Outcome(Done{}));
    settling_ = false;
    if (dropped_) delete this;
  }

  void look_up() {
    std::string& missing = host_.misfit;  // all of them, a line each
    for (const auto& schema : host_.proto->plan_schemas) {
      for (const auto& method : schema->methods) {
        const auto found = schema->schema->method(method->info.name);
        if (!found) {
          missing +=
              fmt::format("{}{}api:method: {}", missing.empty() ? "" : "\n", method->where, found.error().message);
          continue;
        }
        method->info = **found;
        method->known = true;
      }
    }
    if (!missing.empty()) error_ = make_error(ErrorCode::not_found, missing);
  }

  Host& host_;
  std::function<void(Outcome)> done_;
  std::vector<Op> ops_;
  std::size_t missing_ = 0;
  std::optional<Error> error_;
  bool posted_ = true, settling_ = false, dropped_ = false;
};

/// `lgen check` has no network: what follows cannot be tried.
[[noreturn]] void end_untried(lua_State* L, Host& host, const std::string& note) {
  auto& notes = host.proto->untried;
  if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  if (host.phase == Phase::setup) host.runner->abort(note);  // iterations would lack what setup returns
  host.current->root().cancel();
  host.current->raise_if_cancelled(L);
  __builtin_unreachable();
}

bool without_network(const Host& host) { return host.input.purpose == PlanPurpose::check && host.current; }

}  // namespace

bool has_unknown_schemas(const Host& host) {
  const auto& schemas = host.proto->plan_schemas;
  return std::any_of(schemas.begin(), schemas.end(), [](const auto& schema) { return !schema->schema; });
}

Op fetch_schemas(Host& host, std::function<void(Outcome)> done) { return Op(new Fetch(host, std::move(done))); }

void refuse_unknown_schema(lua_State* L, std::string_view what) {
  Host& host = host_of(L);
  if (host.phase == Phase::load) {
    raise(L, fmt::format("{}: the types come from the server's reflection, which is asked after the plan has loaded; "
                         "move it into lgen.setup or run",
                         what));
  }
  if (without_network(host))
    end_untried(L, host, fmt::format("{}{}: the types are known to the server only", where(L), what));
  raise(L, fmt::format("{}: the server has not told its types", what));
}

void refuse_unknown_method(lua_State* L, std::string_view what, const PendingMethod& method) {
  Host& host = host_of(L);
  if (host.phase == Phase::load) {
    raise(L,
          fmt::format("{}: {} is known from the server's reflection, which is asked after the plan has loaded; move it "
                      "into lgen.setup or run",
                      what, method.info.name));
  }
  if (without_network(host)) {
    end_untried(L, host, fmt::format("{}{}: {} is known to the server only", where(L), what, method.info.name));
  }
  raise(L, fmt::format("{}: {}: the server has not told its types", what, method.info.name));
}

}  // namespace lgen::lua
