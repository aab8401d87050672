// What the TLS connections of one client have in common: roots, client certificate, protocols offered. Files are read
// once.
// Thread: the loop's.
#pragma once

#include <openssl/ssl.h>

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
  const TlsWords& words() const { return words_; }

 private:
  TlsContext(const TlsOptions& options, const TlsWords& words, SSL_CTX* context)
      : options_(options), words_(words), context_(context, SSL_CTX_free) {}

  TlsOptions options_;
  TlsWords words_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

}  // namespace lgen
