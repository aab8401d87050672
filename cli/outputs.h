// The formats of --out, in one table: --out is read by it, and --help, shell completion and the manual are made from
// it. A format is either rendered from the Summary when the run has ended, or an object that writes, listens or pushes
// while the run goes on. Thread: the main thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/error.h"
#include "lgen/loop.h"
#include "lgen/metrics.h"
#include "lgen/redact.h"
#include "lgen/runner.h"
#include "lgen/summary.h"

namespace lgen::cli {

/// The run that a live output belongs to. Metrics and redactor outlive finish(), the rest is gone by then.
struct RunView {
  Metrics& metrics;
  const RunInfo& run;        // what is known at the start
  const Redactor& redactor;  // for what an output takes from `metrics` or `tags` itself; the rest is clean already
  /// The run as it stands, without verdicts; gone when the load has ended.
  std::function<Summary()> so_far;
  std::span<const std::pair<std::string, std::string>> tags;  // of --tag
};

/// One more second of the run, `from` to `to` since its start. The snapshot is taken once for all outputs.
struct RunSecond {
  Duration from, to;
  const Snapshot& metrics;
  const Snapshot& change;  // since the second before
};

/// An output that lives as long as the run. What goes wrong after open() never ends the load: it is told once, kept,
/// and handed over by finish().
class LiveOutput {
 public:
  virtual ~LiveOutput() = default;
  /// Right before the first iteration.
  virtual void begin(const RunView& view) = 0;
  /// About once a second, and once more at the end of the load.
  virtual void tick(const RunSecond& second) = 0;
  /// A call, stream, check or iteration has failed, just now.
  virtual void failure(const Failure&) {}
  /// The plan has told of something, or an order has come from outside.
  virtual void event(const EventRecord&) {}
  /// The run is over. Begins what needs the loop once more, such as a last push: it runs until nobody is busy(). Left
  /// out when the plan hangs for good.
  virtual void deliver(const Summary&) {}
  /// After deliver(). Writes all but its last words, and closes what nobody may look at any more.
  virtual Outcome finish(const Summary& summary) = 0;
  /// Of what it has had to write so far.
  virtual std::uint64_t lines_lost() const { return 0; }
  /// All other outputs are written and the report is printed: the run's exit code is known, and what has been lost.
  virtual Outcome last_words(const RunInfo&) { return Done{}; }
  /// The report is printed and all is known. Begins to wait for those who may still come: the loop runs until nobody is
  /// busy(), or until a signal comes.
  virtual void linger(const Summary&) {}
  virtual bool busy() const { return false; }
};

/// The placeholder of options that take any of the formats, in their tables.
inline constexpr std::string_view kOutputValue = "FORMAT=FILE";
/// The same where only those are taken that are made of a summary.
inline constexpr std::string_view kRenderedValue = "FORMAT=FILE|-";

struct OutputRequest;

/// What live outputs are made of.
struct OutputMeans {
  Loop& loop;
  int stdout_fd;  // where "-" leads
};

/// A `,key=value` behind FORMAT=WHERE.
struct OutputKey {
  std::string_view name, value, help;  // "rate", "N", "at most N lines a second"
};

struct OutputFormat {
  enum class Place { file, address };
  std::string_view name;  // "json"
  Place place = Place::file;
  std::string_view value;  // of WHERE in --help: "FILE", "[ADDRESS]:PORT", "URL"
  std::string_view help;
  std::string_view extension;  // ".json": FILE alone is of this format; "": none is
  std::string_view fallback;   // WHERE, when the format's name stands alone; "": it must be said
  std::span<const OutputKey> keys;
  // Exactly one of these two.
  std::string (*render)(const Summary& summary) = nullptr;
  /// Opens the file or the port, so that what cannot be is found before the load begins.
  Result<std::unique_ptr<LiveOutput>> (*open)(const OutputRequest& request, const OutputMeans& means) = nullptr;
};

std::span<const OutputFormat> output_formats();
/// For --help and the manual: "ndjson=FILE[,rate=N]", and its help with that of its keys and its extension.
std::string words_of(const OutputFormat& format);
std::string about_format(const OutputFormat& format);

/// FORMAT=WHERE[,key=value...] as read. Lifetime: the table's is the program's.
struct OutputRequest {
  const OutputFormat* format = nullptr;
  std::string where;  // "-" is standard output
  std::vector<std::pair<std::string, std::string>> keys;

  /// The last value given; nothing given: "".
  std::string key(std::string_view name) const;
  bool on_stdout() const { return format->place == OutputFormat::Place::file && where == "-"; }
};

/// "json=r.json", "r.json", "dashboard", "ndjson=errors.ndjson,rate=10". The error does not name the option.
Result<OutputRequest> parse_output(std::string_view text);
/// All of them; fails also where two would write to the same place. The error names the option.
Result<std::vector<OutputRequest>> parse_outputs(std::span<const std::string> texts);

/// True when one of them is standard output.
bool takes_stdout(std::span<const OutputRequest> outputs);

}  // namespace lgen::cli
