// `lgen diff A.json B.json`: what has become better or worse from one run to the next.
#include "lgen/diff.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "commands.h"
#include "exit_code.h"
#include "summary_file.h"
#include "terminal.h"

namespace lgen::cli {
namespace {

Error usage(std::string_view option, std::string_view what) {
  return make_error(ErrorCode::invalid_argument, fmt::format("diff: --{}: {}", option, what));
}

/// "5%" or "0.05".
Result<double> share_of(const Words& words, std::string_view option, std::string_view fallback) {
  const std::string text = words.text(option, fallback);
  const bool percent = text.ends_with('%');
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end || !std::isfinite(value) || value < 0) {
    return usage(option, fmt::format("'{}' is no share; write 5% or 0.05", text));
  }
  if (!percent && value > 1)
    return usage(option, fmt::format("{} means {:g}%; write {}% or {:g}", text, 100 * value, text, value / 100));
  return percent ? value / 100 : value;
}

/// What a finding must be to fail.
enum class FailOn { worse, any, none };

Result<FailOn> fail_on(const Words& words) {
  const std::string text = words.text("fail-on", "worse");
  if (text == "worse") return FailOn::worse;
  if (text == "any") return FailOn::any;
  if (text == "none") return FailOn::none;
  return usage("fail-on", fmt::format("'{}' is not worse, any or none", text));
}

/// True: an INVALID run is told and compared all the same.
Result<bool> excuse_invalid(const Words& words) {
  const std::string text = words.text("validity", "fail");
  if (text == "fail" || text == "warn") return text == "warn";
  return usage("validity", fmt::format("'{}' is not fail or warn", text));
}

struct Request {
  DiffSettings settings;
  FailOn fail_on = FailOn::worse;
  bool json = false;
};

Result<Request> read_request(const Words& words) {
  Request request;
  const auto effect = share_of(words, "min-effect", "5%"), confidence = share_of(words, "confidence", "99%");
  const auto when = fail_on(words);
  const auto excused = excuse_invalid(words);
  if (!effect) return effect.error();
  if (!confidence) return confidence.error();
  if (!when) return when.error();
  if (!excused) return excused.error();
  if (*confidence < 0.5 || *confidence > 0.999) return usage("confidence", "between 50% and 99.9%");
  const std::string format = words.text("format", "text");
  if (format != "text" && format != "json")
    return usage("format", fmt::format("'{}' is neither text nor json", format));
  request.settings.min_effect = *effect;
  request.settings.confidence = *confidence;
  request.settings.excuse_invalid = *excused;
  request.fail_on = *when;
  request.json = format == "json";
  return request;
}

bool fails(const Diff& diff, FailOn when) {
  if (when == FailOn::none) return false;
  if (diff.any(DiffVerdict::worse)) return true;
  return when == FailOn::any && (diff.any(DiffVerdict::better) || diff.any(DiffVerdict::changed));
}

int refuse_diff(const Error& error) {
  complain(error.message);
  return kConfiguration;
}

int diff_runs(Words words) {
  if (words.operands.size() != 2) {
    return refuse_diff({ErrorCode::invalid_argument, "diff: which two results? lgen diff A.json B.json"});
  }
  const auto request = read_request(words);
  if (!request) return refuse_diff(request.error());
  const std::string &name_a = words.operands[0], &name_b = words.operands[1];
  const auto a = read_summary(name_a);
  if (!a) return refuse_diff(a.error());
  const auto b = read_summary(name_b);
  if (!b) return refuse_diff(b.error());
  const Diff diff = compare(*a, *b, request->settings);
  const int shown =
      show_on_stdout(request->json ? render_diff_json(diff, *a, *b, name_a, name_b)
                                   : render_diff(diff, *a, *b, name_a, name_b, console_style(words.has("no-color"))));
  if (diff.rows.empty()) return kConfiguration;  // a gate that compares nothing must not let pass
  if (!diff.counts()) return kInvalid;
  return fails(diff, request->fail_on) ? kFailed : shown;
}

constexpr OptionRow kOptions[] = {
    {"min-effect", "SHARE", "a smaller change counts as same, however certain", "5%", "Options"},
    {"confidence", "SHARE", "of the intervals", "99%", "Options"},
    {"fail-on", "worse|any|none", "what makes the exit code 99", "worse", "Options"},
    {"validity", "fail|warn", "what an INVALID run does to the exit code", "fail", "Options"},
    {"format", "text|json", "how to print it", "text", "Options"},
    {"no-color", "", "no colours", "", "Options"},
};

}  // namespace

const Command kDiffCommand = {
    .name = "diff",
    .synopsis = "A.json B.json",
    .help = "what is better or worse from one run to the next",
    .about =
        "Compares two runs from the histograms and counters in their JSON: percentiles, rates, shares of failures. "
        "A row is better or worse when the bootstrap interval of its change (fixed seed, so the same every time) "
        "excludes none at all and the change is at least --min-effect. The exit code is 99 when a row is worse.\n"
        "Figures of a generator that was the bottleneck prove nothing: if one of the runs is INVALID the exit code is "
        "111, whatever the rows say, unless --validity warn is given. SUSPECT is a remark. Runs that have measured "
        "nothing in common, as of two plans whose scenarios have other names, cannot be compared: 104.\n"
        "The interval knows the chance of sampling, not what makes two runs of the same thing differ; repeat both "
        "before you act on a narrow verdict. What is not the same in both (plan, target, options, load) is listed.",
    .options = kOptions,
    .run = diff_runs};

}  // namespace lgen::cli
