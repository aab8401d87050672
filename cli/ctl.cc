// `lgen ctl status|pause|resume|scale|stop`: orders for a run that goes on, through its control socket.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "control_folder.h"
#include "exit_code.h"
#include "lgen/http.h"
#include "lgen/report.h"
#include "lgen/text.h"
#include "lgen/units.h"
#include "progress.h"
#include "terminal.h"

namespace lgen::cli {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kOrders[] = {"status", "pause", "resume", "scale", "stop"};

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// One question to one run.
Result<Json> ask(const ControlSocket& run, const std::string& method, const std::string& target) {
  RealClock clock;
  Loop loop(clock);
  HttpClientOptions options;
  options.connect_to = "unix:" + run.path;
  options.timeout = std::chrono::seconds(5);
  std::optional<Result<Json>> answer;
  {
    HttpClient client(loop, options);
    const Op op = client.send({.method = method, .url = "http://lgen" + target}, [&](const HttpResult& result) {
      if (result.error) {
        answer = make_error(ErrorCode::unavailable,
                            fmt::format("run {} does not answer: {}", run.pid, result.error->message));
        return;
      }
      answer = Json::parse(result.body, nullptr, false);
    });
    loop.run_until([&] { return answer.has_value(); });
    client.close_idle();
  }
  if (!*answer) return *answer;
  if (!(*answer)->is_object()) {
    return make_error(ErrorCode::protocol, fmt::format("what answers at {} is no run of lgen", run.path));
  }
  const Json& said = **answer;
  if (const auto error = said.find("error"); error != said.end()) {
    const std::string why = error->is_string() ? error->get<std::string>() : error->dump();
    return usage(fmt::format("run {}: {}", run.pid, why));
  }
  return answer->value();
}

struct CtlOrder {
  std::string method, target;
};

/// What stands behind `lgen ctl` as a request.
Result<CtlOrder> order_of(const std::vector<std::string>& operands) {
  if (operands.empty()) return usage(fmt::format("what shall it do? There are {}", fmt::join(kOrders, ", ")));
  const std::string& word = operands[0];
  const std::size_t count = operands.size() - 1;
  if (word == "scale") {
    if (count != 2) return usage("scale: which scenario, to how many VUs? lgen ctl scale SCENARIO VUS");
    return CtlOrder{
        "POST", fmt::format("/scale?scenario={}&vus={}", percent_encoded(operands[1]), percent_encoded(operands[2]))};
  }
  if (std::find(std::begin(kOrders), std::end(kOrders), word) == std::end(kOrders)) {
    const std::string_view guess = did_you_mean(word, kOrders);
    return usage(fmt::format("unknown order '{}'{}; there are {}", word,
                             guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess),
                             fmt::join(kOrders, ", ")));
  }
  const bool may_name = word == "stop";
  if (count > (may_name ? 1U : 0U)) {
    return usage(fmt::format("{}: '{}' is one word too many", word, operands[may_name ? 2 : 1]));
  }
  if (count == 1) return CtlOrder{"POST", "/stop?scenario=" + percent_encoded(operands[1])};
  return CtlOrder{word == "status" ? "GET" : "POST", "/" + word};
}

std::string name_of(const Json& status) {
  const std::string name = status.value("name", "");
  return name.empty() ? status.value("plan", "") : name;
}

/// "which of them?", with what each is.
Error several(const std::vector<ControlSocket>& runs) {
  std::string text = fmt::format("{} go on; choose one with --pid:", counted(runs.size(), "run"));
  for (const ControlSocket& run : runs) {
    const auto status = ask(run, "GET", "/status");
    text += fmt::format("\n  {}  {}", run.pid, status ? printable(name_of(*status)) : "does not answer");
  }
  return usage(text);
}

Result<ControlSocket> choose(const Words& words) {
  std::vector<pid_t> gone;
  const std::vector<ControlSocket> runs = control_sockets(gone);
  if (!words.has("pid")) {
    if (runs.empty())
      return make_error(ErrorCode::not_found, fmt::format("no run goes on (looked in {})", control_folder()));
    if (runs.size() > 1) return several(runs);
    return runs.front();
  }
  const std::string text = words.text("pid");
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc{} || end != text.data() + text.size() || pid <= 0) {
    return usage(fmt::format("--pid: a process id is expected, got '{}'", text));
  }
  const auto at = std::find_if(runs.begin(), runs.end(), [pid](const ControlSocket& run) { return run.pid == pid; });
  if (at == runs.end()) return make_error(ErrorCode::not_found, no_control_socket(pid, gone));
  return *at;
}

ScenarioProgress progress_of(const Json& s) {
  ScenarioProgress progress;
  progress.name = printable(s.value("name", ""));
  progress.vus = s.value("vus", 0ULL);
  progress.running = s.value("running", 0ULL);
  progress.succeeded = s.value("succeeded", 0ULL);
  progress.failed = s.value("failed", 0ULL);
  progress.cancelled = s.value("cancelled", 0ULL);
  progress.dropped = s.value("dropped", 0ULL);
  progress.elapsed = from_seconds(s.value("elapsed", 0.0));
  progress.length = from_seconds(s.value("length", 0.0));
  progress.paused = s.value("paused", false);
  progress.stopping = s.value("stopping", false);
  progress.finished = s.value("finished", false);
  return progress;
}

std::string status_text(const ControlSocket& run, const Json& status) {
  std::string text = fmt::format("{}: run {}, {}{}\n", printable(name_of(status)), run.pid,
                                 format_duration(from_seconds(status.value("elapsed", 0.0))),
                                 status.value("paused", false) ? ", paused" : "");
  const auto width = static_cast<std::size_t>(console_style(true).width);
  for (const Json& scenario : status.value("scenarios", Json::array())) {
    text += fmt::format("{}\n", progress_line(progress_of(scenario), Duration{0}, width));
  }
  return text;
}

int ctl(Words words) {
  const auto fail = [](const Error& error) {
    complain("ctl: " + error.message);
    return kConfiguration;
  };
  const auto order = order_of(words.operands);
  if (!order) return fail(order.error());
  const auto run = choose(words);
  if (!run) return fail(run.error());
  const auto answer = ask(*run, order->method, order->target);
  if (!answer) return fail(answer.error());
  const bool is_status = order->method == "GET";
  const std::string text = words.has("json") ? answer->dump() + "\n"
                           : is_status       ? status_text(*run, *answer)
                                             : answer->value("done", "done") + "\n";
  return write_file("-", text) ? kOk : kOutputFailed;
}

constexpr OptionRow kOptions[] = {
    {"pid", "PID", "which run, when there are several", "", "Options"},
    {"json", "", "print the answer as JSON", "", "Options"},
};

}  // namespace

const Command kCtlCommand = {
    .name = "ctl",
    .synopsis = "status|pause|resume|scale|stop [SCENARIO] [VUS]",
    .help = "look at a run that goes on, pause, resume, scale or stop it",
    .about =
        "status shows how far each scenario is.\n"
        "pause lets no iteration start until resume; what runs goes on. The time of the scenarios stands still "
        "meanwhile: nothing comes due, no arrival is dropped, and the run becomes longer by the pause.\n"
        "scale SCENARIO VUS sets the VUs of a scenario with the load external.\n"
        "stop ends the run as Ctrl-C does, stop SCENARIO one scenario as if its time were up.\n"
        "Runs listen on a socket that only their owner may use, in $XDG_RUNTIME_DIR/lgen, or in /tmp/lgen-UID where "
        "that is not set.",
    .options = kOptions,
    .run = ctl};

}  // namespace lgen::cli
