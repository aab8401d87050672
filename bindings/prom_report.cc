// What the report says of metrics pages that could not be read, and of thresholds on what they would have said.
#include "prom_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "host.h"
#include "mod_prom.h"
#include "threshold_load.h"

namespace lgen::lua {
namespace {

constexpr std::size_t kMostPods = 3;  // told by name, of one target

using Book = std::pair<const std::string, PodBook>;

bool is_whole(const Book& book) { return book.second.read == book.second.asked; }

/// "pod X: 0 of 12 pages read; the first failure: …".
std::string pod_note(const std::string& target, const Book& book) {
  const auto& [pod, pages] = book;
  return fmt::format("scrape target '{}': pod {}: {} of {} {} read; the first failure: {}", target, pod, pages.read,
                     pages.asked, pages.asked == 1 ? "page" : "pages", pages.first_failure);
}

void note_pods(const ScrapeTarget& target, std::vector<std::string>& notes) {
  std::size_t lacking = 0;
  for (const Book& book : target.books()) {
    if (!is_whole(book) && ++lacking <= kMostPods) notes.push_back(pod_note(target.name(), book));
  }
  if (lacking > kMostPods) {
    notes.push_back(fmt::format("scrape target '{}': pages of {} more pods could not be read at times", target.name(),
                                lacking - kMostPods));
  }
}

void note_target(const ScrapeTarget& target, std::vector<std::string>& notes) {
  if (!target.first_trouble().empty()) {
    notes.push_back(
        fmt::format("scrape target '{}': who its pods are could not be asked at times; the first failure: {}",
                    target.name(), target.first_trouble()));
  }
  if (!target.latest()) {
    notes.push_back(
        fmt::format("scrape target '{}': no page was read: none had come whole when the run ended", target.name()));
  }
  if (const auto& cut = target.cut(); !cut.empty()) {
    notes.push_back(
        fmt::format("scrape target '{}': {} series were kept, and those of {}{} are not all there; name "
                    "what is needed: metrics = {{ … }}",
                    target.name(), kMostScrapedSeries, cut.front(),
                    cut.size() > 1 ? fmt::format(" and {} other metrics", cut.size() - 1) : ""));
  }
  note_pods(target, notes);
}

bool lacks_series(const ScrapeTarget& target, std::string_view metric) {
  return std::find(target.cut().begin(), target.cut().end(), metric) != target.cut().end();
}

/// Pods a threshold is about, and those of them whose page was ever read.
struct Judged {
  std::size_t all = 0, read = 0;
  std::string first_silent;
};

void count_pods(const ScrapeTarget& target, std::string_view pod, Judged& judged) {
  for (const auto& [name, book] : target.books()) {
    if (!pod.empty() && pod != name) continue;
    ++judged.all;
    if (book.read > 0) {
      ++judged.read;
    } else if (judged.first_silent.empty()) {
      judged.first_silent = name;
    }
  }
}

/// Whose pages a threshold is about.
bool is_meant(const ScrapeTarget& target, const Threshold& threshold) {
  const std::string_view wanted = label_value(threshold, "target");
  if (!wanted.empty() && wanted != target.name()) return false;
  return threshold.metric == "scrape_duration_seconds" || target.records(threshold.metric);
}

void lacks(ThresholdResult& result, bool for_good, const std::string& what) {
  result.ok = for_good;
  if (for_good) {
    result.why = what;
  } else {
    result.why = (result.why.empty() ? "not judged: " : result.why + "; ") + what;
  }
}

}  // namespace

std::string silent_pods(const ScrapeTarget& target) {
  const SamplePtr sample = target.latest();
  if (!sample) return "";
  if (const auto error = sample->error()) {
    return fmt::format("scrape target '{}' has no page yet: {}", target.name(), error->message);
  }
  const auto silent = std::find_if(sample->pods.begin(), sample->pods.end(), [](const PodPage& p) { return !p.page; });
  if (silent == sample->pods.end()) return "";
  return fmt::format("scrape target '{}' has no page of {} of its {} pods yet; the first, {}: {}", target.name(),
                     sample->down(), sample->pods.size(), silent->pod, silent->error->message);
}

void PromState::fill(Summary& summary) const {
  if (host.input.purpose != PlanPurpose::run) return;
  for (const auto& target : targets) {
    note_target(*target, summary.run.notes);
    const bool given_up = std::find(without_last_.begin(), without_last_.end(), target.get()) != without_last_.end();
    if (!given_up || !target->latest()) continue;
    summary.run.notes.push_back(
        fmt::format("scrape target '{}': its last page did not come in time and was given up; "
                    "what happened behind the one before it is missing",
                    target->name()));
  }
}

void PromState::look() {
  for (const auto& target : targets) {
    Sight& sight = sights_[target.get()];
    const SamplePtr sample = target->latest();
    const bool there = sample && sample->up() > 0;
    sight.whole = there && sight.now;
    sight.now = there;
  }
}

bool PromState::sees(const Threshold& threshold) const {
  if (threshold.metric == "up" || threshold.metric == "scrape_duration_seconds") return true;
  bool any = false, sees = false;
  for (const auto& target : targets) {
    if (!is_meant(*target, threshold)) continue;
    const auto sight = sights_.find(target.get());
    any = true;
    sees = sees || sight == sights_.end() || sight->second.whole;
  }
  return sees || !any;
}

void PromState::qualify(const Threshold& threshold, ThresholdResult& result) const {
  if (host.input.purpose != PlanPurpose::run || threshold.metric == "up") return;
  const std::string_view pod = label_value(threshold, "pod");
  Judged judged;
  const ScrapeTarget* cut = nullptr;
  for (const auto& target : targets) {
    if (!is_meant(*target, threshold)) continue;
    count_pods(*target, pod, judged);
    if (lacks_series(*target, threshold.metric)) cut = target.get();
  }
  if (judged.all == 0 && !pod.empty()) return;  // that there is no such pod has been said
  const bool for_good =
      holds_for_good(result, threshold.expression, host.metrics.spec(*host.metrics.find(threshold.metric)).type);
  if (judged.read == 0) {
    result.ok = false;
    result.why = "not judged: no page of its scrape target was ever read";
  } else if (cut != nullptr) {
    lacks(result, for_good,
          fmt::format("some of its series are missing, scrape target '{}' has more than {}", cut->name(),
                      kMostScrapedSeries));
  } else if (judged.read < judged.all) {
    lacks(
        result, for_good,
        fmt::format("{} of {} pods judged, no page of {} was ever read", judged.read, judged.all, judged.first_silent));
  }
}

}  // namespace lgen::lua
