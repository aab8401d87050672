// The source is made for reading: it holds what the options ask for and nothing else, so that --print-plan is a start
// for a plan of one's own. Messages without template values are encoded once, while the plan loads.
#include "bench_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "fitted_values.h"

namespace lgen::cli {
namespace {

constexpr std::size_t kReadable = 100;  // so many messages still stand in one table
constexpr std::size_t kChunk = 1000;    // LuaJIT allows a function 65,536 constants

std::string seconds(Duration d) { return fmt::format("{}", std::chrono::duration<double>(d).count()); }

bool sends_stream(MethodKind kind) { return kind == MethodKind::client || kind == MethodKind::bidi; }

/// The parts of the source, in order.
class Source {
 public:
  explicit Source(const BenchPlan& plan) : plan_(plan), kind_(plan.method->kind) {
    varies_ =
        std::any_of(plan.messages.begin(), plan.messages.end(), [](const LuaTable& table) { return table.varies; });
    many_ = plan.messages.size() > 1;
    metadata_varies_ = plan.metadata && plan.metadata->varies;
    numbered_ = varies_ || metadata_varies_ || (many_ && !sends_stream(kind_));
  }

  std::string write() {
    head();
    channel();
    method();
    messages();
    call_options();
    if (numbered_) out_ += "\nlocal begun = 0  -- calls, over all virtual users\n";
    scenario();
    for (const auto& [metric, condition] : plan_.thresholds) {
      out_ += fmt::format("lgen.threshold({}, {})\n", lua_string(metric), lua_string(condition));
    }
    return std::move(out_);
  }

 private:
  void head() {
    out_ += fmt::format("local lgen = require \"lgen\"\n\nlgen.plan {{ api = 1, name = {} }}\n\n",
                        lua_string(plan_.name.empty() ? plan_.method->name : plan_.name));
  }

  void method() {
    if (plan_.in_wire_format) {
      out_ += fmt::format("local Method = {}  -- by its path: what is sent and received is bytes\n",
                          lua_string(plan_.method->path));
      return;
    }
    out_ += fmt::format("local api = lgen.proto {}\n", print_lua(plan_.schema, 0));
    out_ += fmt::format("local Method = api:method {}\n", lua_string(plan_.method->name));
  }

  void channel() {
    LuaValue options{.is_table = true};
    const bool pool = plan_.connections > 1;
    if (pool) {
      options.entries.push_back({"size", {fmt::format("{}", plan_.connections)}});
      options.entries.push_back({"pick", {"\"by_vu\""}});
    }
    if (kind_ == MethodKind::unary && plan_.timeout) options.entries.push_back({"timeout", {seconds(*plan_.timeout)}});
    if (plan_.metadata && !metadata_varies_) options.entries.push_back({"metadata", plan_.metadata->value});
    options.entries.insert(options.entries.end(), plan_.channel_options.begin(), plan_.channel_options.end());
    out_ += fmt::format("local channel = lgen.grpc.{}(\"main\", lgen.target{})\n", pool ? "pool" : "channel",
                        options.entries.empty() ? "" : ", " + print_lua(options, 0));
  }

  /// What `message` or an entry of `messages` is: an encoded message, or a function that makes a table.
  std::string message_value(const LuaTable& message, std::size_t indent) const {
    if (plan_.in_wire_format) return message.value.expression;
    if (varies_) return fmt::format("function(vu, number) return {} end", print_lua(message.value, indent));
    return fmt::format("api:message({}, {})", lua_string(plan_.method->input->name), print_lua(message.value, indent));
  }

  void messages() {
    const bool fits =
        std::any_of(plan_.messages.begin(), plan_.messages.end(), [](const LuaTable& table) { return table.fits; });
    if (fits) out_ += fmt::format("\n{}", fitted_values_source());
    const bool later = plan_.types_in_setup && !varies_ && !plan_.in_wire_format;
    const std::string_view name = many_ ? "messages" : "message";
    out_ += varies_ || plan_.in_wire_format ? "\n"
            : later                         ? "\n-- Encoded once, in setup, when the server has told its types.\n"
                                            : "\n-- Encoded once.\n";
    if (later) out_ += fmt::format("local {}\nlgen.setup(function()\n  ", name);
    out_ += fmt::format("{}{} = ", later ? "" : "local ", name);
    const std::size_t indent = later ? 2 : 0;
    if (!many_) {
      out_ += message_value(plan_.messages.front(), indent) + "\n";
    } else {
      plan_.messages.size() <= kReadable ? some_messages(indent) : many_messages(indent);
    }
    if (later) out_ += "end)\n";
  }

  void some_messages(std::size_t indent) {
    out_ += "{\n";
    for (const LuaTable& message : plan_.messages) {
      out_ += fmt::format("{:{}}{},\n", "", indent + 2, message_value(message, indent + 2));
    }
    out_ += fmt::format("{:{}}}}\n", "", indent);
  }

  void many_messages(std::size_t indent) {
    out_ += "{}\n";
    for (std::size_t i = 0; i < plan_.messages.size(); ++i) {
      if (i % kChunk == 0) out_ += fmt::format("{:{}}do (function()\n", "", indent);
      out_ +=
          fmt::format("{:{}}messages[{}] = {}\n", "", indent + 2, i + 1, message_value(plan_.messages[i], indent + 2));
      if (i % kChunk == kChunk - 1 || i + 1 == plan_.messages.size())
        out_ += fmt::format("{:{}}end)() end\n", "", indent);
    }
  }

  /// Options of each call that cannot be the channel's.
  void call_options() {
    LuaValue options{.is_table = true};
    if (kind_ != MethodKind::unary && plan_.timeout) options.entries.push_back({"timeout", {seconds(*plan_.timeout)}});
    if (metadata_varies_) options.entries.push_back({"metadata", plan_.metadata->value});
    if (options.entries.empty()) return;
    options_argument_ = metadata_varies_ ? ", " + print_lua(options, 4) : ", options";
    if (!metadata_varies_) out_ += fmt::format("local options = {}\n", print_lua(options, 0));
  }

  /// Calls at their own times, none of them given up: so many as are asked for, or as are due within the time.
  std::string rate() const {
    const Duration whole(
        static_cast<std::int64_t>(std::min(static_cast<double>(plan_.total) / *plan_.rate * 1e9, 9e18)));
    const Duration length = plan_.duration.value_or(std::min(whole, plan_.max_duration.value_or(whole)));
    return fmt::format("constant_rate {{ rate = {}, duration = {}, max_vus = {}, backlog = \"24h\" }}", *plan_.rate,
                       seconds(length), plan_.concurrency);
  }

  std::string load() const {
    if (plan_.rate) return rate();
    const auto counted = [&](std::uint64_t iterations, const std::string& max_duration) {
      return fmt::format("shared_iterations {{ vus = {}, iterations = {}, max_duration = {} }}", plan_.concurrency,
                         iterations, max_duration);
    };
    if (!plan_.duration) return counted(plan_.total, plan_.max_duration ? seconds(*plan_.max_duration) : "math.huge");
    return fmt::format("constant_vus {{ vus = {}, duration = {} }}", plan_.concurrency, seconds(*plan_.duration));
  }

  void scenario() {
    out_ += fmt::format("\nlgen.scenario(\"bench\", {{\n  load = lgen.load.{},\n", load());
    if (plan_.rate && !plan_.duration && !plan_.max_duration) {
      out_ += "  graceful_stop = \"24h\",  -- late calls are made all the same\n";
    }
    out_ += "  run = function(vu)\n";
    if (numbered_) line("local number = begun");
    if (numbered_) line("begun = number + 1");
    call();
    out_ += "  end,\n})\n";
  }

  void line(const std::string& text) { out_ += fmt::format("    {}\n", text); }

  /// The message of this call, or message `i` of its stream.
  std::string message() const {
    const std::string index = sends_stream(kind_) ? "(i - 1)" : "number";
    const std::string chosen = many_ ? fmt::format("messages[{} % #messages + 1]", index) : "message";
    return varies_ ? chosen + "(vu, number)" : chosen;
  }

  void call() {
    if (kind_ == MethodKind::unary)
      return line(fmt::format("channel:call(Method, {}{})", message(), options_argument_));
    line(fmt::format("local stream = channel:open(Method{})", options_argument_));
    if (plan_.stream_duration) line(fmt::format("local stop = lgen.now() + {}", seconds(*plan_.stream_duration)));
    if (kind_ == MethodKind::server) {
      line(fmt::format("stream:send({})", message()));
      receive();
    } else {
      if (kind_ == MethodKind::bidi) {
        line("local reader = lgen.spawn(function() for _ in stream:messages() do end end)");
      }
      send();
      if (kind_ == MethodKind::bidi) line("stream:half_close()");
      if (kind_ == MethodKind::bidi) line("reader:join()");
    }
    line("stream:close()");
  }

  void send() {
    line(fmt::format("for i = 1, {} do", plan_.stream_count.value_or(plan_.messages.size())));
    if (plan_.interval.count() > 0) line(fmt::format("  if i > 1 then lgen.sleep({}) end", seconds(plan_.interval)));
    if (plan_.stream_duration) line("  if lgen.now() >= stop then break end");
    line(fmt::format("  if not stream:send({}) then break end", message()));
    line("end");
  }

  void receive() {
    if (!plan_.stream_count && !plan_.stream_duration) return line("for _ in stream:messages() do end");
    line(plan_.stream_count ? fmt::format("for _ = 1, {} do", *plan_.stream_count) : "while true do");
    line(fmt::format("  if not stream:recv({}) then break end",
                     plan_.stream_duration ? "math.max(stop - lgen.now(), 0)" : ""));
    line("end");
    line("stream:cancel(\"enough\")");
  }

  const BenchPlan& plan_;
  const MethodKind kind_;
  bool varies_, many_, metadata_varies_, numbered_;
  std::string options_argument_;
  std::string out_;
};

}  // namespace

std::string write_bench_plan(const BenchPlan& plan) { return Source(plan).write(); }

}  // namespace lgen::cli
