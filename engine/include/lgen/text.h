// Lines of text for a terminal: display widths, colours, tables. Every line fits the page; none ends in a blank.
// Thread: values.
// Units: columns of the terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lgen {

/// Columns `text` takes: wide characters count two, combining ones none.
std::size_t display_width(std::string_view text);

/// One line of valid UTF-8 without control characters, whatever a server may have sent.
std::string printable(std::string_view text);

/// The same text with U+FFFD for every byte that is no UTF-8.
std::string valid_utf8(std::string_view text);

/// "1 stream", "2 streams", "12,345 streams".
std::string counted(std::uint64_t n, std::string_view word);

/// At most `width` columns; what is cut off shows as "…".
std::string clip(std::string_view text, std::size_t width);

/// Blanks added on the left or right up to `width` columns.
std::string pad_left(std::string_view text, std::size_t width);
std::string pad_right(std::string_view text, std::size_t width);

/// Lines of at most `width` columns, broken at blanks where there are any.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

enum class Tone { plain, bold, dim, good, bad, warn };

/// A piece of a line in one tone.
struct Span {
  Span(std::string words, Tone how = Tone::plain) : text(std::move(words)), tone(how) {}  // NOLINT: implicit on purpose
  Span(const char* words, Tone how = Tone::plain) : text(words), tone(how) {}             // NOLINT: implicit on purpose
  std::string text;
  Tone tone;
};
using Line = std::vector<Span>;

/// A growing text of a fixed width.
class Page {
 public:
  Page(std::size_t width, bool color) : width_(width), color_(color) {}

  void line(const Line& spans);
  /// Wrapped; further lines are indented like the first.
  void paragraph(std::size_t indent, std::string_view text, Tone tone = Tone::plain);
  /// `first` and, if need be, further lines under the column where `text` began.
  void item(const Line& first, std::string_view text, Tone tone = Tone::plain);
  /// An empty line (unless this is the top of the page) and a bold title.
  void heading(std::string_view title, const Line& rest = {});

  std::size_t width() const { return width_; }
  const std::string& text() const { return text_; }

 private:
  void put(const Span& span);

  std::size_t width_;
  bool color_;
  std::string text_;
};

/// Figures in columns: the first column is left-aligned and gives way when the page is too narrow, the others are
/// right-aligned.
class TextTable {
 public:
  explicit TextTable(Line header) { rows_.push_back(std::move(header)); }
  void row(Line cells) { rows_.push_back(std::move(cells)); }
  /// A line of its own between the rows, e.g. the name of the rows below.
  void title(Span text) { rows_.push_back({std::move(text)}); }

  /// Columns the table takes when nothing is cut.
  std::size_t width(std::size_t indent, std::size_t gap) const;
  void print(Page& page, std::size_t indent, std::size_t gap = 2) const;

 private:
  std::vector<std::size_t> widths() const;
  std::vector<Line> rows_;
};

}  // namespace lgen
