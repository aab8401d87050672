// What is wrong with a TLS handshake or a certificate, in words, with the flags that would help.
// Thread: any.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "lgen/tls.h"

namespace lgen {

/// What depends on what is spoken inside the TLS.
struct TlsWords {
  const char* plaintext;    // what to use where no TLS is spoken
  const char* no_protocol;  // what it means that ALPN found no common protocol
};

/// What is wrong with the certificate that the peer has shown; empty: nothing. `host`: the name expected in it unless
/// the options have one.
std::string certificate_problem(SSL* ssl, const TlsOptions& options, const std::string& host);

/// Why the handshake itself broke off; reads OpenSSL's error queue.
std::string handshake_problem(int ssl_error, const TlsOptions& options, const TlsWords& words);

}  // namespace lgen
