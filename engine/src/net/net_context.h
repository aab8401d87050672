// What the connections of one owner share: the loop, one buffer to read into, memory, and the list of those with
// something to write when the turn ends, so that everything a turn writes on a connection leaves in one system call.
// Thread: the loop's.
// Lifetime: its connections keep it alive.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "h2_memory.h"
#include "lgen/loop.h"

namespace lgen {

class TcpStream;

class NetContext {
 public:
  explicit NetContext(Loop& loop);
  /// The one that all clients of a loop share, made for the first of them.
  static std::shared_ptr<NetContext> of(Loop& loop);
  ~NetContext();
  NetContext(const NetContext&) = delete;
  NetContext& operator=(const NetContext&) = delete;

  Loop& loop() const { return loop_; }
  /// Contents are good until the next read of any connection.
  std::vector<char>& read_buffer() { return read_buffer_; }
  std::vector<char>& plain_buffer() { return plain_buffer_; }
  H2Memory& h2_memory() { return h2_memory_; }

  /// A TLS connection begins, or ends. true: it is one of few, which may keep what makes it quick.
  bool begin_tls() { return tls_connections_++ < kFewTls; }
  void end_tls() { --tls_connections_; }

  void flush_later(TcpStream& stream) { unflushed_.push_back(&stream); }
  void forget(TcpStream& stream);

 private:
  static constexpr std::size_t kFewTls = 100;
  void flush();

  Loop& loop_;
  std::size_t tls_connections_ = 0;
  std::size_t hook_;
  std::vector<char> read_buffer_;
  std::vector<char> plain_buffer_;  // of TLS
  H2Memory h2_memory_;
  std::vector<TcpStream*> unflushed_;
  std::vector<TcpStream*> flushing_;  // the batch being flushed; kept for its capacity
};

}  // namespace lgen
