// Any bytes as a metrics page. What must hold: nothing crashes, a complaint begins with its line, and what was read can
// be written down again and is then read as the same.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "lgen/exposition.h"

namespace {

using namespace lgen;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "exposition_fuzz: %s\n", what);
  std::abort();
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out;
}

std::string written(const MetricsPage& page) {
  std::string out;
  for (const MetricFamily& family : page.families()) {
    if (family.type == FamilyType::untyped) continue;
    out += fmt::format("# TYPE {} {}\n", family.name, to_string(family.type));
  }
  for (const PageSample& sample : page.samples()) {
    out += fmt::format("{}{{", sample.name);
    for (const auto& [name, value] : sample.labels) out += fmt::format("{}=\"{}\",", name, escaped(value));
    out += fmt::format("}} {}", sample.value);
    out += sample.timestamp_ms ? fmt::format(" {}\n", *sample.timestamp_ms) : "\n";
  }
  return out;
}

bool same(const PageSample& a, const PageSample& b) {
  return a.name == b.name && std::equal(a.labels.begin(), a.labels.end(), b.labels.begin(), b.labels.end()) &&
         (a.value == b.value || (std::isnan(a.value) && std::isnan(b.value))) && a.timestamp_ms == b.timestamp_ms &&
         a.type == b.type;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto page = MetricsPage::parse(std::string(reinterpret_cast<const char*>(data), size), {.samples = 1000});
  if (!page) {
    expect(page.error().message.starts_with("line "), "a complaint without its line");
    return 0;
  }
  const auto again = MetricsPage::parse(written(**page));
  expect(again.ok(), "what was read is refused when it is written down");
  const auto before = (*page)->samples(), after = (*again)->samples();
  expect(std::equal(before.begin(), before.end(), after.begin(), after.end(), same), "it is read as another page");
  return 0;
}
