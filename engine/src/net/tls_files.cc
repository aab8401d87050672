// The PEM files of a TLS connection, checked before anything is dialled.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "lgen/log.h"
#include "lgen/tls.h"

namespace lgen {
namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using File = std::unique_ptr<std::FILE, Release<std::fclose>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;

Error bad_file(const std::string& what, const std::string& path, const std::string& why) {
  return make_error(ErrorCode::tls, what + " " + path + ": " + why);
}

Result<File> open_file(const std::string& what, const std::string& path) {
  File file(std::fopen(path.c_str(), "re"));
  if (!file) return bad_file(what, path, std::strerror(errno));
  return file;
}

Result<Certificate> read_certificate(const std::string& what, const std::string& path) {
  auto file = open_file(what, path);
  if (!file) return file.error();
  Certificate certificate(PEM_read_X509(file->get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) return bad_file(what, path, "holds no PEM certificate (-----BEGIN CERTIFICATE-----)");
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    log(LogLevel::warn, what + " " + path + ": the certificate has expired");
  }
  return certificate;
}

Result<Key> read_key(const std::string& path) {
  auto file = open_file("client key", path);
  if (!file) return file.error();
  const auto no_password = [](char*, int, int, void*) { return 0; };  // never ask on the terminal
  Key key(PEM_read_PrivateKey(file->get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!key)
    return bad_file("client key", path, "holds no readable PEM private key (an encrypted one is not supported)");
  return key;
}

Outcome check_pair(const TlsOptions& options) {
  auto certificate = read_certificate("client certificate", options.cert);
  if (!certificate) return certificate.error();
  auto key = read_key(options.key);
  if (!key) return key.error();
  const bool fits = X509_check_private_key(certificate->get(), key->get()) == 1;
  ERR_clear_error();
  if (fits) return Done{};
  return bad_file("client key", options.key, "does not belong to the certificate " + options.cert);
}

}  // namespace

Outcome check_tls_files(const TlsOptions& options) {
  if (options.cert.empty() != options.key.empty()) {
    return make_error(ErrorCode::tls, options.cert.empty() ? "a client key without its certificate: add --cert"
                                                           : "a client certificate without its key: add --key");
  }
  if (!options.ca.empty()) {
    auto ca = read_certificate("CA file", options.ca);
    if (!ca) return ca.error();
  }
  return options.cert.empty() ? Outcome(Done{}) : check_pair(options);
}

}  // namespace lgen
