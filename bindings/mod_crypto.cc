// lgen.crypto: what plans need to sign their requests.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lgen/base64.h"
#include "lgen/units.h"
#include "mod_json.h"
#include "modules.h"
#include "signatures.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr Key kEncodingKey = {"encoding", "\"hex\"|\"base64\"|\"base64url\"|\"raw\"", "of the result; default: hex"};
constexpr Key kDigestKeys[] = {kEncodingKey};
constexpr Key kHmacKeys[] = {
    {"hash", "\"sha1\"|\"sha256\"|\"sha384\"|\"sha512\"", "default: sha256"},
    kEncodingKey,
};
constexpr Key kBase64Keys[] = {
    {"url", "boolean", "the alphabet for URLs (- and _), without padding; default: false"},
};
constexpr Key kJwtKeys[] = {
    {"alg", "\"HS256\"|\"RS256\"|\"ES256\"", "default: HS256"},
    {"key", "string", "HS256: the secret; else a private key, as PEM text or the path of its file", true},
    {"header", "table", "more for the header, kid for example"},
};
constexpr KeySet kOptions[] = {{"lgen.DigestOptions", kDigestKeys},
                               {"lgen.HmacOptions", kHmacKeys},
                               {"lgen.Base64Options", kBase64Keys},
                               {"lgen.JwtOptions", kJwtKeys}};
constexpr const KeySet &kDigestOptions = kOptions[0], &kHmacOptions = kOptions[1], &kBase64Options = kOptions[2],
                       &kJwtOptions = kOptions[3];

/// The word under `key` of the options at `index`, one of `words`; the first one when there is none.
std::string word_of(lua_State* L, int index, const char* key, std::string_view what,
                    const std::vector<std::string_view>& words) {
  const auto given = lua_isnoneornil(L, index) ? std::nullopt : string_field(L, index, key, what);
  if (!given) return std::string(words.front());
  if (std::find(words.begin(), words.end(), *given) != words.end()) return *given;
  const std::string_view guess = did_you_mean(*given, words);
  raise(L, fmt::format("{}: {}: '{}' is none of: {}{}", what, key, *given, fmt::join(words, ", "),
                       guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess)));
}

void check_optional(lua_State* L, int index, std::string_view what, const KeySet& keys) {
  if (!lua_isnoneornil(L, index)) check_options(L, index, what, keys);
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string encoded(std::string_view bytes, std::string_view encoding) {
  if (encoding == "hex") return to_hex(bytes);
  if (encoding == "raw") return std::string(bytes);
  return to_base64(bytes, encoding == "base64url" ? Base64::url : Base64::padded);
}

std::string encoding_of(lua_State* L, int index, std::string_view what) {
  return word_of(L, index, "encoding", what, {"hex", "base64", "base64url", "raw"});
}

int sha256(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.crypto.sha256";
  const std::string_view text = check_string(L, 1, kWhat);
  check_optional(L, 2, kWhat, kDigestOptions);
  push(L, encoded(digest("sha256", text), encoding_of(L, 2, kWhat)));
  return 1;
}

int hmac_text(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.crypto.hmac";
  const std::string_view key = check_string(L, 1, "lgen.crypto.hmac: key");
  const std::string_view text = check_string(L, 2, kWhat);
  check_optional(L, 3, kWhat, kHmacOptions);
  const std::string hash = word_of(L, 3, "hash", kWhat, {"sha256", "sha1", "sha384", "sha512"});
  push(L, encoded(hmac(hash, key, text), encoding_of(L, 3, kWhat)));
  return 1;
}

int base64(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.crypto.base64";
  const std::string_view bytes = check_string(L, 1, kWhat);
  check_optional(L, 2, kWhat, kBase64Options);
  const bool url = !lua_isnoneornil(L, 2) && boolean_field(L, 2, "url", kWhat).value_or(false);
  push(L, to_base64(bytes, url ? Base64::url : Base64::padded));
  return 1;
}

int base64_decode(lua_State* L) {
  const auto bytes = from_base64(check_string(L, 1, "lgen.crypto.base64_decode"));
  if (bytes) {
    push(L, *bytes);
    return 1;
  }
  lua_pushnil(L);
  push(L, "the text is not base64");
  return 2;
}

std::string jwt_part(lua_State* L, int index, std::string_view what) {
  const auto text = json_text(L, index);
  if (!text) raise(L, fmt::format("{}: {}", what, text.error().message));
  return to_base64(*text, Base64::url);
}

/// {typ, alg} and what the plan adds, at the top of the stack.
void push_jwt_header(lua_State* L, const std::string& alg) {
  lua_newtable(L);
  push(L, "JWT");
  lua_setfield(L, -2, "typ");
  if (get_field(L, 2, "header")) {
    check_table(L, -1, "lgen.crypto.jwt: header");
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -5);
    }
    lua_pop(L, 1);
  }
  push(L, alg);
  lua_setfield(L, -2, "alg");
}

int jwt(lua_State* L) {
  constexpr std::string_view kWhat = "lgen.crypto.jwt";
  check_table(L, 1, "lgen.crypto.jwt: claims");
  check_options(L, 2, kWhat, kJwtOptions);
  const std::string alg = word_of(L, 2, "alg", kWhat, {"HS256", "RS256", "ES256"});
  const auto key = string_field(L, 2, "key", kWhat);
  if (!key) raise(L, fmt::format("{}: key is missing", kWhat));
  push_jwt_header(L, alg);
  const std::string header = jwt_part(L, lua_gettop(L), "lgen.crypto.jwt: header");
  const std::string text = fmt::format("{}.{}", header, jwt_part(L, 1, "lgen.crypto.jwt: claims"));
  const auto signature = sign_jws(alg, *key, text);
  if (!signature) raise(L, fmt::format("{}: {}", kWhat, signature.error().message));
  push(L, fmt::format("{}.{}", text, to_base64(*signature, Base64::url)));
  return 1;
}

constexpr Binding kCrypto[] = {
    {"sha256", sha256, "fun(text: string, options?: lgen.DigestOptions): string", "[R] The digest, in hex digits."},
    {"hmac", hmac_text, "fun(key: string, text: string, options?: lgen.HmacOptions): string",
     "[R] The keyed digest, in hex digits."},
    {"base64", base64, "fun(bytes: string, options?: lgen.Base64Options): string", "[R] Base64, RFC 4648."},
    {"base64_decode", base64_decode, "fun(text: string): string?, string?",
     "[R E] The bytes, from either alphabet, with padding or without; or nil and what is wrong."},
    {"jwt", jwt, "fun(claims: table, options: lgen.JwtOptions): string",
     "[R] A signed JSON Web Token; exp and iat are claims like any other: exp = lgen.time() + 60."},
};

}  // namespace

const Module kCryptoModule{
    .name = "lgen.crypto", .doc = "Digests, base64 and signed tokens.", .bindings = kCrypto, .option_tables = kOptions};

}  // namespace lgen::lua
