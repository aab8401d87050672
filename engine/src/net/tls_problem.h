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
inline constexpr TlsWords kHttpTlsWords{"http://", "it speaks TLS but none of the protocols we offer (ALPN)"};
inline constexpr TlsWords kGrpcTlsWords{
    "--plaintext", "it speaks TLS but does not offer HTTP/2 (no ALPN 'h2'): is this the gRPC port?"};

/// What is wrong with the certificate that the peer has shown; empty: nothing. `host`: the name expected in it unless
/// the options have one.
std::string certificate_problem(SSL* ssl, const TlsOptions& options, const std::string& host);

/// Why the handshake itself broke off; reads OpenSSL's error queue.
std::string handshake_problem(int ssl_error, const TlsOptions& options, const TlsWords& words);

/// Which client certificate may be missing or unwelcome, when a server only closes the connection.
std::string certificate_hint(const TlsOptions& options);

}  // namespace lgen
