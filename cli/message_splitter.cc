#include "message_splitter.h"

#include <algorithm>

namespace lgen::cli {
namespace {

constexpr char kRecordSeparator = '\x1e';
constexpr std::string_view kBlanks = " \t\r\n";

bool is_blank(char c) { return kBlanks.find(c) != std::string_view::npos; }
bool opens(char c) { return c == '{' || c == '['; }
bool closes(char c) { return c == '}' || c == ']'; }

}  // namespace

std::optional<MessageSplitter::Piece> MessageSplitter::next() {
  if (seen_ == 0) skip_blanks();
  if (buffer_.empty()) return std::nullopt;
  const auto end = format_ == MessageFormat::json ? end_of_json() : end_of_text();
  if (end) return take(*end);
  if (!finished_) return std::nullopt;
  return take(buffer_.size());
}

void MessageSplitter::skip_blanks() {
  const std::size_t start = std::min(buffer_.find_first_not_of(kBlanks), buffer_.size());
  go_past(std::string_view(buffer_).substr(0, start));
  buffer_.erase(0, start);
}

void MessageSplitter::go_past(std::string_view text) {
  const std::size_t last_break = text.rfind('\n');
  line_ += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  column_ = last_break == std::string_view::npos ? column_ + text.size() : text.size() - last_break;
}

/// Behind the bracket or quote that closes the value; a number or a word ends before what cannot belong to it. Whether
/// the brackets match is the parser's business.
std::optional<std::size_t> MessageSplitter::end_of_json() {
  for (; seen_ < buffer_.size(); ++seen_) {
    const char c = buffer_[seen_];
    if (in_string_) {
      const bool closing = c == '"' && !escaped_;
      escaped_ = c == '\\' && !escaped_;
      in_string_ = !closing;
      if (closing && depth_ == 0) return seen_ + 1;
    } else if (depth_ == 0 && seen_ > 0 && (is_blank(c) || c == '"' || opens(c))) {
      return seen_;
    } else if (c == '"') {
      in_string_ = true;
    } else if (opens(c)) {
      ++depth_;
    } else if (closes(c) && (depth_ == 0 || --depth_ == 0)) {
      return seen_ + 1;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> MessageSplitter::end_of_text() {
  const std::size_t end = buffer_.find(kRecordSeparator, seen_);
  seen_ = buffer_.size();
  return end == std::string::npos ? std::nullopt : std::optional(end);
}

MessageSplitter::Piece MessageSplitter::take(std::size_t end) {
  Piece piece{buffer_.substr(0, end), ++number_, line_, column_};
  const bool separated = format_ == MessageFormat::text && end < buffer_.size();
  go_past(std::string_view(buffer_).substr(0, end + (separated ? 1 : 0)));
  buffer_.erase(0, end + (separated ? 1 : 0));
  seen_ = 0;
  depth_ = 0;
  in_string_ = escaped_ = false;
  return piece;
}

}  // namespace lgen::cli
