// The messages of a request: from -d as they stand there, or from standard input as they come.
// Thread: the loop's.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lgen/error.h"
#include "lgen/loop.h"
#include "lgen/message_json.h"
#include "message_splitter.h"
#include "stdin_reader.h"

namespace lgen::cli {

class Requests {
 public:
  /// `data`: see ServiceFlags. `type`: of the messages, as `texts` knows it; both outlive this.
  Requests(const MessageText& texts, MessageFormat format, std::string type, const std::optional<std::string>& data);

  /// Starts reading; `changed` is called whenever there is more to know, never inside of a call on this.
  void start(Loop& loop, std::function<void()> changed);

  /// The next message as wire bytes; kept until pop().
  const std::string* front();
  void pop();
  /// No more messages will come.
  bool ended() const { return ended_ && ready_.empty(); }
  /// A message that could not be read; nothing follows it.
  const std::optional<Error>& error() const { return error_; }

 private:
  void take(std::string text);
  void split();
  std::string explain(const MessageSplitter::Piece& piece, const std::string& problem) const;

  const MessageText& texts_;
  const std::string type_;
  const bool from_stdin_;
  MessageSplitter splitter_;
  std::deque<std::string> ready_;
  std::function<void()> changed_;
  std::unique_ptr<StdinReader> reader_;
  bool ended_ = false;
  std::optional<Error> error_;
};

}  // namespace lgen::cli
