// Digests, HMACs and signatures, by OpenSSL.
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lgen/error.h"

namespace lgen::lua {

/// Bytes of the digest; `hash`: "sha1", "sha256", "sha384", "sha512".
std::string digest(std::string_view hash, std::string_view text);
std::string hmac(std::string_view hash, std::string_view key, std::string_view text);

/// Algorithms of JSON Web Signatures (RFC 7518) that are spoken here: "HS256", "RS256", "ES256".
bool is_jws_algorithm(std::string_view alg);
/// The signature as RFC 7518 has it. `key`: for HS256 the secret, else a private key as PEM text or the path of its
/// file.
Result<std::string> sign_jws(std::string_view alg, std::string_view key, std::string_view text);

}  // namespace lgen::lua
