#include "run_outputs.h"

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "commands.h"
#include "lgen/log.h"
#include "lgen/report.h"
#include "terminal.h"

namespace lgen::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

/// Tells what went wrong; false: something did.
bool went_well(const Outcome& outcome) {
  if (!outcome) complain(outcome.error().message);
  return outcome.ok();
}

}  // namespace

Result<RunOutputs> RunOutputs::open(Loop& loop, std::span<const std::string> texts, StdoutLoan& loan) {
  auto requests = parse_outputs(texts);
  if (!requests) return requests.error();
  RunOutputs outputs(loop);
  outputs.takes_stdout_ = cli::takes_stdout(*requests);
  if (outputs.takes_stdout_) loan.take();
  for (OutputRequest& request : *requests) {
    if (request.format->render) {
      if (const Outcome ok = check_writable(request.where); !ok) return ok.error();
      outputs.rendered_.push_back(std::move(request));
      continue;
    }
    auto live = request.format->open(request, {loop, loan.real_stdout()});
    if (!live) return live.error();
    outputs.live_.push_back(std::move(*live));
  }
  return outputs;
}

void RunOutputs::begin(const RunView& view) {
  metrics_ = &view.metrics;
  redactor_ = &view.redactor;
  for (const auto& output : live_) output->begin(view);
}

void RunOutputs::tick(Duration elapsed) {
  if (live_.empty()) return;
  Snapshot now = metrics_->snapshot();
  redactor_->clean(now);
  const Snapshot change = now.since(before_);
  for (const auto& output : live_) output->tick({ticked_, elapsed, now, change});
  before_ = std::move(now);
  ticked_ = elapsed;
}

void RunOutputs::failure(const Failure& failure) {
  for (const auto& output : live_) output->failure(failure);
}

void RunOutputs::run_while_busy() {
  const auto busy = [this] { return std::any_of(live_.begin(), live_.end(), [](const auto& o) { return o->busy(); }); };
  bool leave = false;
  for (const int signal : kSignals) loop_->on_signal(signal, [&](int) { leave = true; });
  if (busy()) loop_->run_until([&] { return leave || !busy(); });
  for (const int signal : kSignals) loop_->on_signal(signal, {});
}

void RunOutputs::deliver(const Summary& summary) {
  for (const auto& output : live_) output->deliver(summary);
  run_while_busy();
}

bool RunOutputs::finish_live(Summary& summary) {
  bool all = true;
  for (const auto& output : live_) {
    const Outcome finished = output->finish(summary);
    if (!finished) summary.run.notes.push_back(finished.error().message);
    all = went_well(finished) && all;
  }
  return all;
}

void RunOutputs::linger() {
  for (const auto& output : live_) output->linger();
  run_while_busy();
  live_.clear();
}

bool RunOutputs::write(const Summary& summary, bool no_color, StdoutLoan& loan) {
  std::fflush(stdout);  // what the plan has printed stands above the report
  loan.give_back();
  bool all = true;
  const std::string report = render_console(summary, console_style(no_color));
  if (takes_stdout_) {
    write_stderr(report);
  } else {
    all = went_well(write_file("-", report));
  }
  for (const OutputRequest& output : rendered_) {
    all = went_well(write_file(output.where, output.format->render(summary))) && all;
  }
  return went_well(log_outcome()) && all;
}

}  // namespace lgen::cli
