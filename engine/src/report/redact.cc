// Walks the same description of a Summary as the JSON writer and reader, so that no text can be forgotten.
//
// A plan's data may hold a million secrets. So it is not each secret that is searched for in a text, but each piece of
// the text, of the lengths that secrets have, that is looked up among them; a table of the first two bytes spares most
// of these. Lengths are few, because of long secrets only the beginning counts.
#include "lgen/redact.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "json_fields.h"

namespace lgen {
namespace {

constexpr std::size_t kShortest = 4;
constexpr std::string_view kHidden = "***";

std::size_t pair_at(std::string_view text, std::size_t at) {
  return (static_cast<std::size_t>(static_cast<unsigned char>(text[at])) << 8) |
         static_cast<unsigned char>(text[at + 1]);
}

/// Adds up those that have become the same: a row for each secret would tell how many there are.
template <class T, class Same, class Add>
void merge(std::vector<T>& all, Same same, Add add) {
  std::vector<T> merged;
  for (T& one : all) {
    const auto at = std::find_if(merged.begin(), merged.end(), [&](const T& other) { return same(one, other); });
    at == merged.end() ? merged.push_back(std::move(one)) : add(*at, one);
  }
  all = std::move(merged);
}

void merge_errors(std::vector<ErrorSample>& errors) {
  const auto key = [](const ErrorSample& e) { return std::tie(e.code, e.message, e.where, e.backend); };
  merge(
      errors, [&](const auto& a, const auto& b) { return key(a) == key(b); },
      [](ErrorSample& to, const ErrorSample& from) {
        to.count += from.count;
        to.warmup += from.warmup;
        to.first_at = std::min(to.first_at, from.first_at);
        to.last_at = std::max(to.last_at, from.last_at);
      });
}

void merge_checks(std::vector<CheckResult>& checks) {
  merge(
      checks, [](const auto& a, const auto& b) { return a.name == b.name; },
      [](CheckResult& to, const CheckResult& from) {
        to.passes += from.passes;
        to.fails += from.fails;
        to.warmup_passes += from.warmup_passes;
        to.warmup_fails += from.warmup_fails;
        if (to.first_failure.empty()) to.first_failure = from.first_failure;
      });
}

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

Redactor::Redactor(const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) add(secret);
}

bool Redactor::add(std::string_view secret) {
  if (secret.size() < kShortest) return false;
  const std::string_view begin = secret.substr(0, kLongest);
  if (secret.size() > kLongest && !beginnings_.contains(begin)) beginnings_.emplace(begin);
  if (values_.contains(begin)) return false;
  values_.emplace(begin);
  lengths_.insert(begin.size());
  pairs_.resize(1 << 16);
  pairs_[pair_at(begin, 0)] = true;
  return true;
}

/// Bytes to hide at `from`, the longest secret first; 0: none begins there.
std::size_t Redactor::length_at(std::string_view text, std::size_t from) const {
  if (from + kShortest > text.size() || !pairs_[pair_at(text, from)]) return 0;
  for (const std::size_t length : lengths_) {
    const std::string_view piece = text.substr(from, length);
    if (piece.size() < length || !values_.contains(piece)) continue;
    return beginnings_.contains(piece) ? text.size() - from : length;
  }
  return 0;
}

void Redactor::clean(std::string& text) const {
  if (empty()) return;
  std::string cleaned;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t hidden = length_at(text, at);
    if (hidden == 0) {
      cleaned += text[at++];
    } else {
      cleaned += kHidden;
      at += hidden;
    }
  }
  text = std::move(cleaned);
}

void Redactor::clean(RunInfo& run) const {
  if (!empty()) Walker(*this).walk(run);
}

void Redactor::clean(EventRecord& event) const {
  if (!empty()) Walker(*this).walk(event);
}

void Redactor::clean(Snapshot& metrics) const {
  if (!empty()) Walker(*this).walk(metrics);
}

void Redactor::clean(Summary& summary) const {
  if (empty()) return;
  Walker(*this).walk(summary);
  merge_errors(summary.errors);
  merge_checks(summary.checks);
}

}  // namespace lgen
