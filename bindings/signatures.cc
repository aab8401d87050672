#include "signatures.h"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

namespace lgen::lua {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

constexpr std::size_t kEs256Half = 32;  // bytes of r and of s

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

const EVP_MD* hash_of(std::string_view name) { return EVP_get_digestbyname(std::string(name).c_str()); }

Error invalid(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

/// The newest of OpenSSL's complaints, in its words.
std::string complaint() {
  char text[200] = "";
  ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
  ERR_clear_error();
  const char* reason = std::strrchr(text, ':');
  return reason && reason[1] ? reason + 1 : text;
}

Result<std::string> pem_of(std::string_view key) {
  if (key.starts_with("-----BEGIN")) return std::string(key);
  const std::string path(key);
  std::ifstream file(path, std::ios::binary);
  if (!file) return invalid(fmt::format("key: neither PEM text nor a file that can be read: {}", path.substr(0, 80)));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int no_passphrase(char*, int, int, void*) { return 0; }

Result<PrivateKey> private_key(std::string_view key, int type, std::string_view alg) {
  const auto pem = pem_of(key);
  if (!pem) return pem.error();
  const std::unique_ptr<BIO, Free<BIO_free_all>> bio(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
  PrivateKey found(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!found) return invalid(fmt::format("key: no private key in PEM without a passphrase ({})", complaint()));
  if (EVP_PKEY_base_id(found.get()) == type) return found;
  return invalid(fmt::format("key: {} needs {} private key", alg, type == EVP_PKEY_RSA ? "an RSA" : "an EC"));
}

Result<std::string> sign(EVP_PKEY* key, std::string_view text) {
  const std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  bool ok = EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text), text.size()) == 1;
  std::string signature(size, '\0');
  ok = ok && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(text),
                            text.size()) == 1;
  if (!ok) return invalid(fmt::format("signing failed: {}", complaint()));
  signature.resize(size);
  return signature;
}

/// OpenSSL writes an ECDSA signature as ASN.1; JSON Web Signatures want r and s, one behind the other.
Result<std::string> plain_es256(std::string_view asn1) {
  const unsigned char* at = bytes_of(asn1);
  const std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>> parts(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(asn1.size())));
  std::string plain(2 * kEs256Half, '\0');
  auto* out = reinterpret_cast<unsigned char*>(plain.data());
  const bool fits = parts && BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), out, kEs256Half) > 0 &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), out + kEs256Half, kEs256Half) > 0;
  if (!fits) return invalid("key: ES256 needs a key on the curve P-256");
  return plain;
}

bool is_p256(EVP_PKEY* key) {
  char curve[40] = "";
  EVP_PKEY_get_group_name(key, curve, sizeof curve, nullptr);
  return std::strcmp(curve, "prime256v1") == 0;
}

Result<std::string> sign_es256(std::string_view key_text, std::string_view text) {
  auto key = private_key(key_text, EVP_PKEY_EC, "ES256");
  if (!key) return key.error();
  if (!is_p256(key->get())) return invalid("key: ES256 needs a key on the curve P-256");
  const auto signature = sign(key->get(), text);
  return signature ? plain_es256(*signature) : signature;
}

}  // namespace

std::string digest(std::string_view hash, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out, &size, hash_of(hash), nullptr);
  return {reinterpret_cast<const char*>(out), size};
}

std::string hmac(std::string_view hash, std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(hash_of(hash), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), out, &size);
  return {reinterpret_cast<const char*>(out), size};
}

bool is_jws_algorithm(std::string_view alg) { return alg == "HS256" || alg == "RS256" || alg == "ES256"; }

Result<std::string> sign_jws(std::string_view alg, std::string_view key, std::string_view text) {
  if (alg == "HS256") return hmac("sha256", key, text);
  if (alg == "ES256") return sign_es256(key, text);
  const auto rsa = private_key(key, EVP_PKEY_RSA, alg);
  return rsa ? sign(rsa->get(), text) : Result<std::string>(rsa.error());
}

}  // namespace lgen::lua
