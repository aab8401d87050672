#include "requests.h"

#include <fmt/format.h>

#include <utility>

namespace lgen::cli {

Requests::Requests(const MessageText& texts, MessageFormat format, std::string type,
                   const std::optional<std::string>& data)
    : texts_(texts), type_(std::move(type)), from_stdin_(data == "@"), splitter_(format) {
  if (from_stdin_) return;
  splitter_.feed(data.value_or(""));
  splitter_.finish();
  ended_ = true;
  split();
}

void Requests::start(Loop& loop, std::function<void()> changed) {
  changed_ = std::move(changed);
  if (!from_stdin_) return loop.post([this] { changed_(); });
  reader_ = std::make_unique<StdinReader>(loop, [this](std::string text) {
    take(std::move(text));
    changed_();
  });
  reader_->read();
}

void Requests::take(std::string text) {
  ended_ = text.empty();
  if (ended_) splitter_.finish();
  splitter_.feed(text);
  split();
  if (ready_.empty() && !ended_ && !error_) reader_->read();
}

void Requests::split() {
  while (!error_) {
    const auto piece = splitter_.next();
    if (!piece) return;
    auto wire = texts_.to_wire(type_, piece->text);
    if (wire) {
      ready_.push_back(std::move(*wire));
    } else {
      error_ = make_error(ErrorCode::invalid_argument, explain(*piece, wire.error().message));
    }
  }
}

/// Which of several messages it is. A complaint that has a line and a column gets those of the whole input: it is asked
/// for again with as much blank space in front.
std::string Requests::explain(const MessageSplitter::Piece& piece, const std::string& problem) const {
  const std::string flag = from_stdin_ ? "-d @" : "-d";
  const std::string space = std::string(piece.line - 1, '\n') + std::string(piece.column - 1, ' ');
  const auto in_place = space.empty() ? Result<std::string>("") : texts_.to_wire(type_, space + piece.text);
  const bool has_place = !in_place && in_place.error().message != problem;
  const std::string from = has_place || piece.line == 1 ? "" : fmt::format(", from line {}", piece.line);
  const std::string which = piece.number == 1 && from.empty() ? "" : fmt::format(" message {}{}:", piece.number, from);
  return fmt::format("{}:{} {}", flag, which, has_place ? in_place.error().message : problem);
}

const std::string* Requests::front() { return ready_.empty() ? nullptr : &ready_.front(); }

void Requests::pop() {
  ready_.pop_front();
  if (ready_.empty() && !ended_ && !error_ && reader_) reader_->read();
}

}  // namespace lgen::cli
