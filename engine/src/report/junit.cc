// JUnit XML, as CI servers read it: suites "thresholds", "checks", "distributions" and "run". A test case fails exactly
// where the run's exit code says so: checks that a threshold judges, and a generator that --validity warn excuses, pass
// with a remark. (--allow-failures changes the exit code alone; what failed is still shown.)
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "figures.h"
#include "lgen/report.h"
#include "lgen/text.h"
#include "sections.h"

namespace lgen {
namespace {

struct Case {
  std::string name;
  std::string failure, details;  // "" passed; what was observed, and more about it
  std::string remark;            // system-out
};

struct Suite {
  std::string name;
  std::vector<Case> cases;

  auto failures() const {
    return std::count_if(cases.begin(), cases.end(), [](const Case& one) { return !one.failure.empty(); });
  }
};

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::string_view entity_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return "";
  }
}

/// XML 1.0 knows no control characters, not even escaped ones. Inside an attribute a line break must be escaped.
std::string escaped(std::string_view text, bool attribute) {
  std::string out;
  for (const char c : valid_utf8(text)) {
    const bool is_break = c == '\n' || c == '\t';
    if (const std::string_view entity = entity_of(c); !entity.empty()) {
      out += entity;
    } else if (is_break && attribute) {
      out += fmt::format("&#{};", static_cast<int>(c));
    } else if (static_cast<unsigned char>(c) < 0x20 && !is_break) {
      out += kReplacement;
    } else {
      out += c;
    }
  }
  for (const std::string_view none : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"}) {  // U+FFFE, U+FFFF
    for (std::size_t at; (at = out.find(none)) != std::string::npos;) out.replace(at, none.size(), kReplacement);
  }
  return out;
}

std::string attribute(std::string_view name, std::string_view value) {
  return fmt::format(" {}=\"{}\"", name, escaped(value, true));
}

Suite thresholds_of(const Summary& summary) {
  Suite suite{"thresholds", {}};
  for (const ThresholdResult& threshold : summary.thresholds) {
    Case one{threshold_words(threshold), "", "", ""};
    const std::string observed = threshold.observed ? fmt::format("{:.6g}", *threshold.observed) : "no samples";
    if (!threshold.ok) {
      one.failure = threshold.why.empty() ? "observed " + observed : threshold.why;
      one.details = fmt::format("observed: {}\ndemanded: {}", observed, threshold.text);
    } else {
      one.remark = "observed: " + observed;
      if (!threshold.why.empty()) one.remark += "; " + threshold.why;  // such as which pods it has not seen
    }
    suite.cases.push_back(std::move(one));
  }
  return suite;
}

bool judged_by_threshold(const Summary& summary) {
  return std::any_of(summary.thresholds.begin(), summary.thresholds.end(),
                     [](const ThresholdResult& threshold) { return threshold.metric == "checks"; });
}

Suite checks_of(const Summary& summary) {
  Suite suite{"checks", {}};
  const bool excused = judged_by_threshold(summary);
  for (const CheckResult& check : summary.checks) {
    Case one{check.name, "", "", ""};
    const std::string count = fmt::format("{} of {} failed", check.fails, check.passes + check.fails);
    if (check.fails == 0) {
      one.remark = fmt::format("{} passed", check.passes);
    } else if (excused) {
      one.remark = count + "; judged by the threshold on checks";
    } else {
      one.failure = count;
      one.details = check.first_failure.empty() ? "" : "first: " + check.first_failure;
    }
    suite.cases.push_back(std::move(one));
  }
  return suite;
}

Suite distributions_of(const Summary& summary) {
  Suite suite{"distributions", {}};
  for (const DistributionResult& result : summary.distributions) {
    // The name stays whatever the verdict is, so that CI can follow it from run to run.
    suite.cases.push_back({result.table.name, "", "", render_distribution(result, {false, 100})});
  }
  return suite;
}

bool excused_validity(const RunInfo& run) {
  return std::any_of(run.options.begin(), run.options.end(), [](const auto& option) {
    return option.first == "validity" && option.second == Scalar(std::string("warn"));
  });
}

Case validity_of(const Summary& summary) {
  const GeneratorHealth& health = summary.health;
  Case one{"the generator kept up", "", "", ""};
  const std::string reasons = fmt::format("{}", fmt::join(health.reasons, "\n"));
  if (health.validity == Validity::invalid && !excused_validity(summary.run)) {
    one.failure = "INVALID: the generator was the bottleneck, the figures do not count";
    one.details = reasons;
  } else if (health.validity != Validity::valid) {
    one.remark = fmt::format("{}\n{}", to_string(health.validity), reasons);
  }
  return one;
}

/// A report of the books, not of the system under test: the exit code does not know it.
Case conservation_of(const Summary& summary) {
  return {"everything that was started is accounted for", "", "", summary.conservation};
}

std::string first_errors(const Summary& summary) {
  std::string text;
  for (const ErrorSample* sample : errors_that_count_first(summary)) {
    const ErrorSample& error = *sample;
    const std::string count =
        error.count > 0 ? fmt::format("{}", error.count) : fmt::format("in warm-up {}", error.warmup);
    text += fmt::format("{} x {}: {} ({})\n", count, error.code, error.message,
                        error.backend.empty() ? error.where : error.where + ", " + error.backend);
  }
  return text;
}

/// Whatever ended the run with an exit code that no other case explains.
Case ending_of(const Summary& summary, bool explained) {
  const RunInfo& run = summary.run;
  Case one{"the run came to its end", "", first_errors(summary), ""};
  const bool cut_short = run.end != "completed";
  if (run.exit_code != 0 && (cut_short || !explained)) {
    one.failure = outcome_words(summary);
    if (!run.end_reason.empty()) one.failure += "; " + run.end_reason;
  } else {
    one.remark = std::exchange(one.details, "");
  }
  return one;
}

std::vector<Suite> suites_of(const Summary& summary) {
  std::vector<Suite> suites = {thresholds_of(summary), checks_of(summary), distributions_of(summary)};
  std::erase_if(suites, [](const Suite& suite) { return suite.cases.empty(); });
  Suite run{"run", {validity_of(summary), conservation_of(summary)}};
  const bool explained = run.failures() > 0 || std::any_of(suites.begin(), suites.end(),
                                                           [](const Suite& suite) { return suite.failures() > 0; });
  run.cases.push_back(ending_of(summary, explained));
  suites.push_back(std::move(run));
  return suites;
}

std::string properties_of(const RunInfo& run) {
  std::string out = "    <properties>\n";
  const std::pair<std::string_view, std::string> rows[] = {
      {"plan", run.plan},         {"sha256", run.plan_sha256},           {"target", run.target},
      {"security", run.security}, {"seed", fmt::format("{}", run.seed)}, {"version", run.lgen_version}};
  for (const auto& [name, value] : rows) {
    out += fmt::format("      <property{}{}/>\n", attribute("name", name), attribute("value", value));
  }
  return out + "    </properties>\n";
}

std::string case_text(const Case& one, const std::string& class_name, double seconds) {
  std::string out = fmt::format("    <testcase{}{} time=\"{:.3f}\"", attribute("classname", class_name),
                                attribute("name", one.name), seconds);
  if (one.failure.empty() && one.remark.empty()) return out + "/>\n";
  out += ">\n";
  if (!one.failure.empty()) {
    out += fmt::format("      <failure{}{}>{}</failure>\n", attribute("message", one.failure),
                       attribute("type", class_name.substr(class_name.rfind('.') + 1)), escaped(one.details, false));
  }
  if (!one.remark.empty()) out += fmt::format("      <system-out>{}</system-out>\n", escaped(one.remark, false));
  return out + "    </testcase>\n";
}

/// The time of the run stands at the case that the run itself is; the others took none of their own.
std::string suite_text(const Suite& suite, const RunInfo& run, const std::string& plan) {
  const bool is_run = suite.name == "run";
  const double seconds = is_run ? run.duration : 0;
  std::string out = fmt::format(
      "  <testsuite{} tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"{:.3f}\""
      " timestamp=\"{}\"{}>\n",
      attribute("name", suite.name), suite.cases.size(), suite.failures(), seconds,
      utc_text(run.started_unix, "%Y-%m-%dT%H:%M:%S"), attribute("hostname", run.host));
  out += properties_of(run);
  for (const Case& one : suite.cases) {
    const bool is_ending = is_run && &one == &suite.cases.back();
    out += case_text(one, fmt::format("{}.{}", plan, suite.name), is_ending ? run.duration : 0);
  }
  return out + "  </testsuite>\n";
}

}  // namespace

std::string render_junit(const Summary& summary) {
  const std::string plan = summary.run.plan_name.empty() ? summary.run.plan : summary.run.plan_name;
  std::size_t tests = 0, failures = 0;
  std::string body;
  for (const Suite& suite : suites_of(summary)) {
    tests += suite.cases.size();
    failures += static_cast<std::size_t>(suite.failures());
    body += suite_text(suite, summary.run, plan);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites{} tests=\"{}\" failures=\"{}\" errors=\"0\" "
      "time=\"{:.3f}\">\n{}</testsuites>\n",
      attribute("name", "lgen " + plan), tests, failures, summary.run.duration, body);
}

}  // namespace lgen
