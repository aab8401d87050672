// --out prometheus: the metrics of the run for Prometheus to scrape.
#include <fmt/format.h>

#include "closing_server.h"
#include "lgen/export.h"
#include "live_outputs.h"

namespace lgen::cli {
namespace {

class PrometheusOutput final : public LiveOutput {
 public:
  PrometheusOutput(Loop& loop, Duration linger) : linger_(linger), server_(loop) {
    server_.http().on("GET", "/metrics", [this](const HttpQuestion& ask, HttpReply& reply) { answer(ask, reply); });
    server_.http().on("GET", "/", [](const HttpQuestion&, HttpReply& reply) {
      reply.send({.body = "lgen: the metrics are at /metrics\n"});
    });
  }
  Outcome listen(const std::string& address) { return server_.http().listen(address); }

  void begin(const RunView& view) override {
    metrics_ = &view.metrics;
    redactor_ = &view.redactor;
    run_ = view.run;
    const std::string url = server_.http().url();
    announce("metrics for Prometheus", url.empty() ? server_.http().address() : url + "/metrics");
  }
  void tick(const RunSecond&) override {}
  Outcome finish(const Summary& summary) override {
    final_ = render_prometheus(summary.metrics, {run_, true});
    metrics_ = nullptr;
    return Done{};
  }
  void linger(const Summary&) override { server_.linger(linger_); }
  bool busy() const override { return server_.busy(); }

 private:
  void answer(const HttpQuestion& ask, HttpReply& reply) {
    if (!metrics_ && final_.empty()) return reply.send({.status = 503, .body = "the run has not begun\n"});
    const std::string page = metrics_ ? page_now() : final_;
    reply.send({.body = page, .content_type = std::string(kPrometheusContentType)});
    if (!metrics_ && ask.method == "GET") server_.leave();
  }

  std::string page_now() const {
    Snapshot snapshot = metrics_->snapshot();
    redactor_->clean(snapshot);
    return render_prometheus(snapshot, {run_, false});
  }

  const Duration linger_;
  RunInfo run_;
  Metrics* metrics_ = nullptr;  // while the run goes on
  const Redactor* redactor_ = nullptr;
  std::string final_;
  ClosingServer server_;
};

}  // namespace

const OutputKey kPrometheusKeys[1] = {{"linger", "TIME", "stay for one scrape after the run, at most that long"}};

Result<std::unique_ptr<LiveOutput>> open_prometheus(const OutputRequest& request, const OutputMeans& means) {
  return open_listening<PrometheusOutput>(request, means);
}

}  // namespace lgen::cli
