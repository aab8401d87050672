// --out dashboard: a page that follows the run.
#include "closing_server.h"
#include "lgen/dashboard.h"
#include "live_outputs.h"

namespace lgen::cli {
namespace {

class DashboardOutput final : public LiveOutput {
 public:
  DashboardOutput(Loop& loop, Duration linger) : linger_(linger), server_(loop), dashboard_(loop, server_.http()) {}
  Outcome listen(const std::string& address) { return server_.http().listen(address); }

  void begin(const RunView& view) override {
    dashboard_.begin(view.so_far);
    const std::string url = server_.http().url();
    announce("dashboard", url.empty() ? server_.http().address() : url);
  }
  void tick(const RunSecond&) override { dashboard_.tick(); }
  Outcome finish(const Summary&) override { return Done{}; }
  /// The page's last words are the report's: what the other outputs have lost is among them.
  void linger(const Summary& summary) override {
    dashboard_.end(summary);
    server_.linger(linger_);
  }
  bool busy() const override { return server_.busy(); }

 private:
  const Duration linger_;
  ClosingServer server_;
  Dashboard dashboard_;
};

}  // namespace

const OutputKey kDashboardKeys[1] = {{"linger", "TIME", "stay that long after the run, or until Ctrl-C"}};

Result<std::unique_ptr<LiveOutput>> open_dashboard(const OutputRequest& request, const OutputMeans& means) {
  return open_listening<DashboardOutput>(request, means);
}

}  // namespace lgen::cli
