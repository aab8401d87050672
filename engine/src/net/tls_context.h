// What the TLS connections of one client have in common: roots, client certificate, protocols offered. Files are read
// once.
// Thread: the loop's.
#pragma once

#include <openssl/ssl.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lgen/error.h"
#include "lgen/tls.h"
#include "tls_problem.h"

namespace lgen {

class TlsContext {
 public:
  /// `protocols`: for ALPN, the best first. `words`: for the messages of those that speak them.
  static Result<std::shared_ptr<TlsContext>> make(const TlsOptions& options, const std::vector<std::string>& protocols,
                                                  const TlsWords& words = kHttpTlsWords);

  SSL_CTX* get() const { return context_.get(); }
  const TlsOptions& options() const { return options_; }
  /// Of the last connection by that key; null: none, or they are not to be reused.
  SSL_SESSION* session(const std::string& key) const;
  const TlsWords& words() const { return words_; }

 private:
  TlsContext(const TlsOptions& options, const TlsWords& words, SSL_CTX* context)
      : options_(options), words_(words), context_(context, SSL_CTX_free) {}

  struct FreeSession {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  Outcome open_key_log();
  static int keep_session(SSL* ssl, SSL_SESSION* session);
  static void log_keys(const SSL* ssl, const char* line);

  TlsOptions options_;
  TlsWords words_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::map<std::string, std::unique_ptr<SSL_SESSION, FreeSession>> sessions_;
  std::shared_ptr<std::FILE> key_log_;
};

}  // namespace lgen
