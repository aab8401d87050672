#include "tls_context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>

#include <cerrno>
#include <cstring>

namespace lgen {
namespace {

/// Of TLS 1.3, in the order of gRPC core and of browsers.
constexpr const char* kSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

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
    if (options.verify) SSL_CTX_set_default_verify_paths(context);  // takes tens of milliseconds
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
  SSL_CTX_set_ciphersuites(context, kSuites);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // The chain is verified all the same; TlsSession looks at the result, to be able to say what is wrong.
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  if (const Outcome loaded = load_files(context, options); !loaded) return loaded.error();
  SSL_CTX_set_app_data(context, made.get());
  if (options.reuse) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
  }
  if (const Outcome opened = made->open_key_log(); !opened) return opened.error();
  const std::string wire = wire_format(protocols);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size()));
  return made;
}

SSL_SESSION* TlsContext::session(const std::string& key) const {
  const auto found = sessions_.find(key);
  return found == sessions_.end() ? nullptr : found->second.get();
}

/// OpenSSL gives the session away with the 1.
int TlsContext::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  self->sessions_[*static_cast<std::string*>(SSL_get_app_data(ssl))].reset(session);
  return 1;
}

/// The file is this user's alone: who reads it reads everything.
Outcome TlsContext::open_key_log() {
  if (options_.key_log.empty()) return Done{};
  const int fd = ::open(options_.key_log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return make_error(ErrorCode::io,
                      fmt::format("the key log {} cannot be written: {}", options_.key_log, std::strerror(errno)));
  }
  key_log_ = std::shared_ptr<std::FILE>(::fdopen(fd, "a"), [](std::FILE* file) { std::fclose(file); });
  SSL_CTX_set_keylog_callback(get(), log_keys);
  return Done{};
}

void TlsContext::log_keys(const SSL* ssl, const char* line) {
  const auto* self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  std::fprintf(self->key_log_.get(), "%s\n", line);
  std::fflush(self->key_log_.get());
}

}  // namespace lgen
