#include "tls_session.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "tls_problem.h"

namespace lgen {
namespace {

/// SNI carries names only.
bool is_numeric(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

/// OpenSSL reads its verdict on a call from this queue. To clear one that is empty takes 200 instructions.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

TlsSession::TlsSession(std::shared_ptr<TlsContext> context, std::string host, std::string peer)
    : context_(std::move(context)),
      host_(std::move(host)),
      peer_(std::move(peer)),
      ssl_(SSL_new(context_->get()), SSL_free) {
  const TlsOptions& options = context_->options();
  const std::string& name = options.server_name.empty() ? host_ : options.server_name;
  if (!is_numeric(name)) SSL_set_tlsext_host_name(ssl_.get(), name.c_str());
  session_key_ = name + " at " + peer_;
  SSL_set_app_data(ssl_.get(), &session_key_);
  if (SSL_SESSION* known = context_->session(session_key_)) SSL_set_session(ssl_.get(), known);
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, &wires_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_connect_state(ssl_.get());
}

/// OpenSSL spoils the session of a connection that ends without a word of it; ours may be taken up by the next one.
TlsSession::~TlsSession() {
  if (open_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

BIO_METHOD* TlsSession::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lgen buffers");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
    return made;
  }();
  return method;
}

int TlsSession::bio_read(BIO* bio, char* buffer, int size) {
  auto* wires = static_cast<Wires*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (wires->in.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(wires->in.size(), static_cast<std::size_t>(size));
  std::memcpy(buffer, wires->in.data(), count);
  wires->in.remove_prefix(count);
  return static_cast<int>(count);
}

int TlsSession::bio_write(BIO* bio, const char* bytes, int size) {
  auto* wires = static_cast<Wires*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  wires->out->append(bytes, static_cast<std::size_t>(size));
  return size;
}

void TlsSession::start(std::string& out) {
  wires_ = {{}, &out};
  ERR_clear_error();
  SSL_do_handshake(ssl_.get());
}

Outcome TlsSession::feed(std::string_view encrypted, std::string& out) {
  wires_ = {encrypted, &out};
  return open_ ? Outcome(Done{}) : handshake();
}

Outcome TlsSession::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    if (context_->options().verify && SSL_get0_peer_certificate(ssl_.get()) == nullptr) {
      return failed("it shows no certificate; use --skip-verify to do without");
    }
    const std::string problem = certificate_problem(ssl_.get(), context_->options(), host_);
    if (!problem.empty()) return failed(problem);
    open_ = true;
    return Done{};
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Done{};
  return failed(handshake_problem(error, context_->options(), context_->words()));
}

/// TLS 1.3 servers refuse a client certificate only after the handshake: their alert is the first thing to be read.
Result<std::size_t> TlsSession::read(char* buffer, std::size_t size, std::string& out) {
  if (answered_ && wires_.in.empty() && SSL_has_pending(ssl_.get()) == 0) return std::size_t{0};  // OpenSSL asks longer
  wires_.out = &out;
  forget_errors();
  std::size_t count = 0;
  if (SSL_read_ex(ssl_.get(), buffer, size, &count) == 1) {
    answered_ = true;
    return count;
  }
  const int error = SSL_get_error(ssl_.get(), 0);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
  if (!answered_) return failed(handshake_problem(error, context_->options(), context_->words()));
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return failed(fmt::format("what it sends cannot be decrypted ({})", reason != nullptr ? reason : "unknown reason"));
}

/// All or nothing: our BIO takes everything.
bool TlsSession::write(std::string_view plain, std::string& out) {
  wires_.out = &out;
  forget_errors();
  std::size_t count = 0;
  if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &count) == 1) return true;
  return SSL_get_error(ssl_.get(), 0) != SSL_ERROR_WANT_READ;  // what else is wrong is told by reading
}

std::string_view TlsSession::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool TlsSession::ended() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

Error TlsSession::cut_off() const {
  return failed(handshake_problem(SSL_ERROR_SYSCALL, context_->options(), context_->words()));
}

Error TlsSession::failed(const std::string& problem) const {
  ERR_clear_error();
  return make_error(ErrorCode::tls, fmt::format("TLS with {} failed: {}", peer_, problem));
}

}  // namespace lgen
