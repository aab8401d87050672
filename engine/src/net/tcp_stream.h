// One connection: bytes in, bytes out, over TCP or a local socket, plain or TLS.
// Thread: the loop's.
// Lifetime: may be destroyed at any time, also inside its own events; nothing is called back any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "net_context.h"
#include "socket.h"
#include "tls_session.h"

namespace lgen {

class TcpStream final : private SocketOwner {
 public:
  /// On the loop, never inside a call on the stream.
  class Events {
   public:
    /// The TLS handshake is through. A plain stream is open from the start.
    virtual void on_open() {}
    /// The bytes are valid during the call.
    virtual void on_data(std::string_view bytes) = 0;
    /// The other side will send no more. Writing may still work.
    virtual void on_end() = 0;
    /// Reset, or TLS broken: nothing follows.
    virtual void on_error(const Error& error) = 0;
    /// Everything is written: after the other side was slow, or because tell_drained() asked.
    virtual void on_drained() {}
    /// The turn ends, and ask_flush() was called: the moment to write() what has gathered, or to ask again when that
    /// was not all. Destroys nothing.
    virtual void on_flush() {}

   protected:
    ~Events() = default;
  };

  /// `peer`: its name in messages. With `tls` the handshake begins.
  TcpStream(std::shared_ptr<NetContext> context, Socket socket, std::string peer,
            std::unique_ptr<TlsSession> tls = nullptr);
  ~TcpStream();
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  /// Who hears of it from now on. Reading starts with the first listener.
  void set_events(Events& events);
  /// Copied; leaves at the end of the turn.
  void write(std::string_view bytes);
  /// Where write() appends, for who would rather make it there; a write or ask_flush() has to follow.
  std::string& outgoing() { return tls_ ? plain_ : out_; }
  /// on_flush follows at the end of the turn, unless the other side is slow: then only on_drained does.
  void ask_flush();
  /// No more from us: half-closed as soon as everything is written. Not with TLS, which has its own way to say so.
  void finish();
  /// false: leave what comes with the system, so that the other side has to wait.
  void set_reading(bool on);
  /// on_drained follows once everything is written, however quickly that goes.
  void tell_drained();
  /// Writes what the system takes now. Errors are told by on_error, in a later turn.
  void flush();

  /// Accepted by write() and not yet with the system; and handed to the system so far.
  std::size_t buffered() const { return out_.size() - sent_of_out_ + plain_.size(); }
  std::uint64_t sent() const { return sent_; }
  const std::string& peer() const { return peer_; }
  /// TLS goes on with a session of an earlier connection.
  bool resumed() const { return tls_ && tls_->resumed(); }
  /// What ALPN has chosen; empty: nothing, or no TLS.
  std::string_view protocol() const { return tls_ ? tls_->protocol() : std::string_view(); }

 private:
  void on_ready(int events) override;
  void want_flush();
  void send_some();
  void write_on();
  void read_some();
  void decrypt(std::string_view bytes);
  std::size_t read_plain(std::vector<char>& to, std::optional<Error>& problem);
  void ended();
  void report(const Error& error);
  void update_watch();
  Error broken(int error) const;

  std::shared_ptr<NetContext> context_;
  Socket socket_;
  std::string peer_;
  std::unique_ptr<TlsSession> tls_;
  Events* events_ = nullptr;
  std::string plain_;  // to be encrypted
  std::string out_;
  std::size_t sent_of_out_ = 0;
  std::uint64_t sent_ = 0;
  std::optional<Error> error_;  // of a write, not yet reported
  bool reading_ = true;
  bool tell_drained_ = false;
  bool asked_ = false;      // for on_flush
  bool blocked_ = false;    // the system took less than we had
  bool flushing_ = false;   // in the context's list
  bool finishing_ = false;  // half-close once all is written
  bool ended_ = false;
  std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);  // true once destroyed, maybe inside an event
};

}  // namespace lgen
