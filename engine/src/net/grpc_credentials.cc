// TLS as gRPC core does it: its SSL credentials where they suffice, its newer TLS credentials where a check is off.
#include <grpc/grpc_security.h>

#include <fstream>
#include <sstream>
#include <string>

#include "grpc_channel_args.h"

namespace lgen {
namespace {

constexpr const char* kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return make_error(ErrorCode::io, "cannot read " + path);
  return text.str();
}

struct Pem {
  std::string roots;  // empty: gRPC's default
  std::string cert;
  std::string key;
};

Result<Pem> read_pem(const TlsOptions& tls) {
  Pem pem;
  const std::string roots = tls.ca.empty() && std::ifstream(kSystemRoots) ? kSystemRoots : tls.ca;
  for (const auto& [path, into] : {std::pair(&roots, &pem.roots), {&tls.cert, &pem.cert}, {&tls.key, &pem.key}}) {
    if (path->empty()) continue;
    auto text = read_file(*path);
    if (!text) return text.error();
    *into = *text;
  }
  return pem;
}

grpc_channel_credentials* ssl_credentials(const Pem& pem) {
  grpc_ssl_pem_key_cert_pair pair{pem.key.c_str(), pem.cert.c_str()};
  return grpc_ssl_credentials_create(pem.roots.empty() ? nullptr : pem.roots.c_str(),
                                     pem.cert.empty() ? nullptr : &pair, nullptr, nullptr);
}

/// Roots and the client's certificate, as far as they are wanted: gRPC aborts on a provider of nothing.
void add_files(grpc_tls_credentials_options* options, const Pem& pem, bool verify) {
  if (!verify && pem.cert.empty()) return;
  grpc_tls_identity_pairs* identity = nullptr;
  if (!pem.cert.empty()) {
    identity = grpc_tls_identity_pairs_create();
    grpc_tls_identity_pairs_add_pair(identity, pem.key.c_str(), pem.cert.c_str());
  }
  grpc_tls_certificate_provider* provider =
      grpc_tls_certificate_provider_static_data_create(verify ? pem.roots.c_str() : nullptr, identity);
  grpc_tls_credentials_options_set_certificate_provider(options, provider);
  grpc_tls_certificate_provider_release(provider);
  if (verify) grpc_tls_credentials_options_watch_root_certs(options);
  if (!pem.cert.empty()) grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
}

/// Every call's :authority is checked against the certificate, too, unless told otherwise: with --authority the name
/// that was verified is the server name's, not the route's.
grpc_channel_credentials* relaxed_credentials(const Pem& pem, bool verify) {
  grpc_tls_credentials_options* options = grpc_tls_credentials_options_create();
  grpc_tls_credentials_options_set_check_call_host(options, 0);
  grpc_tls_credentials_options_set_verify_server_cert(options, verify ? 1 : 0);
  if (!verify) {
    grpc_tls_certificate_verifier* none = grpc_tls_certificate_verifier_no_op_create();
    grpc_tls_credentials_options_set_certificate_verifier(options, none);
    grpc_tls_certificate_verifier_release(none);
  }
  add_files(options, pem, verify);
  return grpc_tls_credentials_create(options);
}

}  // namespace

Result<grpc_channel_credentials*> make_grpc_credentials(const ChannelOptions& options) {
  if (!options.tls) return grpc_insecure_credentials_create();
  auto pem = read_pem(*options.tls);
  if (!pem) return pem.error();
  const bool other_route = !options.authority.empty() && options.authority != options.tls->server_name;
  if (options.tls->verify && !(other_route && !pem->roots.empty())) return ssl_credentials(*pem);
  return relaxed_credentials(*pem, options.tls->verify);
}

}  // namespace lgen
