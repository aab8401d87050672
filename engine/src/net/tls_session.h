// The client's side of one TLS connection without any input or output: encrypted bytes go in and out as text, through a
// BIO of our own that reads from the caller's buffer and appends to it. So the socket is read in large pieces and
// written once a turn, and no write of OpenSSL's can raise SIGPIPE.
// Thread: the loop's.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "lgen/error.h"
#include "tls_context.h"

namespace lgen {

class TlsSession {
 public:
  /// `host`: for SNI and to be found in the certificate, unless the options name another. `peer`: for messages.
  TlsSession(std::shared_ptr<TlsContext> context, std::string host, std::string peer);

  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// OpenSSL's buffers, 34 KiB, stay between records; else they are given back each time.
  void keep_buffers() { SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS); }
  /// The first bytes of the handshake.
  void start(std::string& out);
  /// Gives what has come from the peer and goes on with the handshake. The bytes must last until read() says 0.
  Outcome feed(std::string_view encrypted, std::string& out);
  /// Decrypted bytes into `buffer`; 0: no more in what was fed.
  Result<std::size_t> read(char* buffer, std::size_t size, std::string& out);
  /// Only when open. false: nothing was taken, because the peer negotiates anew; the same once more, with or without
  /// more behind it, after what comes next.
  bool write(std::string_view plain, std::string& out);

  /// It goes on with a session of an earlier connection.
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  /// The handshake is through and the certificate is as wanted.
  bool open() const { return open_; }
  /// What ALPN has chosen; empty: nothing.
  std::string_view protocol() const;
  /// The peer has said that nothing follows.
  bool ended() const;
  /// The error of a connection that ends during the handshake.
  Error cut_off() const;

 private:
  /// What the BIO reads and where it writes, set for each call.
  struct Wires {
    std::string_view in;
    std::string* out = nullptr;
  };
  static BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* buffer, int size);
  static int bio_write(BIO* bio, const char* bytes, int size);
  Outcome handshake();
  Error failed(const std::string& problem) const;

  std::shared_ptr<TlsContext> context_;
  std::string host_;
  std::string peer_;
  std::string session_key_;  // under which its TLS session is kept
  Wires wires_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool open_ = false;
  bool answered_ = false;  // application data has come
};

}  // namespace lgen
