// CSV by RFC 4180, with what files from the world need besides: LF alone ends a row, a byte order mark is skipped,
// another delimiter may be given, empty lines are no rows. What the RFC leaves no meaning for is an error with its
// line: a quote inside a bare value, text behind a closing quote, a quote never closed, a row of another length.
#include <set>

#include "data_files.h"
#include "data_source.h"
#include "lgen/wire.h"

namespace lgen::lua {
namespace {

class CsvReader {
 public:
  CsvReader(std::streambuf& in, char delimiter) : in_(in), delimiter_(delimiter) {}

  /// Reads the next row; false at the end of the file and on an error.
  bool next() {
    do {
      if (in_.sgetc() == kEnd) return false;
      row_line_ = line_;
      size_ = 0;
      while (read_value()) {
      }
      if (!wrong_.empty()) return false;
    } while (empty_line());
    return true;
  }

  std::size_t size() const { return size_; }
  const std::string& value(std::size_t i) const { return values_[i]; }
  /// Where the row begins, or what is wrong stands.
  std::size_t line() const { return row_line_; }
  const std::string& wrong() const { return wrong_; }

 private:
  using Traits = std::streambuf::traits_type;
  static constexpr int kEnd = Traits::eof();

  bool empty_line() const { return size_ == 1 && values_[0].empty() && !quoted_; }

  /// True when another value follows in the row.
  bool read_value() {
    if (size_ == values_.size()) values_.emplace_back();
    std::string& out = values_[size_++];
    out.clear();
    quoted_ = in_.sgetc() == '"';
    return quoted_ ? read_quoted(out) : read_bare(out);
  }

  bool read_bare(std::string& out) {
    for (;;) {
      const int c = in_.sbumpc();
      if (c == Traits::to_int_type(delimiter_)) return true;
      if (c == kEnd || c == '\n') {
        line_ += c == '\n' ? 1 : 0;
        if (out.ends_with('\r')) out.pop_back();
        return false;
      }
      if (c == '"') return fail(line_, "a quote inside a value without quotes; write \"…\"\"…\"");
      out.push_back(Traits::to_char_type(c));
    }
  }

  bool read_quoted(std::string& out) {
    const std::size_t opened = line_;
    in_.sbumpc();
    for (;;) {
      const int c = in_.sbumpc();
      if (c == kEnd) return fail(opened, "the quote that opens here is never closed");
      if (c == '"' && in_.sgetc() != '"') return leave_quotes();
      if (c == '"') in_.sbumpc();
      line_ += c == '\n' ? 1 : 0;
      out.push_back(Traits::to_char_type(c));
    }
  }

  bool leave_quotes() {
    int c = in_.sbumpc();
    if (c == Traits::to_int_type(delimiter_)) return true;
    if (c == '\r') c = in_.sbumpc();
    if (c != kEnd && c != '\n') {
      return fail(line_, "text behind a closing quote; a quote inside a value is written twice");
    }
    line_ += c == '\n' ? 1 : 0;
    return false;
  }

  bool fail(std::size_t line, std::string what) {
    row_line_ = line;
    wrong_ = std::move(what);
    return false;
  }

  std::streambuf& in_;
  const char delimiter_;
  std::vector<std::string> values_;  // longer than the row, perhaps: strings are used again
  std::size_t size_ = 0;
  bool quoted_ = false;  // the last value
  std::size_t line_ = 1, row_line_ = 1;
  std::string wrong_;
};

/// What is wrong with the names of columns, or "".
std::string name_problem(const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) return fmt::format("column {} has no name", i + 1);
    if (!is_utf8(names[i])) return fmt::format("the name of column {} is not UTF-8", i + 1);
    if (!seen.insert(names[i]).second) return fmt::format("two columns are called '{}'", names[i]);
  }
  return "";
}

/// What is wrong with the row just read, or "".
std::string row_problem(const CsvReader& reader, const DataSet& set) {
  const std::size_t expected = set.columns().size();
  if (reader.size() != expected) {
    return fmt::format("{} value{}, but {} column{}: {}", reader.size(), reader.size() == 1 ? "" : "s", expected,
                       expected == 1 ? "" : "s", fmt::join(set.columns(), ", "));
  }
  for (std::size_t i = 0; i < expected; ++i) {
    if (is_utf8(reader.value(i))) continue;
    return fmt::format("the value of '{}' is not UTF-8; convert the file (iconv -f latin1 -t utf-8)", set.columns()[i]);
  }
  return "";
}

}  // namespace

Result<DataSet> read_csv(const std::string& path, const CsvFormat& format) {
  auto file = open_data(path);
  if (!file) return file.error();
  CsvReader reader(*(*file)->rdbuf(), format.delimiter);
  std::vector<std::string> names = format.columns;
  if (names.empty() && reader.next()) {
    for (std::size_t i = 0; i < reader.size(); ++i) names.push_back(reader.value(i));
  }
  if (!reader.wrong().empty()) return bad_line(path, reader.line(), reader.wrong());
  if (std::string wrong = name_problem(names); !wrong.empty()) {
    return format.columns.empty() ? bad_line(path, reader.line(), wrong + "; where no row names them write columns = …")
                                  : make_error(ErrorCode::invalid_argument, "columns: " + wrong);
  }
  DataSet set;
  for (const std::string& name : names) set.column(name);
  while (reader.next()) {
    if (std::string wrong = row_problem(reader, set); !wrong.empty()) return bad_line(path, reader.line(), wrong);
    for (std::size_t i = 0; i < reader.size(); ++i) set.put(i, reader.value(i));
    set.add_row();
  }
  if (!reader.wrong().empty()) return bad_line(path, reader.line(), reader.wrong());
  if (set.size() == 0) return bad_file(path, format.columns.empty() ? "it has a header and no rows" : "it has no rows");
  return set;
}

}  // namespace lgen::lua
