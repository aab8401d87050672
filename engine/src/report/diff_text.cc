// A comparison for the terminal and as JSON.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "figures.h"
#include "json_text.h"
#include "lgen/diff.h"
#include "lgen/text.h"
#include "lgen/units.h"
#include "names.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

Tone tone_of(DiffVerdict verdict) {
  switch (verdict) {
    case DiffVerdict::better:
      return Tone::good;
    case DiffVerdict::worse:
      return Tone::bad;
    case DiffVerdict::changed:
      return Tone::warn;
    case DiffVerdict::same:
      return Tone::plain;
    case DiffVerdict::too_few:
      return Tone::dim;
  }
  return Tone::plain;
}

std::string value_text(const DiffRow& row, double value) {
  if (row.kind == DiffRow::Kind::share) return fmt::format("{:.3g}%", 100 * value);
  if (row.kind == DiffRow::Kind::rate) return brief_value(value, "");
  return brief_value(value, row.unit);
}

/// "+12.3%"; of a share "+1.23pp", percentage points.
std::string change_text(const DiffRow& row, double change) {
  if (std::isinf(change)) return "new";
  const std::string_view unit = row.kind == DiffRow::Kind::share ? "pp" : "%";
  const double percent = 100 * change;
  if (percent >= 99'850) return "over 1000x";
  if (std::fabs(percent) >= 999.5) return fmt::format("{:+.3g}x", change + 1);
  return fmt::format("{:+.{}f}{}", percent, std::fabs(percent) < 9.95 ? 2 : 1, unit);
}

std::string title_of_row(const DiffRow& row) {
  std::string text = row.metric;
  for (const auto& [name, value] : row.labels) text += fmt::format(" {}={}", name, value);
  return text;
}

void print_run_line(Page& page, std::string_view which, const std::string& file, const RunInfo& run) {
  page.item({Span(fmt::format("  {}  ", which), Tone::bold)},
            fmt::format("{}: {}, {}, exit code {}", file, run.plan_name.empty() ? run.plan : run.plan_name,
                        format_duration(from_seconds(run.duration)), run.exit_code));
}

void print_rows(Page& page, const Diff& diff) {
  TextTable table({Span("", Tone::dim), Span("A", Tone::dim), Span("B", Tone::dim), Span("change", Tone::dim),
                   Span(fmt::format("{:g}% interval", 100 * diff.settings.confidence), Tone::dim),
                   Span("verdict", Tone::dim)});
  std::string title;
  for (const DiffRow& row : diff.rows) {
    if (const std::string of_row = title_of_row(row); of_row != title) table.title(Span(title = of_row, Tone::bold));
    table.row({Span("  " + row.stat), Span(value_text(row, row.a)), Span(value_text(row, row.b)),
               Span(change_text(row, row.change)),
               Span(fmt::format("{} … {}", change_text(row, row.low), change_text(row, row.high)), Tone::dim),
               Span(row.verdict == DiffVerdict::too_few ? "too few" : std::string(to_string(row.verdict)),
                    tone_of(row.verdict))});
  }
  table.print(page, 2);
}

void print_list(Page& page, std::string_view heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  page.heading(heading);
  for (const std::string& line : lines) page.item({Span("  - ")}, line);
}

/// "2 worse, 1 better, 9 same (less than 5% counts as same)".
std::string tally(const Diff& diff) {
  std::string text;
  for (const DiffVerdict verdict :
       {DiffVerdict::worse, DiffVerdict::better, DiffVerdict::changed, DiffVerdict::same, DiffVerdict::too_few}) {
    const auto n =
        std::count_if(diff.rows.begin(), diff.rows.end(), [&](const DiffRow& row) { return row.verdict == verdict; });
    if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, to_string(verdict));
  }
  if (text.empty()) return "nothing to compare: no metric of one run has the same labels in the other";
  if (!diff.only_a.empty()) text += fmt::format(", {} only in A", diff.only_a.size());
  if (!diff.only_b.empty()) text += fmt::format(", {} only in B", diff.only_b.size());
  return fmt::format("{} (less than {:g}% counts as same)", text, 100 * diff.settings.min_effect);
}

/// What stands before the tally; "" when the figures count.
std::string why_it_does_not_count(const Diff& diff) {
  if (diff.counts()) return "";
  return fmt::format("the generator of {} was INVALID, so nothing is proven (--validity warn excuses it): ",
                     fmt::join(diff.invalid, " and of "));
}

Json run_json(const std::string& file, const RunInfo& run) {
  return {{"file", file},
          {"plan", run.plan},
          {"sha256", run.plan_sha256},
          {"target", run.target},
          {"started_unix", run.started_unix},
          {"duration", run.duration},
          {"exit_code", run.exit_code}};
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json row_json(const DiffRow& row) {
  constexpr std::string_view kKinds[] = {"value", "rate", "share"};
  Json labels = Json::object();
  for (const auto& [name, value] : row.labels) labels[name] = value;
  return {{"metric", row.metric},
          {"labels", std::move(labels)},
          {"stat", row.stat},
          {"kind", std::string(kKinds[static_cast<int>(row.kind)])},
          {"unit", row.unit},
          {"a", number(row.a)},
          {"b", number(row.b)},
          {"samples_a", row.samples_a},
          {"samples_b", row.samples_b},
          {"change", number(row.change)},
          {"low", number(row.low)},
          {"high", number(row.high)},
          {"verdict", std::string(to_string(row.verdict))}};
}

}  // namespace

std::string render_diff(const Diff& diff, const Summary& a, const Summary& b, const std::string& name_a,
                        const std::string& name_b, const ConsoleStyle& style) {
  Page page(static_cast<std::size_t>(style.width), style.color);
  page.line({Span("DIFF", Tone::bold), Span(" from A to B", Tone::dim)});
  print_run_line(page, "A", name_a, a.run);
  print_run_line(page, "B", name_b, b.run);
  print_list(page, "NOT THE SAME IN BOTH", diff.warnings);
  if (!diff.rows.empty()) {
    page.line({});
    print_rows(page, diff);
  }
  print_list(page, "ONLY IN A", diff.only_a);
  print_list(page, "ONLY IN B", diff.only_b);
  page.line({});
  const bool bad = diff.rows.empty() || diff.any(DiffVerdict::worse) || !diff.counts();
  page.item({Span(bad ? "✗ " : "✓ ", bad ? Tone::bad : Tone::good)}, why_it_does_not_count(diff) + tally(diff),
            Tone::bold);
  return page.text();
}

std::string render_diff_json(const Diff& diff, const Summary& a, const Summary& b, const std::string& name_a,
                             const std::string& name_b) {
  Json document = {{"schema", std::string(kDiffSchema)},
                   {"a", run_json(name_a, a.run)},
                   {"b", run_json(name_b, b.run)},
                   {"min_effect", diff.settings.min_effect},
                   {"confidence", diff.settings.confidence},
                   {"replicates", diff.settings.replicates},
                   {"seed", diff.settings.seed},
                   {"worse", diff.any(DiffVerdict::worse)},
                   {"invalid", diff.invalid},
                   {"warnings", diff.warnings},
                   {"only_a", diff.only_a},
                   {"only_b", diff.only_b},
                   {"rows", Json::array()}};
  for (const DiffRow& row : diff.rows) document["rows"].push_back(row_json(row));
  return json_text(document);
}

}  // namespace lgen
