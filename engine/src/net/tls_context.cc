#include "tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

namespace lgen {
namespace {

std::string wire_format(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) wire += static_cast<char>(protocol.size()) + protocol;
  return wire;
}

Outcome refused(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return make_error(ErrorCode::tls, fmt::format("{}: {}", what, reason != nullptr ? reason : "OpenSSL refuses it"));
}

Outcome load_files(SSL_CTX* context, const TlsOptions& options) {
  if (options.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, options.ca.c_str(), nullptr) != 1) {
    return refused("CA file " + options.ca);
  }
  if (options.cert.empty()) return Done{};
  if (SSL_CTX_use_certificate_chain_file(context, options.cert.c_str()) != 1) {
    return refused("client certificate " + options.cert);
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return refused("client key " + options.key);
  }
  return Done{};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::make(const TlsOptions& options,
                                                     const std::vector<std::string>& protocols, const TlsWords& words) {
  if (const Outcome checked = check_tls_files(options); !checked) return checked.error();
  const std::shared_ptr<TlsContext> made(new TlsContext(options, words, SSL_CTX_new(TLS_client_method())));
  SSL_CTX* context = made->get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  // The chain is verified all the same; TlsSession looks at the result, to be able to say what is wrong.
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  if (const Outcome loaded = load_files(context, options); !loaded) return loaded.error();
  const std::string wire = wire_format(protocols);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size()));
  return made;
}

}  // namespace lgen
