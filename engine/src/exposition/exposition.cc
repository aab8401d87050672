// The grammar, as https://prometheus.io/docs/instrumenting/exposition_formats has it:
//
//   page    = { line "\n" }
//   line    = blanks ( sample | "#" comment | )
//   comment = "HELP" name [ text ] | "TYPE" name type | anything else
//   sample  = name [ "{" [ label { "," label } [ "," ] ] "}" ] value [ timestamp ]
//   label   = name "=" "\"" text "\""          escapes \\ \" \n; in a help \\ and \n
//
// Blanks and tabs may stand between any two of them. One pass over the text, which is kept: names and values are views
// into it, only texts with escapes are copied. Labels lie in one vector; the samples' spans are set when it has stopped
// growing.
#include "lgen/exposition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <unordered_map>

#include "lgen/text.h"
#include "lgen/units.h"

namespace lgen {
namespace {

constexpr std::pair<std::string_view, FamilyType> kTypes[] = {{"counter", FamilyType::counter},
                                                              {"gauge", FamilyType::gauge},
                                                              {"histogram", FamilyType::histogram},
                                                              {"summary", FamilyType::summary},
                                                              {"untyped", FamilyType::untyped}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Length of the UTF-8 character that `text` begins with; 0: there is none.
std::size_t utf8_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool beyond = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : size;
}

/// The family's part of a sample's name, when it ends in `suffix`.
std::string_view without(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : std::string_view{};
}

/// What the beginning of a page betrays.
std::string_view other_format(std::string_view text) {
  if (text.starts_with('<')) return "this is HTML or XML";
  if (text.starts_with('{') || text.starts_with('[')) return "this is JSON";
  if (text.starts_with("\x1f\x8b")) return "this is packed by gzip";
  return {};
}

/// Equal labels in any order.
bool same_labels(const PageSample& a, const PageSample& b) {
  return a.labels.size() == b.labels.size() && std::is_permutation(a.labels.begin(), a.labels.end(), b.labels.begin());
}

std::size_t series_hash(const PageSample& sample) {
  const std::hash<std::string_view> hash;
  std::size_t sum = hash(sample.name);
  for (const auto& [name, value] : sample.labels) sum += hash(name) * 31 + hash(value) * 0x9e3779b97f4a7c15ull;
  return sum;
}

}  // namespace

std::string_view to_string(FamilyType type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  return "untyped";
}

bool PageSample::rises() const {
  if (type == FamilyType::histogram) return true;
  if (type == FamilyType::summary) return name.ends_with("_sum") || name.ends_with("_count");
  return type == FamilyType::counter;
}

std::string_view PageSample::label(std::string_view wanted) const {
  for (const auto& [key, text] : labels) {
    if (key == wanted) return text;
  }
  return {};
}

class ExpositionParser {
 public:
  ExpositionParser(MetricsPage& page, const ExpositionLimits& limits) : page_(page), limits_(limits) {}

  Outcome run() {
    const std::string_view text = page_.text_;
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (const auto other = first == text.npos ? "" : other_format(text.substr(first)); !other.empty()) {
      begin_line(text);
      fail(0, fmt::format("{}, not Prometheus' text format; is the path right?", other));
    }
    for (std::size_t at = 0; at < text.size() && !error_;) {
      const std::size_t end = text.find('\n', at);
      begin_line(text.substr(at, end == text.npos ? end : end - at));
      if (end == text.npos) return truncated();
      read_line();
      at = end + 1;
    }
    if (!error_) settle();
    return error_ ? Outcome(*error_) : Outcome(Done{});
  }

 private:
  void begin_line(std::string_view line) {
    ++number_;
    line_ = rest_ = line;
  }

  void read_line() {
    if (line_.ends_with('\r')) {
      rest_ = line_.substr(line_.size() - 1);
      return void(expected("the end of the line"));
    }
    skip_blanks();
    if (rest_.empty()) return;
    rest_[0] == '#' ? comment() : sample();
  }

  Outcome truncated() {
    rest_ = {};
    fail(line_.size(), "the page ends in the middle of a line; it was cut off, or its last line feed is missing");
    return *error_;
  }

  // Comments.

  void comment() {
    rest_.remove_prefix(1);
    skip_blanks();
    const std::string_view word = take_while([](char c) { return !is_blank(c); });
    if (word == "HELP") help();
    if (word == "TYPE") type();
  }

  void help() {
    const auto name = take_name("a metric's name after HELP");
    if (!name) return;
    if (!rest_.empty() && is_blank(rest_[0])) rest_.remove_prefix(1);
    const auto text = take_text(rest_.size(), "\\n");
    if (text) family(*name).help = *text;
  }

  void type() {
    const auto name = take_name("a metric's name after TYPE");
    if (!name) return;
    skip_blanks();
    const std::size_t at = column();
    const std::string_view word = take_while([](char c) { return !is_blank(c); });
    const auto known =
        std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return t.first == word; });
    if (known == std::end(kTypes)) return unknown_type(at, word);
    if (const auto line = typed_.find(*name); line != typed_.end()) {
      return fail(at, fmt::format("the type of {} was told in line {} already", *name, line->second));
    }
    if (const auto line = first_sample_of(*name, known->second)) {
      return fail(at, fmt::format("the type of {} comes after its first sample in line {}", *name, *line));
    }
    typed_.emplace(*name, number_);
    family(*name).type = known->second;
    expect_end();
  }

  std::optional<std::size_t> first_sample_of(std::string_view name, FamilyType type) const {
    const bool family = type == FamilyType::histogram || type == FamilyType::summary;
    for (const std::string_view ending : {"", "_bucket", "_sum", "_count"}) {
      if (!ending.empty() && !family) break;
      const auto line = ending.empty() ? seen_.find(name) : seen_.find(std::string(name) + std::string(ending));
      if (line != seen_.end()) return line->second;
    }
    return std::nullopt;
  }

  void unknown_type(std::size_t at, std::string_view word) {
    constexpr std::string_view kNames[] = {"counter", "gauge", "histogram", "summary", "untyped"};
    const std::string_view guess = did_you_mean(word, kNames);
    fail(at, fmt::format("no type '{}' {}", printable(clipped(word)),
                         guess.empty() ? "(there is counter, gauge, histogram, summary, untyped)"
                                       : fmt::format("(did you mean '{}'?)", guess)));
  }

  MetricFamily& family(std::string_view name) {
    const auto [at, made] = by_name_.emplace(name, page_.families_.size());
    if (made) page_.families_.push_back({name, {}, FamilyType::untyped});
    return page_.families_[at->second];
  }

  // Samples.

  void sample() {
    if (page_.samples_.size() == limits_.samples) {
      return fail(0, fmt::format("more than {} samples; ask for a smaller page", limits_.samples));
    }
    const std::size_t start = column();
    const auto name = take_name("a metric's name");
    if (!name) return;
    PageSample made{.name = *name};
    const std::size_t first_label = page_.labels_.size();
    skip_blanks();
    if (!rest_.empty() && rest_[0] == '{' && !labels(first_label)) return;
    if (!value(made) || !timestamp(made)) return;
    expect_end();
    if (error_ || !place(made, first_label, start)) return;
    page_.samples_.push_back(made);
    places_.push_back({first_label, page_.labels_.size() - first_label, number_, start});
    seen_.emplace(*name, number_);
  }

  bool labels(std::size_t first) {
    rest_.remove_prefix(1);
    for (skip_blanks(); rest_.empty() || rest_[0] != '}'; skip_blanks()) {
      if (!label(first)) return false;
      skip_blanks();
      if (rest_.starts_with(',')) {
        rest_.remove_prefix(1);
      } else if (!rest_.starts_with('}')) {
        return expected("',' or '}' after a label");
      }
    }
    rest_.remove_prefix(1);
    return true;
  }

  bool label(std::size_t first) {
    const std::size_t at = column();
    if (rest_.empty() || !is_letter(rest_[0])) return expected("a label's name or '}'");
    const std::string_view name = take_while([](char c) { return is_letter(c) || is_digit(c); });
    skip_blanks();
    if (!take('=')) return expected(fmt::format("'=' after label {}", name));
    skip_blanks();
    if (!take('"')) return expected(fmt::format("'\"' at the value of label {}", name));
    const auto text = take_text(closing_quote(), "\\n\"");
    if (!text) return false;
    if (!take('"')) return expected(fmt::format("'\"' at the end of label {}", name));
    for (std::size_t i = first; i < page_.labels_.size(); ++i) {
      if (page_.labels_[i].first == name) return no(at, fmt::format("label {} is given twice", name));
    }
    if (page_.labels_.size() - first == limits_.labels) {
      return no(at, fmt::format("more than {} labels", limits_.labels));
    }
    page_.labels_.emplace_back(name, *text);
    return true;
  }

  bool value(PageSample& made) {
    skip_blanks();
    const std::size_t at = column();
    const std::string_view word = take_while([](char c) { return !is_blank(c); });
    if (word.empty()) return expected(fmt::format("a value of {}", made.name));
    const auto number = parse_number(word);
    if (!number) return no(at, fmt::format("'{}' is no number", printable(clipped(word))));
    made.value = *number;
    return true;
  }

  /// As Go's ParseFloat has it: +Inf, -Inf and NaN in any case.
  static std::optional<double> parse_number(std::string_view word) {
    const bool plus = word.starts_with('+');
    if (plus) word.remove_prefix(1);
    double number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (end != word.data() + word.size() || (plus && word.starts_with('-'))) return std::nullopt;
    if (error == std::errc::result_out_of_range) return out_of_range(word);
    // "nan(x)" is C's, and a plus only before a number or "Inf".
    if (error != std::errc{} || word.find('(') != word.npos) return std::nullopt;
    return number;
  }

  static double out_of_range(std::string_view word) {
    const std::size_t exponent = word.find_first_of("eE");
    const bool tiny = exponent != word.npos && word.substr(exponent + 1).starts_with('-');
    const double size = tiny ? 0 : std::numeric_limits<double>::infinity();
    return word.starts_with('-') ? -size : size;
  }

  bool timestamp(PageSample& made) {
    skip_blanks();
    if (rest_.empty()) return true;
    const std::size_t at = column();
    if (rest_[0] == '#') return no(at, "an exemplar, which is OpenMetrics'; text format 0.0.4 was asked for");
    const std::string_view word = take_while([](char c) { return !is_blank(c); });
    std::int64_t time = 0;
    const std::string_view digits = word.starts_with('+') ? word.substr(1) : word;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), time);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
      return no(at, fmt::format("'{}' is no time stamp; whole milliseconds expected", printable(clipped(word))));
    }
    made.timestamp_ms = time;
    return true;
  }

  /// The sample's family, and what its type demands.
  bool place(PageSample& made, std::size_t first_label, std::size_t start) {
    std::string_view name = made.name, suffix;
    if (type_of(name) == FamilyType::untyped) {
      for (const std::string_view ending : {"_bucket", "_sum", "_count"}) {
        const std::string_view base = without(name, ending);
        const FamilyType type = base.empty() ? FamilyType::untyped : type_of(base);
        const bool fits = type == FamilyType::histogram || (type == FamilyType::summary && ending != "_bucket");
        if (fits) name = base, suffix = ending;
      }
    }
    made.type = type_of(name);
    if (made.type == FamilyType::histogram && suffix.empty()) {
      return no(start,
                fmt::format("{} is a histogram: it has _bucket, _sum and _count, and no value of its own", name));
    }
    if (suffix == "_bucket") return has_number(first_label, "le", "a bucket of a histogram", start);
    if (made.type == FamilyType::summary && suffix.empty()) {
      return has_number(first_label, "quantile", "a value of a summary", start);
    }
    return true;
  }

  bool has_number(std::size_t first_label, std::string_view label, std::string_view what, std::size_t start) {
    for (std::size_t i = first_label; i < page_.labels_.size(); ++i) {
      if (page_.labels_[i].first != label) continue;
      if (parse_number(page_.labels_[i].second)) return true;
      return no(start, fmt::format("label {}=\"{}\" is no number", label, printable(clipped(page_.labels_[i].second))));
    }
    return no(start, fmt::format("{} without the label {}", what, label));
  }

  FamilyType type_of(std::string_view name) const {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? FamilyType::untyped : page_.families_[at->second].type;
  }

  /// Spans, which need labels that have stopped moving; then: is a series there twice? Equal ones are neighbours by
  /// hash.
  void settle() {
    std::vector<std::pair<std::size_t, std::size_t>> order;  // hash, index
    order.reserve(page_.samples_.size());
    for (std::size_t i = 0; i < page_.samples_.size(); ++i) {
      PageSample& sample = page_.samples_[i];
      sample.labels = std::span(page_.labels_).subspan(places_[i].first_label, places_[i].labels);
      order.emplace_back(series_hash(sample), i);
    }
    std::sort(order.begin(), order.end());
    for (std::size_t i = 1; i < order.size(); ++i) {
      const auto [hash, at] = order[i];
      const auto [hash_before, before] = order[i - 1];
      const PageSample &first = page_.samples_[before], &second = page_.samples_[at];
      if (hash != hash_before || first.name != second.name || !same_labels(first, second)) continue;
      number_ = places_[at].line;
      return fail(places_[at].column, fmt::format("{} is there twice with the same labels; the first is in line {}",
                                                  second.name, places_[before].line));
    }
  }

  // Pieces.

  std::optional<std::string_view> take_name(std::string_view what) {
    skip_blanks();
    if (rest_.empty() || !(is_letter(rest_[0]) || rest_[0] == ':')) {
      expected(what);
      return std::nullopt;
    }
    return take_while([](char c) { return is_letter(c) || is_digit(c) || c == ':'; });
  }

  /// Where the text that `rest_` begins with ends: at a quote that is not escaped, or with the line.
  std::size_t closing_quote() const {
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '"') return i;
      if (rest_[i] == '\\') ++i;
    }
    return rest_.size();
  }

  /// The next `size` bytes, which are UTF-8, with their escapes resolved: `\` and one of `escapes`.
  std::optional<std::string_view> take_text(std::size_t size, std::string_view escapes) {
    const std::string_view raw = rest_.substr(0, size);
    const std::size_t from = column();
    const auto plain = [](char c) { return c != '\\' && static_cast<unsigned char>(c) < 0x80; };
    if (std::all_of(raw.begin(), raw.end(), plain)) return rest_.remove_prefix(size), raw;
    std::string clear;
    for (std::size_t i = 0; i < raw.size();) {
      const std::size_t length = utf8_character(raw.substr(i));
      if (length == 0) return no_text(from + i, "a byte that is not UTF-8");
      if (raw[i] == '\\') {
        const bool known = i + 1 < raw.size() && escapes.find(raw[i + 1]) != escapes.npos;
        if (!known) return no_text(from + i, "a backslash that escapes nothing");
        clear += raw[i + 1] == 'n' ? '\n' : raw[i + 1];
        i += 2;
      } else {
        clear.append(raw, i, length);
        i += length;
      }
    }
    rest_.remove_prefix(size);
    if (clear.size() == raw.size()) return raw;
    return page_.unescaped_.emplace_back(std::move(clear));
  }

  template <class Is>
  std::string_view take_while(Is is) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is);
    const std::string_view word = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(word.size());
    return word;
  }

  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_[0])) rest_.remove_prefix(1);
  }

  void expect_end() {
    skip_blanks();
    if (!error_ && !rest_.empty()) expected("the end of the line");
  }

  // Complaints: the first one counts.

  std::size_t column() const { return line_.size() - rest_.size(); }
  static std::string_view clipped(std::string_view text) { return text.substr(0, 40); }

  bool expected(std::string_view what) {
    const std::string got = rest_.empty()   ? "the end of the line"
                            : rest_ == "\r" ? "a carriage return; lines end with \\n alone"
                                            : fmt::format("'{}'", printable(clipped(rest_)));
    return no(column(), fmt::format("expected {}, got {}", what, got));
  }
  bool no(std::size_t at, std::string_view what) {
    fail(at, what);
    return false;
  }
  std::optional<std::string_view> no_text(std::size_t at, std::string_view what) {
    fail(at, what);
    return std::nullopt;
  }
  void fail(std::size_t at, std::string_view what) {
    if (error_) return;
    error_ = make_error(ErrorCode::protocol, fmt::format("line {}, column {}: {}", number_, at + 1, what));
  }

  struct Place {
    std::size_t first_label, labels, line, column;
  };

  MetricsPage& page_;
  const ExpositionLimits& limits_;
  std::size_t number_ = 0;  // of the line, from 1
  std::string_view line_, rest_;
  std::optional<Error> error_;
  std::vector<Place> places_;                                  // of the samples
  std::unordered_map<std::string_view, std::size_t> by_name_;  // families
  std::unordered_map<std::string_view, std::size_t> typed_;    // names -> line of their # TYPE
  std::unordered_map<std::string_view, std::size_t> seen_;     // names of samples -> line of the first
};

Result<std::shared_ptr<const MetricsPage>> MetricsPage::parse(std::string text, const ExpositionLimits& limits) {
  auto page = std::make_shared<MetricsPage>();
  page->text_ = std::move(text);
  if (const Outcome read = ExpositionParser(*page, limits).run(); !read) return read.error();
  return std::shared_ptr<const MetricsPage>(std::move(page));
}

}  // namespace lgen
