// Prometheus' text format 0.0.4, written: one family after another, its series below it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "lgen/export.h"
#include "lgen/text.h"

namespace lgen {
namespace {

constexpr std::string_view kPrefix = "lgen_";

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

/// `text` with the characters that end a line or a value escaped.
std::string escaped(std::string_view text, bool in_quotes) {
  std::string out;
  for (const char c : valid_utf8(text)) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (in_quotes && c == '"')) out += '\\';
      out += c;
    }
  }
  return out;
}

/// Tags may have names that Prometheus has not, or keeps for itself.
std::string label_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
    out += letter ? c : '_';
  }
  if (out.empty() || (out[0] >= '0' && out[0] <= '9')) out.insert(0, "_");
  const bool taken = out == "le" || out == "quantile" || out.starts_with("__");
  return taken ? "exported_" + out : out;
}

std::string label_list(const Labels& labels) {
  std::string out;
  std::set<std::string> names;
  for (const auto& [name, value] : labels) {
    const std::string clean = label_name(name);
    if (!names.insert(clean).second) continue;  // two tags that differ only in what Prometheus does not take
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", clean, escaped(value, true));
  }
  return out;
}

class PrometheusPage {
 public:
  /// Opens a family; two metrics of a plan never share one.
  void family(std::string name, std::string_view type, std::string_view help) {
    while (!names_.insert(name).second) name += '_';
    name_ = std::move(name);
    const std::string_view words = help.empty() ? "A metric of the plan." : help;
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, escaped(words, false), name_, type);
  }
  /// `suffix` "_bucket" ...; `labels` and `more` without braces.
  void sample(std::string_view suffix, const std::string& labels, std::string_view value, std::string_view more = {}) {
    out_ += name_;
    out_ += suffix;
    if (!labels.empty() || !more.empty()) {
      out_ += fmt::format("{{{}{}{}}}", labels, labels.empty() || more.empty() ? "" : ",", more);
    }
    out_ += fmt::format(" {}\n", value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_, name_;
  std::set<std::string> names_;
};

void put_run(PrometheusPage& page, const ExportedRun& exported) {
  const RunInfo& run = exported.run;
  page.family("lgen_run_info", "gauge", "What runs; always 1.");
  page.sample("", label_list(make_labels({{"plan", run.plan}, {"target", run.target}, {"version", run.lgen_version}})),
              "1");
  page.family("lgen_run_finished", "gauge", "1 when the run is over and the figures are final.");
  page.sample("", "", exported.finished ? "1" : "0");
}

void put_histogram(PrometheusPage& page, const MetricSnapshot& metric, const SeriesSnapshot& series) {
  if (!series.histogram) return;
  const Histogram& histogram = *series.histogram;
  const std::string labels = label_list(series.labels);
  const auto bounds = export_bounds(metric.spec);
  const std::vector<std::uint64_t> counts = cumulative_counts(histogram, bounds);
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const double bound = metric.in_unit(static_cast<double>(bounds[i]));
    page.sample("_bucket", labels, std::to_string(counts[i]), fmt::format("le=\"{}\"", bound));
  }
  page.sample("_bucket", labels, std::to_string(histogram.count()), "le=\"+Inf\"");
  page.sample("_sum", labels, number(metric.in_unit(histogram.sum())));
  page.sample("_count", labels, std::to_string(histogram.count()));
}

std::string counter_name(const std::string& name) { return name.ends_with("_total") ? name : name + "_total"; }

void put_rate(PrometheusPage& page, const MetricSnapshot& metric, const std::string& name) {
  page.family(counter_name(name), "counter", rate_help(metric.spec, false));
  for (const SeriesSnapshot& series : metric.series) {
    page.sample("", label_list(series.labels), std::to_string(series.count));
  }
  page.family(name + "_hits_total", "counter", rate_help(metric.spec, true));
  for (const SeriesSnapshot& series : metric.series) {
    page.sample("", label_list(series.labels), std::to_string(series.hits));
  }
}

void put_metric(PrometheusPage& page, const MetricSnapshot& metric) {
  const std::string name = std::string(kPrefix) + metric.spec.name;
  switch (metric.spec.type) {
    case MetricType::counter:
      page.family(counter_name(name), "counter", metric.spec.help);
      for (const SeriesSnapshot& s : metric.series) page.sample("", label_list(s.labels), number(s.value));
      return;
    case MetricType::gauge:
      page.family(name, "gauge", metric.spec.help);
      for (const SeriesSnapshot& s : metric.series) page.sample("", label_list(s.labels), number(s.value));
      return;
    case MetricType::rate:
      return put_rate(page, metric, name);
    case MetricType::histogram:
      page.family(name, "histogram", metric.spec.help);
      for (const SeriesSnapshot& s : metric.series) put_histogram(page, metric, s);
      return;
  }
}

}  // namespace

std::string rate_help(const MetricSpec& spec, bool hits) {
  const std::string_view help = spec.help.empty() ? std::string_view(spec.name) : std::string_view(spec.help);
  return fmt::format("{} of: {}", hits ? "True samples" : "All samples, true or not,", help);
}

std::string render_prometheus(const Snapshot& snapshot, const ExportedRun& run) {
  PrometheusPage page;
  put_run(page, run);
  for (const MetricSnapshot& metric : snapshot.metrics) {
    if (!metric.series.empty() && !metric.spec.scraped) put_metric(page, metric);
  }
  return page.take();
}

}  // namespace lgen
