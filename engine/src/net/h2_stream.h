// One stream of an HTTP/2 connection, as its connection sees it: who hears what comes, and who gives what goes.
// Thread: the loop's.
// Lifetime: unlinked from its connection when it is over or reset, at the latest by its destructor; whatever comes
// after that is nobody's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "h2_hpack.h"
#include "lgen/error.h"
#include "lgen/time.h"

namespace lgen {

class H2Connection;

class H2Stream {
 public:
  H2Stream() = default;
  H2Stream(const H2Stream&) = delete;
  H2Stream& operator=(const H2Stream&) = delete;

  /// Nothing before open() and after the stream is over.
  H2Connection* h2() const { return h2_; }
  std::int32_t h2_id() const { return id_; }
  /// Of a stream that was closed: by us, because the peer has broken the rules on it.
  bool reset_by_us() const { return reset_by_us_; }

 protected:
  virtual ~H2Stream();

  // Everything below is called while frames are read or written: take a note and act on it in H2Connection::Events
  // (on_news). Opening, resetting and resuming streams is allowed, destroying streams or the connection is not.

  /// The request's headers have left.
  virtual void on_sent(TimePoint) {}
  /// A block of fields: of an informational answer, of the answer, or of its trailers; valid during the call. `end`:
  /// nothing follows. One that is truncated may come again, and be longer then: the stream is to be reset.
  virtual void on_headers(H2Block& block, bool end) = 0;
  virtual void on_data(std::string_view bytes) = 0;
  /// The peer's side has ended, after its last data or headers.
  virtual void on_end() = 0;
  /// Over, with an HTTP/2 error code; 0: both sides have ended.
  virtual void on_closed(std::uint32_t code) = 0;
  /// Over: its connection is.
  virtual void on_lost(const Error& error) = 0;

  /// What a body gives when asked. No more, and not the end: H2Connection::resume() tells when there is.
  struct Piece {
    std::size_t size = 0;
    bool end = false;
    bool more = false;  // there would be, with more room
  };
  /// Appends up to `room` bytes of the request's body to `to`; 0: there may be nothing left but the end.
  virtual Piece pull(std::string& to, std::size_t room) = 0;
  /// The body could go on, but the peer's windows are full. Told once for each time.
  virtual void on_stall() {}

 private:
  friend class H2Connection;
  H2Connection* h2_ = nullptr;
  std::int32_t id_ = 0;
  std::int32_t send_window_ = 0;     // bytes that the peer takes; SETTINGS may make it negative
  std::int32_t receive_window_ = 0;  // bytes that we take
  std::uint32_t consumed_ = 0;       // bytes that were used, and the peer does not know
  bool fresh_ = false;               // its headers have not left
  bool answered_ = false;            // headers have come
  bool ended_ = false;               // we have sent everything
  bool peer_ended_ = false;
  bool sending_ = false;  // its body has something left to send
  bool stalled_ = false;  // and has been told that it waits for the peer
  bool reset_by_us_ = false;
  bool listed_ = false;  // in the connection's list of those that send
};

}  // namespace lgen
