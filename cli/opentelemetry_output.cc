// --out opentelemetry: the metrics of the run, pushed to a receiver every few seconds and once more at the end.
#include <fmt/format.h>

#include "lgen/otlp.h"
#include "live_outputs.h"

namespace lgen::cli {
namespace {

constexpr Duration kSlack = std::chrono::milliseconds(500);  // ticks come about once a second

class OpenTelemetryOutput final : public LiveOutput {
 public:
  OpenTelemetryOutput(Loop& loop, std::string url, Duration interval)
      : push_(loop, {.url = std::move(url)}), interval_(interval) {}

  void begin(const RunView& view) override {
    std::vector<std::pair<std::string, std::string>> tags(view.tags.begin(), view.tags.end());
    for (auto& [key, value] : tags) view.redactor.clean(value);
    push_.begin(view.run, std::move(tags));
  }
  void tick(const RunSecond& second) override {
    elapsed_ = second.to;
    if (elapsed_ - pushed_ + kSlack < interval_) return;
    pushed_ = elapsed_;
    push_.push(second.metrics, elapsed_);
  }
  void deliver(const Summary& summary) override { push_.push_last(summary.metrics, elapsed_); }
  bool busy() const override { return push_.under_way(); }
  Outcome finish(const Summary&) override { return push_.result(); }

 private:
  OtlpPush push_;
  const Duration interval_;
  Duration elapsed_{0}, pushed_{0};
};

}  // namespace

const OutputKey kOtlpKeys[1] = {{"interval", "TIME", "push that often, 1s to 10s; 5s unless said"}};

Result<std::unique_ptr<LiveOutput>> open_opentelemetry(const OutputRequest& request, const OutputMeans& means) {
  using std::chrono::seconds;
  const auto interval = time_key(request, "interval", seconds(5), seconds(1), seconds(10));
  if (!interval) return interval.error();
  auto url = OtlpPush::endpoint(request.where);
  if (!url) return make_error(url.error().code, "--out opentelemetry: " + url.error().message);
  return std::unique_ptr<LiveOutput>(std::make_unique<OpenTelemetryOutput>(means.loop, std::move(*url), *interval));
}

}  // namespace lgen::cli
