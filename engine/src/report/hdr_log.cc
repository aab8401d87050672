#include <fmt/format.h>

#include "figures.h"
#include "lgen/run_log.h"

namespace lgen {
namespace {

/// Readers split at commas; ours at the other signs. None has to know the escapes to tell tags apart.
std::string escaped(std::string_view text) {
  constexpr std::string_view kSigns = "%,;={} ";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte > 0x20 && byte != 0x7f && kSigns.find(c) == std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

std::string tag_of(const MetricSpec& spec, const Labels& labels) {
  std::string tag = escaped(spec.name);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    tag += fmt::format("{}{}={}", i == 0 ? '{' : ';', escaped(labels[i].first), escaped(labels[i].second));
  }
  return labels.empty() ? tag : tag + '}';
}

/// HDR logs are used to milliseconds in this column.
double shown_max(const MetricSnapshot& metric, const Histogram& histogram) {
  const double max = metric.in_unit(static_cast<double>(histogram.max()));
  return metric.spec.unit == "s" ? max * 1e3 : max;
}

}  // namespace

std::string hdr_log_header(const RunInfo& run) {
  return fmt::format(
      "#[Logged by lgen {}]\n"
      "#[Values of metrics in seconds are microseconds, Interval_Max is milliseconds; others are ticks of the metric]\n"
      "#[Histogram log format version 1.3]\n"
      "#[StartTime: {:.3f} (seconds since epoch), {}]\n"
      "#[BaseTime: {:.3f} (seconds since epoch)]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
      run.lgen_version, run.started_unix, utc_text(run.started_unix, "%a %b %d %H:%M:%S UTC %Y"), run.started_unix);
}

std::string hdr_log_second(Duration from, Duration to, const Snapshot& change) {
  std::string lines;
  for (const MetricSnapshot& metric : change.metrics) {
    for (const SeriesSnapshot& series : metric.series) {
      if (!series.histogram || series.histogram->count() == 0) continue;
      lines +=
          fmt::format("Tag={},{:.3f},{:.3f},{:.3f},{}\n", tag_of(metric.spec, series.labels), to_seconds(from),
                      to_seconds(to - from), shown_max(metric, *series.histogram), series.histogram->encode_base64());
    }
  }
  return lines;
}

}  // namespace lgen
