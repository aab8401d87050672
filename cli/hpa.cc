// `lgen hpa simulate`: what Kubernetes' autoscaler would make of a load.
#include "lgen/hpa.h"

#include <fmt/format.h>

#include "commands.h"
#include "exit_code.h"
#include "hpa_options.h"
#include "hpa_report.h"
#include "summary_file.h"
#include "terminal.h"

namespace lgen::cli {
namespace {

int refuse_hpa(const std::string& message) {
  complain(message);
  return kConfiguration;
}

int run_hpa(Words words) {
  constexpr std::string_view kExample = "lgen hpa simulate --stages 5m:120,10m:120,1m:0 --target 15 --min 3 --max 10";
  if (words.operands.empty()) return refuse_hpa(fmt::format("hpa: what? {}", kExample));
  if (words.operands[0] != "simulate") {
    return refuse_hpa(fmt::format("hpa: '{}' is not known; there is simulate: {}", words.operands[0], kExample));
  }
  if (words.operands.size() > 1) {
    return refuse_hpa(fmt::format("hpa: simulate takes options alone, and no '{}': {}", words.operands[1], kExample));
  }
  const std::string format = words.text("format", "text");
  if (format != "text" && format != "json") {
    return refuse_hpa(fmt::format("hpa: --format: '{}' is neither text nor json", format));
  }
  const auto simulation = read_simulation(words);
  if (!simulation) return refuse_hpa(simulation.error().message);
  const auto rounds = hpa::simulate(*simulation);
  return show_on_stdout(
      format == "json" ? render_rounds_json(*simulation, rounds)
                       : render_rounds(*simulation, rounds, words.has("all"), console_style(words.has("no-color"))));
}

}  // namespace

const Command kHpaCommand = {
    .name = "hpa",
    .synopsis = "simulate",
    .help = "what Kubernetes' autoscaler makes of a load",
    .about =
        "Runs the rounds of a HorizontalPodAutoscaler (autoscaling/v2, its arithmetic, limits and windows) over a load "
        "that you describe, without a cluster. The load is shared evenly by the pods that are ready; a pod that was "
        "not ready when the metrics were taken has none.\n"
        "The table has the rounds in which something changes: targets as kubectl shows them (<unknown>: the metric "
        "failed), and beside the time what keeps the replicas or moves them, in Kubernetes' words.",
    .options = hpa_options(),
    .run = run_hpa};

}  // namespace lgen::cli
