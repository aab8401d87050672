#include "tls_problem.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <vector>

namespace lgen {
namespace {

std::string name_line(X509_NAME* name) {
  char text[512];
  return X509_NAME_oneline(name, text, sizeof text) != nullptr ? text : "?";
}

std::string common_name(X509* certificate) {
  char text[256];
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::string alternative_name(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    const ASN1_IA5STRING* text = name.d.dNSName;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
  }
  if (name.type != GEN_IPADD) return {};
  const ASN1_OCTET_STRING* bytes = name.d.iPAddress;
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

/// The names a client may expect: the alternative ones, or, without any, the common name.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const std::string name = alternative_name(*sk_GENERAL_NAME_value(list, i));
    if (!name.empty()) names.push_back(name);
  }
  GENERAL_NAMES_free(list);
  if (names.empty()) names.push_back(common_name(certificate));
  return names;
}

std::string day(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "?";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string describe(X509* certificate) {
  return fmt::format("its certificate is for {}, valid {} to {}, issued by {}", fmt::join(names_of(certificate), ", "),
                     day(X509_get0_notBefore(certificate)), day(X509_get0_notAfter(certificate)),
                     name_line(X509_get_issuer_name(certificate)));
}

bool matches(X509* certificate, const std::string& name) {
  return X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1 ||
         X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
}

std::string chain_problem(long result, X509* certificate, const TlsOptions& options) {
  const std::string reason = X509_verify_cert_error_string(result);
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("the certificate expired on {}; renew it, or accept it with --skip-verify",
                         day(X509_get0_notAfter(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("the certificate is not valid before {}; check the clocks, or use --skip-verify",
                         day(X509_get0_notBefore(certificate)));
    default:
      return fmt::format("{} for the certificate ({}); give its issuer with --ca, or use --skip-verify",
                         options.ca.empty() ? "no root of this system vouches" : options.ca + " does not vouch",
                         reason);
  }
}

}  // namespace

std::string certificate_hint(const TlsOptions& options) {
  if (options.cert.empty()) return "it may want a client certificate: --cert and --key";
  return "it may not accept the client certificate " + options.cert;
}

std::string certificate_problem(SSL* ssl, const TlsOptions& options, const std::string& host) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || !options.verify) return {};
  std::string problem;
  const std::string& name = options.server_name.empty() ? host : options.server_name;
  if (const long result = SSL_get_verify_result(ssl); result != X509_V_OK) {
    problem = chain_problem(result, certificate, options);
  } else if (!matches(certificate, name)) {
    problem = fmt::format("the name '{}' is not in the certificate; use --server-name {}", name,
                          names_of(certificate).front());
  } else {
    return {};
  }
  return problem + "; " + describe(certificate);
}

std::string handshake_problem(int ssl_error, const TlsOptions& options, const TlsWords& words) {
  const unsigned long error = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(error);
  if (ssl_error == SSL_ERROR_SYSCALL || error == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return "it closed the connection during the TLS handshake; " + certificate_hint(options);
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST) {
    return fmt::format("it does not speak TLS there; use {}", words.plaintext);
  }
  if (reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL) return words.no_protocol;
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION) {
    return "it speaks neither TLS 1.2 nor 1.3; bring the server up to date";
  }
  const char* text = ERR_reason_error_string(error);
  const std::string said = text != nullptr ? text : "unknown reason";
  if (said.find("alert") == std::string::npos) return "the TLS handshake failed: " + said;
  return "it refused the TLS handshake (" + said + "); " + certificate_hint(options);
}

}  // namespace lgen
