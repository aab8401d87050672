// `lgen bench HOST:PORT pkg.Svc/Method`: makes a plan of its options and runs it as any other.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>

#include "arguments.h"
#include "bench_binary.h"
#include "bench_options.h"
#include "bench_plan.h"
#include "commands.h"
#include "exit_code.h"
#include "lgen/grpc.h"
#include "lgen/log.h"
#include "lgen/units.h"
#include "request_headers.h"
#include "run.h"
#include "schema_source.h"
#include "text_file.h"

namespace lgen::cli {
namespace {

/// Options of ghz that are the engine's under another name.
struct Same {
  std::string_view here, engine;
};
constexpr Same kSame[] = {{"cacert", "ca"},
                          {"cname", "server-name"},
                          {"skipTLS", "skip-verify"},
                          {"insecure", "plaintext"},
                          {"connect-timeout", "wait-ready"}};

Error usage(std::string_view option, std::string_view what) {
  return make_error(ErrorCode::invalid_argument, fmt::format("bench: --{}: {}", option, what));
}

/// Typed reading of options; keeps the first error.
class Reader {
 public:
  explicit Reader(const Words& words) : words_(words) {}

  bool has(std::string_view name) const { return words_.has(name); }
  std::string text(std::string_view name) const { return words_.text(name); }
  std::optional<std::uint64_t> count(std::string_view name) {
    if (!has(name)) return std::nullopt;
    const std::string text = words_.text(name);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0) {
      fail(name, fmt::format("'{}' is no number of at least 1", text));
    }
    return value;
  }
  std::optional<double> rate(std::string_view name) {
    if (!has(name)) return std::nullopt;
    const std::string text = words_.text(name);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value <= 0) {
      fail(name, fmt::format("'{}' is no number above 0", text));
    }
    return value;
  }
  /// Of 0 or more; `or_none`: 0 means there is none.
  std::optional<Duration> duration(std::string_view name, std::string_view fallback = "", bool or_none = false) {
    const std::string text = words_.text(name, fallback);
    if (text.empty() && !has(name)) return std::nullopt;
    const auto value = parse_duration(text);
    if (!value) fail(name, value.error().message);
    if (value && value->count() == 0 && or_none) return std::nullopt;
    if (value && value->count() == 0) fail(name, "must be longer than 0");
    return value ? std::optional(*value) : std::nullopt;
  }
  std::optional<std::uint64_t> size(std::string_view name) {
    if (!has(name)) return std::nullopt;
    const auto value = parse_size(words_.text(name));
    if (!value) fail(name, value.error().message);
    return value ? std::optional(*value) : std::nullopt;
  }
  void fail(std::string_view name, std::string_view what) {
    if (!error_) error_ = usage(name, what);
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const Words& words_;
  std::optional<Error> error_;
};

/// Moves what the engine knows, under either name, into `engine`; --tags becomes --tag.
Result<Words> engine_words(const Words& words) {
  Words engine = without(words, bench_options());
  for (const Same& same : kSame) {
    if (!words.has(same.here)) continue;
    if (engine.has(same.engine))
      return usage(same.here, fmt::format("is the same as --{}; give one of them", same.engine));
    engine.options[std::string(same.engine)] = words.all(same.here);
  }
  return engine;
}

Outcome add_tags(const Words& words, Words& engine) {
  if (!words.has("tags")) return Done{};
  const auto tags = nlohmann::json::parse(words.text("tags"), nullptr, false);
  if (!tags.is_object()) return usage("tags", "a JSON object of strings is expected, as in '{\"env\": \"staging\"}'");
  for (const auto& [key, value] : tags.items()) {
    if (!value.is_string()) return usage("tags", fmt::format("{}: string expected, got {}", key, value.dump()));
    engine.options["tag"].push_back(fmt::format("{}={}", key, value.get<std::string>()));
  }
  return Done{};
}

/// -O json, -o FILE.
Outcome add_output(const Words& words, Words& engine) {
  const std::string format = words.text("format", words.has("output") ? "json" : "summary");
  const bool json = format == "json" || format == "pretty";
  if (!json && format != "summary") {
    return usage("format", fmt::format("there is no '{}'; there are summary, json and pretty", format));
  }
  if (format == "summary" && words.has("output")) {
    return usage("output", "a file takes JSON; leave out --format summary");
  }
  if (json) engine.options["out"].push_back("json=" + words.text("output", "-"));
  return Done{};
}

/// What is called, and where: [HOST:PORT] METHOD, or [HOST:PORT] with --call.
struct Aim {
  std::string target, method;
};

bool is_address(std::string_view word) { return word.find(':') != std::string_view::npos; }

/// How the methods are found: of the files, else of the server.
Error which_method(const Words& words, const std::string& target) {
  std::string list = target;
  if (words.has("protoset")) list = "-protoset " + words.text("protoset");
  if (words.has("proto")) list = "-proto " + words.text("proto");
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("bench: which method? `lgen list {0}` names the services, `lgen list {0} SERVICE` the "
                                "methods of one; then: lgen bench {1} pkg.Svc/Method",
                                list, target));
}

Result<Aim> take_aim(const Words& words, const Words& engine) {
  std::vector<std::string> operands = words.operands;
  if (words.has("call")) operands.push_back(words.text("call"));
  const bool has_target = engine.has("target") || engine.has("local");
  if (operands.empty() || (operands.size() == 1 && is_address(operands[0]))) {
    return which_method(words, operands.empty() ? engine.text("target", "HOST:PORT") : operands[0]);
  }
  if (operands.size() > 2 || (operands.size() == 2 && has_target)) {
    return make_error(ErrorCode::invalid_argument,
                      "bench: a target and a method are expected, nothing more: lgen bench HOST:PORT pkg.Svc/Method");
  }
  if (operands.size() == 1) return Aim{"", operands[0]};
  if (is_address(operands[1]) && !is_address(operands[0])) std::swap(operands[0], operands[1]);
  if (const Outcome ok = check_address(operands[0]); !ok) {
    return make_error(ErrorCode::invalid_argument, "bench: " + ok.error().message);
  }
  return Aim{operands[0], operands[1]};
}

/// --NAME or the file of --NAME-file; `fallback` when neither is given.
Result<std::string> text_or_file(const Words& words, const std::string& name, std::string_view fallback) {
  const std::string file_option = name + "-file";
  if (!words.has(file_option)) {
    return name == "data" && words.text(name) == "@" ? read_text_file("-")
                                                     : Result<std::string>(words.text(name, fallback));
  }
  if (words.has(name)) return usage(file_option, fmt::format("contradicts --{}; give one of them", name));
  auto text = read_text_file(words.text(file_option));
  return text ? std::move(text) : Result<std::string>(usage(file_option, text.error().message));
}

Outcome read_binary(const Words& words, const Schema& schema, BenchPlan& plan) {
  const bool from_file = words.has("binary-file");
  const std::string_view option = from_file ? "binary-file" : "binary";
  for (const std::string_view other : {"binary", "data", "data-file"}) {
    if (other != option && words.has(other))
      return usage(option, fmt::format("contradicts --{}; give one of them", other));
  }
  const auto bytes = read_text_file(from_file ? words.text(option) : "-");
  if (!bytes) return usage(option, bytes.error().message);
  const auto messages = binary_messages(*bytes, schema, plan.method->input->name);
  if (!messages) return usage(option, messages.error().message);
  for (const std::string& message : *messages) plan.messages.push_back({{lua_string(message)}});
  plan.in_wire_format = true;
  return Done{};
}

Outcome read_messages(const Words& words, const Schema& schema, BenchPlan& plan) {
  if (words.has("binary") || words.has("binary-file")) return read_binary(words, schema, plan);
  const auto data = text_or_file(words, "data", "{}");
  if (!data) return data.error();
  auto messages = messages_of("bench: --data", *data, *plan.method);
  if (!messages) return messages.error();
  plan.messages = std::move(*messages);
  return Done{};
}

Outcome read_metadata(const Words& words, BenchPlan& plan) {
  if (!words.has("metadata") && !words.has("metadata-file")) return Done{};
  const auto text = text_or_file(words, "metadata", "");
  if (!text) return text.error();
  auto metadata = metadata_of("bench: --metadata", *text, *plan.method);
  if (!metadata) return metadata.error();
  plan.metadata = std::move(*metadata);
  return Done{};
}

void read_load(Reader& read, BenchPlan& plan) {
  plan.total = read.count("total").value_or(plan.total);
  plan.concurrency = read.count("concurrency").value_or(plan.concurrency);
  plan.duration = read.duration("duration");
  plan.max_duration = read.duration("max-duration");
  plan.rate = read.rate("rps");
  plan.timeout = read.duration("timeout", "20s", true);
  plan.connections = read.count("connections").value_or(plan.connections);
  if (plan.duration && read.has("total")) {
    read.fail("total", "contradicts --duration; --max-duration limits the time of a number of calls");
  }
  if (plan.duration && plan.max_duration) read.fail("max-duration", "contradicts --duration; give one of them");
}

void read_streams(Reader& read, BenchPlan& plan) {
  plan.interval = read.duration("stream-interval").value_or(Duration{0});
  plan.stream_count = read.count("stream-call-count");
  plan.stream_duration = read.duration("stream-call-duration");
  const MethodKind kind = plan.method->kind;
  const std::string wrong = fmt::format("{} is a {} method", plan.method->name, to_string(kind));
  for (const std::string_view option : {"stream-interval", "stream-call-count", "stream-call-duration"}) {
    if (read.has(option) && kind == MethodKind::unary) read.fail(option, wrong + "; there is no stream");
  }
  if (read.has("stream-interval") && kind == MethodKind::server) {
    read.fail("stream-interval", wrong + "; it takes one message");
  }
}

void read_channel(Reader& read, BenchPlan& plan) {
  const auto add = [&](std::string_view key, std::string value) {
    plan.channel_options.push_back({std::string(key), {std::move(value)}});
  };
  if (const auto time = read.duration("keepalive")) {
    add("keepalive", fmt::format("{{ time = {} }}", std::chrono::duration<double>(*time).count()));
  }
  if (read.has("lb-strategy")) {
    const std::string lb = read.text("lb-strategy");
    if (lb != "pick_first" && lb != "round_robin") {
      read.fail("lb-strategy", fmt::format("'{}' is neither pick_first nor round_robin", lb));
    }
    add("lb", lua_string(lb));
  }
  if (read.has("enable-compression")) add("compression", "\"gzip\"");
  if (const auto size = read.size("max-recv-message-size")) add("max_recv", fmt::format("{}", *size));
  if (const auto size = read.size("max-send-message-size")) add("max_send", fmt::format("{}", *size));
}

/// "METRIC: CONDITION" apart; whether they mean something is seen when the plan loads.
Outcome read_thresholds(const Words& words, BenchPlan& plan) {
  for (const std::string& text : words.all("threshold")) {
    const std::size_t colon = text.find(':');
    const std::size_t condition = colon == std::string::npos ? colon : text.find_first_not_of(' ', colon + 1);
    if (condition == std::string::npos) {
      return usage("threshold", fmt::format("'{}' is not of the form 'METRIC: CONDITION', as in "
                                            "'grpc_call_duration_seconds: p(99) < 0.25'",
                                            text));
    }
    plan.thresholds.emplace_back(text.substr(0, colon), text.substr(condition));
  }
  return Done{};
}

/// What of --metadata is the same for every call: the question for the types takes it along.
Metadata fixed_metadata(const Words& words) {
  Metadata metadata;
  const auto text = text_or_file(words, "metadata", "{}");
  const auto json = nlohmann::json::parse(text ? *text : "", nullptr, false);
  if (!json.is_object()) return metadata;  // refused later, when the method is known
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string() || value.get_ref<const std::string&>().find("{{") != std::string::npos) continue;
    auto name = header_name(key);
    auto bytes = name ? header_value(*name, value.get_ref<const std::string&>()) : name.error();
    if (bytes) metadata.emplace_back(*std::move(name), *std::move(bytes));
  }
  return metadata;
}

Result<std::string> plan_text(const Words& words, const SchemaSource& source, const std::string& method) {
  const auto found = source.schema->method(method);
  if (!found) return make_error(found.error().code, fmt::format("bench: {}", found.error().message));
  BenchPlan plan;
  plan.method = *found;
  plan.name = words.text("name");
  plan.schema = source.lua;
  plan.types_in_setup = source.reflection;
  Reader read(words);
  read_load(read, plan);
  read_streams(read, plan);
  read_channel(read, plan);
  if (read.error()) return *read.error();
  if (const Outcome ok = read_thresholds(words, plan); !ok) return ok.error();
  if (const Outcome ok = read_messages(words, *source.schema, plan); !ok) return ok.error();
  if (const Outcome ok = read_metadata(words, plan); !ok) return ok.error();
  return write_bench_plan(plan);
}

/// The plan is ours, so its line says nothing to whoever has given the option.
std::string in_our_words(const std::string& message) {
  static const std::regex kThreshold("^bench\\.lua:[0-9]+: threshold");
  return std::regex_replace(message, kThreshold, "bench: --threshold");
}

/// The engine's part of the command line, joined with the environment and a config file.
Result<Arguments> read_engine(const Words& words, Aim& aim) {
  auto engine = engine_words(words);
  if (!engine) return engine.error();
  if (const Outcome ok = add_tags(words, *engine); !ok) return ok.error();
  if (const Outcome ok = add_output(words, *engine); !ok) return ok.error();
  auto taken = take_aim(words, *engine);
  if (!taken) return taken.error();
  aim = std::move(*taken);
  if (!aim.target.empty()) engine->options["target"] = {aim.target};
  auto arguments = arguments_of(*engine);
  if (!arguments) return arguments;
  arguments->plan = "bench.lua";  // as messages name it
  arguments->in_our_words = in_our_words;
  for (const Same& same : kSame) {
    if (words.has(same.here)) arguments->options.call(same.engine, fmt::format("--{}", same.here));
  }
  return arguments;
}

int bench(Words words) {
  Aim aim;
  auto arguments = read_engine(words, aim);
  if (!arguments) return refuse(arguments.error());
  const auto settings = arguments->options.resolve();
  if (!settings) return refuse(settings.error());
  if (settings->target.empty() && !settings->local && !words.has("print-plan")) {
    return refuse(make_error(ErrorCode::invalid_argument,
                             fmt::format("bench: which server? lgen bench HOST:PORT {}", aim.method)));
  }
  route_grpc_log();
  const auto source = load_schema(words, *settings, fixed_metadata(words), "");
  if (!source) return refuse_schema("bench", source.error());
  auto text = plan_text(words, *source, aim.method);
  if (!text) return refuse(text.error());
  if (words.has("print-plan")) {
    fmt::print("{}", *text);
    return kOk;
  }
  arguments->plan_text = std::move(*text);
  return run_plan(std::move(*arguments));
}

}  // namespace

const Command kBenchCommand = {.name = "bench",
                               .synopsis = "HOST:PORT pkg.Svc/Method",
                               .help = "call one method many times; no plan needed",
                               .about = kBenchAbout,
                               .options = bench_options(),
                               .run = bench,
                               .engine_options = true,
                               .aliases = bench_aliases(),
                               .absent = bench_absent()};

}  // namespace lgen::cli
