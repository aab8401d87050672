#include "tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace lgen::server {
namespace {

std::string read_file(const std::string& flag, const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || text.empty()) {
    const char* why = errno != 0 ? std::strerror(errno) : "the file is empty";
    throw std::runtime_error(fmt::format("cannot read {} {}: {}", flag, path, why));
  }
  return text;
}

std::string openssl_reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

void require(bool good, const std::string& what) {
  if (!good) throw std::runtime_error(fmt::format("{} ({})", what, openssl_reason()));
}

// gRPC would only say that it could not listen.
void check_pair(const Options& options) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  SSL_CTX* ssl = context.get();
  const std::string& cert = options.tls_cert;
  const std::string& key = options.tls_key;
  require(SSL_CTX_use_certificate_chain_file(ssl, cert.c_str()) == 1,
          fmt::format("--tls-cert {} holds no usable PEM certificate", cert));
  const bool key_fits = SSL_CTX_use_PrivateKey_file(ssl, key.c_str(), SSL_FILETYPE_PEM) == 1;
  require(key_fits, fmt::format("--tls-key {} is not the PEM private key of --tls-cert {}", key, cert));
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> make_credentials(const Options& options) {
  if (options.tls_cert.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions ssl(options.tls_client_ca.empty()
                                            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  ssl.pem_key_cert_pairs.push_back(
      {read_file("--tls-key", options.tls_key), read_file("--tls-cert", options.tls_cert)});
  check_pair(options);
  if (!options.tls_client_ca.empty()) ssl.pem_root_certs = read_file("--tls-client-ca", options.tls_client_ca);
  return grpc::SslServerCredentials(ssl);
}

}  // namespace lgen::server
