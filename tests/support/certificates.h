// Certificates made on the spot, as PEM files in a directory that goes away with the test.
// Thread: the test's.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace lgen::test {

struct CertificateFiles {
  std::string cert;
  std::string key;
};

struct CertificateSpec {
  std::string common_name;
  std::string alternative_names = {};  // "DNS:a.example,IP:127.0.0.1"; empty: no such extension, as in the guide
  int valid_from_days = -1;
  int valid_to_days = 365;
};

class Certificates {
 public:
  Certificates() {
    char name[] = "/tmp/lgen-certs-XXXXXX";
    if (mkdtemp(name) == nullptr) throw std::runtime_error("no directory for certificates");
    directory_ = name;
  }
  ~Certificates() { std::filesystem::remove_all(directory_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  /// A self-signed certificate, NAME.pem, with its key, NAME.key.
  CertificateFiles make(const std::string& name, const CertificateSpec& spec) const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 86'400L * spec.valid_from_days);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400L * spec.valid_to_days);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    add(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (!spec.alternative_names.empty()) add(certificate, NID_subject_alt_name, spec.alternative_names);
    X509_sign(certificate, key, EVP_sha256());
    const CertificateFiles files{path(name + ".pem"), path(name + ".key")};
    write(files.cert, [&](std::FILE* file) { PEM_write_X509(file, certificate); });
    write(files.key, [&](std::FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(certificate);
    EVP_PKEY_free(key);
    return files;
  }

 private:
  static void add(X509* certificate, int nid, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class Body>
  static void write(const std::string& path, Body body) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr) throw std::runtime_error("cannot write " + path);
    body(file);
    std::fclose(file);
  }

  std::string directory_;
};

}  // namespace lgen::test
