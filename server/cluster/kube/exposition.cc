#include "exposition.h"

#include <cstdlib>
#include <optional>

namespace lgen::kube {

namespace {

struct SampleLine {
  std::string_view name, labels;
  double value = 0;
};

// Where the labels end: a brace inside a quoted value is none.
std::size_t end_of_labels(std::string_view line, std::size_t from) {
  bool quoted = false;
  for (std::size_t i = from; i < line.size(); ++i) {
    if (quoted && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == '}' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

// name{labels} value [time]
std::optional<SampleLine> parse_line(std::string_view line) {
  if (line.empty() || line.front() == '#') return std::nullopt;
  const std::size_t name_end = line.find_first_of("{ \t");
  if (name_end == std::string_view::npos) return std::nullopt;
  SampleLine sample{line.substr(0, name_end), {}};
  std::string_view rest = line.substr(name_end);
  if (rest.front() == '{') {
    const std::size_t end = end_of_labels(rest, 1);
    if (end == std::string_view::npos) return std::nullopt;
    sample.labels = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  }
  const std::string number(rest);
  char* end = nullptr;
  sample.value = std::strtod(number.c_str(), &end);
  if (end == number.c_str()) return std::nullopt;
  return sample;
}

}  // namespace

std::map<std::string, double, std::less<>> metric_sums(std::string_view page, std::string_view without) {
  std::map<std::string, double, std::less<>> sums;
  while (!page.empty()) {
    const std::size_t end = page.find('\n');
    const auto sample = parse_line(page.substr(0, end));
    page.remove_prefix(end == std::string_view::npos ? page.size() : end + 1);
    if (!sample || (!without.empty() && sample->labels.find(without) != std::string_view::npos)) continue;
    sums[std::string(sample->name)] += sample->value;
  }
  return sums;
}

}  // namespace lgen::kube
