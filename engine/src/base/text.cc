#include "lgen/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <utility>

namespace lgen {
namespace {

constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kLeastFirstColumn = 8;

/// A code point and the bytes it took; length 0: not UTF-8.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;
};

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

/// Overlong forms, surrogates and numbers beyond U+10FFFF are no text.
bool is_scalar(char32_t value, std::size_t length) {
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  return value >= kLeast[length] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
}

CodePoint first_code_point(std::string_view text) {
  constexpr std::array<unsigned char, 5> kLeadMask = {0, 0x7F, 0x1F, 0x0F, 0x07};
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = sequence_length(lead);
  if (length == 0 || length > text.size()) return {};
  char32_t value = lead & kLeadMask[length];
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    value = value << 6 | (next & 0x3F);
  }
  return is_scalar(value, length) ? CodePoint{value, length} : CodePoint{};
}

std::size_t columns_of(char32_t c) {
  struct Range {
    char32_t from, to;
  };
  constexpr std::array<Range, 4> kNone = {{{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
  constexpr std::array<Range, 8> kWide = {{{0x1100, 0x115F},
                                           {0x2E80, 0xA4CF},
                                           {0xAC00, 0xD7A3},
                                           {0xF900, 0xFAFF},
                                           {0xFE30, 0xFE6F},
                                           {0xFF00, 0xFF60},
                                           {0x1F300, 0x1FAFF},
                                           {0x20000, 0x3FFFD}}};
  const auto holds = [c](const Range& range) { return c >= range.from && c <= range.to; };
  if (std::any_of(kNone.begin(), kNone.end(), holds)) return 0;
  return std::any_of(kWide.begin(), kWide.end(), holds) ? 2 : 1;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E); }

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::bold:
      return "\x1b[1m";
    case Tone::dim:
      return "\x1b[2m";
    case Tone::good:
      return "\x1b[32m";
    case Tone::bad:
      return "\x1b[31m";
    case Tone::warn:
      return "\x1b[33m";
  }
  return "";
}

/// Bytes of `text` that fit `width` columns.
std::size_t bytes_that_fit(std::string_view text, std::size_t width) {
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = first_code_point(text.substr(at));
    used += c.length ? columns_of(c.value) : 1;
    if (used > width) break;
    at += std::max<std::size_t>(c.length, 1);
  }
  return at;
}

/// Cuts a line to the width and takes trailing blanks off.
Line fit(const Line& spans, std::size_t width) {
  Line line;
  std::size_t left = width;
  for (const Span& span : spans) {
    const std::string text = printable(span.text);
    const std::size_t columns = display_width(text);
    line.emplace_back(columns <= left ? text : clip(text, left), span.tone);
    if (columns > left) break;
    left -= columns;
  }
  while (!line.empty()) {
    std::string& last = line.back().text;
    last.erase(last.find_last_not_of(' ') + 1);
    if (!last.empty()) break;
    line.pop_back();
  }
  return line;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = first_code_point(text.substr(at));
    width += c.length ? columns_of(c.value) : 1;
    at += std::max<std::size_t>(c.length, 1);
  }
  return width;
}

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = first_code_point(text.substr(at));
    const std::size_t length = std::max<std::size_t>(c.length, 1);
    if (c.length == 0) {
      clean += kReplacement;
    } else if (is_control(c.value)) {
      clean += c.value == '\n' || c.value == '\t' || c.value == '\r' ? ' ' : '?';
    } else {
      clean += text.substr(at, length);
    }
    at += length;
  }
  return clean;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = first_code_point(text.substr(at)).length;
    valid += length == 0 ? kReplacement : text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return valid;
}

std::string clip(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  return std::string(text.substr(0, bytes_that_fit(text, width - 1))).append(kEllipsis);
}

std::string pad_left(std::string_view text, std::size_t width) {
  const std::size_t have = display_width(text);
  return std::string(have < width ? width - have : 0, ' ').append(text);
}

std::string pad_right(std::string_view text, std::size_t width) {
  const std::size_t have = display_width(text);
  return std::string(text).append(have < width ? width - have : 0, ' ');
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = bytes_that_fit(text, std::max<std::size_t>(width, 1));
    if (end == 0) end = first_code_point(text).length ? first_code_point(text).length : 1;
    if (end < text.size() && text[end] != ' ') {
      const std::size_t blank = text.substr(0, end).find_last_of(' ');
      if (blank != std::string_view::npos && blank > 0) end = blank;
    }
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return lines;
}

void Page::put(const Span& span) {
  const std::string_view code = color_ ? code_of(span.tone) : "";
  text_ += code;
  text_ += span.text;
  if (!code.empty()) text_ += "\x1b[0m";
}

void Page::line(const Line& spans) {
  for (const Span& span : fit(spans, width_)) put(span);
  text_ += '\n';
}

void Page::item(const Line& first, std::string_view text, Tone tone) {
  std::size_t indent = 0;
  for (const Span& span : first) indent += display_width(span.text);
  const std::size_t room = width_ > indent + 10 ? width_ - indent : 10;
  Line begin = first;
  for (const std::string& words : wrap(printable(text), room)) {
    begin.emplace_back(words, tone);
    line(begin);
    begin = {Span(std::string(indent, ' '))};
  }
}

void Page::paragraph(std::size_t indent, std::string_view text, Tone tone) {
  item({Span(std::string(indent, ' '))}, text, tone);
}

void Page::heading(std::string_view title, const Line& rest) {
  if (!text_.empty()) line({});
  Line spans = {Span(std::string(title), Tone::bold)};
  spans.insert(spans.end(), rest.begin(), rest.end());
  line(spans);
}

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> widths;
  for (const Line& row : rows_) {
    if (row.size() == 1) continue;  // a title spans the table
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(printable(row[i].text)));
    }
  }
  return widths;
}

std::size_t TextTable::width(std::size_t indent, std::size_t gap) const {
  const std::vector<std::size_t> all = widths();
  const std::size_t gaps = all.empty() ? 0 : gap * (all.size() - 1);
  return std::accumulate(all.begin(), all.end(), indent + gaps);
}

void TextTable::print(Page& page, std::size_t indent, std::size_t gap) const {
  std::vector<std::size_t> columns = widths();
  const std::size_t need = width(indent, gap);
  if (!columns.empty() && need > page.width()) {
    const std::size_t excess = need - page.width();
    columns[0] = columns[0] > excess + kLeastFirstColumn ? columns[0] - excess : kLeastFirstColumn;
  }
  for (const Line& row : rows_) {
    Line cells = {Span(std::string(indent, ' '))};
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string text = printable(row[i].text);
      if (row.size() == 1) {
        cells.emplace_back(text, row[i].tone);
      } else if (i == 0) {
        cells.emplace_back(pad_right(clip(text, columns[0]), columns[0]), row[i].tone);
      } else {
        cells.emplace_back(pad_left(text, columns[i] + gap), row[i].tone);
      }
    }
    page.line(cells);
  }
}

}  // namespace lgen
