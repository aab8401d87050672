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

/// Counts an output that is not whole.
void note(const Outcome& written, RunInfo& run) {
  if (went_well(written)) return;
  ++run.outputs_lost;
  run.notes.push_back(written.error().message);
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

void RunOutputs::event(const EventRecord& event) {
  for (const auto& output : live_) output->event(event);
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

void RunOutputs::finish_live(Summary& summary) {
  for (const auto& output : live_) {
    note(output->finish(summary), summary.run);
    summary.run.lines_lost += output->lines_lost();
  }
}

void RunOutputs::write_files(Summary& summary, StdoutLoan& loan) {
  std::fflush(stdout);  // what the plan has printed stands above the report
  for (const OutputRequest& output : rendered_) {
    if (output.on_stdout()) loan.give_back();
    note(write_file(output.where, output.format->render(summary)), summary.run);
  }
  note(log_outcome(), summary.run);
}

void RunOutputs::linger(const Summary& summary) {
  for (const auto& output : live_) output->linger(summary);
  run_while_busy();
  live_.clear();
}

bool RunOutputs::print(const Summary& summary, bool no_color) {
  ConsoleStyle style = console_style(no_color);
  style.printed = false;  // it was, as it came
  const std::string report = render_console(summary, style);
  if (!takes_stdout_) return went_well(write_file("-", report));
  write_stderr(report);
  return true;
}

bool RunOutputs::say_last_words(const RunInfo& run, StdoutLoan& loan) {
  bool all = true;
  for (const auto& output : live_) all = went_well(output->last_words(run)) && all;
  loan.give_back();
  return all;
}

}  // namespace lgen::cli
