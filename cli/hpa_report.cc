#include "hpa_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lgen/text.h"
#include "lgen/units.h"

namespace lgen::cli {
namespace {

using Json = nlohmann::ordered_json;

/// "18/15", "107%/80%"; "<unknown>/80%" as kubectl shows it.
std::string target_text(const hpa::Metric& metric, const Result<hpa::Proposal>& proposal) {
  const bool percent = metric.target == hpa::Metric::Target::utilization;
  const auto shown = [percent](std::int64_t value) {
    return percent ? fmt::format("{}%", value) : fmt::format("{:.4g}", static_cast<double>(value) / 1000);
  };
  return (proposal.ok() ? shown(proposal->usage) : "<unknown>") + "/" + shown(metric.goal);
}

std::string targets_text(const hpa::Simulation& simulation, const hpa::Round& round) {
  std::string text;
  for (std::size_t i = 0; i < round.decision.proposals.size(); ++i) {
    text += (i > 0 ? ", " : "") + target_text(simulation.spec.metrics[i], round.decision.proposals[i]);
  }
  return text;
}

bool shows_news(const hpa::Round& round, const hpa::Round& before) {
  return round.decision.desired != round.replicas || round.replicas != before.replicas || round.ready != before.ready ||
         explain(round.decision) != explain(before.decision);
}

std::string replicas_text(const hpa::Round& round) {
  if (round.decision.desired == round.replicas) return fmt::format("{}", round.replicas);
  return fmt::format("{} → {}", round.replicas, round.decision.desired);
}

Tone tone_of(const hpa::Round& round) {
  if (!round.decision.scaling_active.is_true && !round.decision.scaling_active.reason.empty()) return Tone::bad;
  return round.decision.desired != round.replicas ? Tone::bold : Tone::plain;
}

constexpr int kMostSquares = 10, kFewSquares = 5;
constexpr std::size_t kGap = 2;

int most_pods(const std::vector<hpa::Round>& rounds) {
  const auto fewer = [](const hpa::Round& a, const hpa::Round& b) { return a.replicas < b.replicas; };
  return std::max_element(rounds.begin(), rounds.end(), fewer)->replicas;
}

/// A square for every `each` pods, hollow where not all of them are ready.
std::string pods_bar(const hpa::Round& round, int each) {
  std::string bar;
  for (int from = 0; from < round.replicas; from += each) {
    bar += std::min(from + each, round.replicas) <= round.ready ? "■" : "□";
  }
  return bar;
}

bool above_target(const hpa::Simulation& simulation, const hpa::Round& round) {
  const auto& proposals = round.decision.proposals;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    if (!proposals[i].ok()) continue;
    const auto usage = static_cast<double>(proposals[i]->usage);
    const auto goal = static_cast<double>(simulation.spec.metrics[i].goal);
    if (usage > goal * (1 + simulation.controller.tolerance)) return true;
  }
  return false;
}

bool knows_nothing(const hpa::Round& round) {
  const auto& proposals = round.decision.proposals;
  return !proposals.empty() && std::none_of(proposals.begin(), proposals.end(), [](const auto& p) { return p.ok(); });
}

void print_outcome(Page& page, const hpa::Simulation& simulation, const std::vector<hpa::Round>& rounds) {
  const auto pods = [](const hpa::Round& round) { return std::max(round.replicas, round.decision.desired); };
  const auto most =
      std::max_element(rounds.begin(), rounds.end(), [&](const auto& a, const auto& b) { return pods(a) < pods(b); });
  const auto above = std::count_if(rounds.begin(), rounds.end(),
                                   [&](const hpa::Round& round) { return above_target(simulation, round); });
  const auto unknown = std::count_if(rounds.begin(), rounds.end(), knows_nothing);
  // What a round finds holds until the next; of the last there is none.
  const auto time = [&](std::ptrdiff_t count) {
    return format_duration(std::min(count * simulation.controller.sync_period, rounds.back().at));
  };
  page.line({});
  page.paragraph(0, fmt::format("At most {}, from {} on; {} at the end. {} above the target and its tolerance{}.",
                                counted(static_cast<std::uint64_t>(pods(*most)), "pod"), format_duration(most->at),
                                rounds.back().decision.desired, time(above),
                                unknown > 0 ? fmt::format(", {} without a metric that says so", time(unknown)) : ""));
}

Json json_of(const hpa::Condition& condition) {
  return {{"status", condition.is_true}, {"reason", condition.reason}, {"message", condition.message}};
}

Json usage_of(const hpa::Metric& metric, const Result<hpa::Proposal>& proposal) {
  if (!proposal.ok()) return nullptr;
  if (metric.target == hpa::Metric::Target::utilization) return proposal->usage;
  return static_cast<double>(proposal->usage) / 1000;
}

Line cells_of(const hpa::Simulation& simulation, const hpa::Round& round) {
  return {{fmt::format("{:>7}  {}", format_duration(round.at), explain(round.decision)), tone_of(round)},
          fmt::format("{:.1f}", round.load),
          targets_text(simulation, round),
          fmt::format("{}", round.ready),
          {replicas_text(round), tone_of(round)}};
}

/// Without squares: without the column of pods, so that there is room for why.
TextTable table_of(const hpa::Simulation& simulation, const std::vector<hpa::Round>& rounds, bool all, int squares) {
  const int most = most_pods(rounds), each = squares > 0 ? (most + squares - 1) / squares : 0;
  Line header = {fmt::format("{:>7}  why", "time"), "load", "targets", "ready", "replicas"};
  if (each > 0) header.push_back(each > 1 ? fmt::format("pods, ■ {}", each) : "pods");
  TextTable table(std::move(header));
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const hpa::Round& round = rounds[i];
    if (!all && i > 0 && i + 1 < rounds.size() && !shows_news(round, rounds[i - 1])) continue;
    Line cells = cells_of(simulation, round);
    if (each > 0) cells.push_back(pad_right(pods_bar(round, each), static_cast<std::size_t>(std::min(most, squares))));
    table.row(std::move(cells));
  }
  return table;
}

}  // namespace

std::string render_rounds(const hpa::Simulation& simulation, const std::vector<hpa::Round>& rounds, bool all,
                          const ConsoleStyle& style) {
  const auto width = static_cast<std::size_t>(style.width);
  Page page(width, style.color);
  TextTable table = table_of(simulation, rounds, all, kMostSquares);
  for (const int squares : {kFewSquares, 0}) {
    if (table.width(0, kGap) > width) table = table_of(simulation, rounds, all, squares);
  }
  table.print(page, 0, kGap);
  print_outcome(page, simulation, rounds);
  return page.text();
}

std::string render_rounds_json(const hpa::Simulation& simulation, const std::vector<hpa::Round>& rounds) {
  Json all = Json::array();
  for (const hpa::Round& round : rounds) {
    Json usages = Json::array();
    for (std::size_t i = 0; i < round.decision.proposals.size(); ++i) {
      usages.push_back(usage_of(simulation.spec.metrics[i], round.decision.proposals[i]));
    }
    all.push_back({{"at", to_seconds(round.at)},
                   {"load", round.load},
                   {"replicas", round.replicas},
                   {"ready", round.ready},
                   {"desired", round.decision.desired},
                   {"usage", std::move(usages)},
                   {"cause", round.decision.cause},
                   {"able_to_scale", json_of(round.decision.able_to_scale)},
                   {"scaling_active", json_of(round.decision.scaling_active)},
                   {"scaling_limited", json_of(round.decision.scaling_limited)}});
  }
  Json metrics = Json::array();
  for (const hpa::Metric& metric : simulation.spec.metrics) metrics.push_back(hpa::describe(metric));
  return Json{{"metrics", std::move(metrics)}, {"rounds", std::move(all)}}.dump(2) + "\n";
}

}  // namespace lgen::cli
