// How a connection proves itself and checks its peer. A value.
#pragma once

#include <string>

#include "lgen/error.h"

namespace lgen {

struct TlsOptions {
  std::string ca;           // path of a PEM bundle; empty: the system's roots
  std::string cert;         // path of the client's PEM chain; empty: none
  std::string key;          // path of its PEM key
  std::string server_name;  // name to send as SNI and to look for in the certificate; empty: the target's host
  bool verify = true;       // false: accept any certificate (--skip-verify)
  bool reuse = true;        // a new connection goes on with the TLS session of an earlier one to the same peer
  std::string key_log;      // path of a file to append the keys of connections to, as SSLKEYLOGFILE; empty: none
};

/// Reads and checks the files before anything is dialled: unreadable, not PEM, a key that does not fit its
/// certificate, a certificate that has expired (a warning in the text, not an error).
Outcome check_tls_files(const TlsOptions& options);

/// Redoes a failed handshake with plain OpenSSL (blocking, bounded by `timeout`) and says why it failed: the reason,
/// the certificate's names and dates, and the flags that would help. gRPC itself only says "verify failed".
/// Empty: nobody could be reached, or nothing was found wrong.
std::string explain_tls_failure(const std::string& host_port, const TlsOptions& options, int timeout_ms = 3000);

}  // namespace lgen
