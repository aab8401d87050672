// Walks the same description of a Summary as the JSON writer and reader, so that no text can be forgotten.
#include "lgen/redact.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "json_fields.h"

namespace lgen {
namespace {

constexpr std::size_t kShortest = 4;
constexpr std::string_view kHidden = "***";

class Walker {
 public:
  explicit Walker(const Redactor& redactor) : redactor_(redactor) {}

  template <class T>
  void operator()(const char*, T& value) {
    walk(value);
  }
  template <class T>
  void later(const char*, T& value) {
    walk(value);
  }

  void walk(std::string& text) { redactor_.clean(text); }
  void walk(Scalar& value) {
    if (auto* text = std::get_if<std::string>(&value)) walk(*text);
  }
  void walk(Snapshot& snapshot) {
    for (MetricSnapshot& metric : snapshot.metrics) {
      for (SeriesSnapshot& series : metric.series) walk(series.labels);
    }
  }
  /// Names of labels and fields are the plan's; what they hold may come from anywhere.
  template <class T>
  void walk(std::pair<std::string, T>& member) {
    walk(member.second);
  }
  template <class T>
  void walk(std::vector<T>& values) {
    for (T& value : values) walk(value);
  }
  void walk(std::vector<TimelinePoint>&) {}
  template <class T>
  void walk(T& value) {
    if constexpr (requires(Walker & io) { fields(io, value); }) fields(*this, value);
  }

 private:
  const Redactor& redactor_;
};

}  // namespace

Redactor::Redactor(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const std::string& secret) { return secret.size() < kShortest; });
  std::sort(secrets_.begin(), secrets_.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

void Redactor::clean(std::string& text) const {
  for (const std::string& secret : secrets_) {
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += kHidden.size()) {
      text.replace(at, secret.size(), kHidden);
    }
  }
}

void Redactor::clean(RunInfo& run) const {
  if (!empty()) Walker(*this).walk(run);
}

void Redactor::clean(Snapshot& metrics) const {
  if (!empty()) Walker(*this).walk(metrics);
}

void Redactor::clean(Summary& summary) const {
  if (!empty()) Walker(*this).walk(summary);
}

}  // namespace lgen
