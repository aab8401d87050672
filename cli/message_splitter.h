// Cuts a stream of messages, as they arrive, into single ones: JSON values one after the other, or texts with the
// character RS (0x1E) between them.
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lgen/message_json.h"

namespace lgen::cli {

class MessageSplitter {
 public:
  struct Piece {
    std::string text;
    std::size_t number;  // 1, 2, ...
    std::size_t line;    // where it begins, 1, 2, ...
    std::size_t column;  // the same, in bytes
  };

  explicit MessageSplitter(MessageFormat format) : format_(format) {}

  void feed(std::string_view text) { buffer_ += text; }
  /// No more text: what is left over is the last message, complete or not.
  void finish() { finished_ = true; }
  /// The next whole message; nothing: more text is needed, or there is none.
  std::optional<Piece> next();

 private:
  std::optional<std::size_t> end_of_json();
  std::optional<std::size_t> end_of_text();
  void skip_blanks();
  void go_past(std::string_view text);
  Piece take(std::size_t end);

  const MessageFormat format_;
  std::string buffer_;
  std::size_t seen_ = 0;  // how far the buffer has been looked at
  int depth_ = 0;         // open brackets
  bool in_string_ = false;
  bool escaped_ = false;
  bool finished_ = false;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
  std::size_t number_ = 0;
};

}  // namespace lgen::cli
