-- lgen.crypto against published vectors, and its misuse.
local lgen = require "lgen"
local crypto = lgen.crypto
local check = lgen.check

local function is(what, got, wanted) check(what, got == wanted, got) end

local function raises(fn, ...)
  local ok, message = pcall(fn, ...)
  return not ok and tostring(message):gsub("^.-:%d+: ", "") or "no error"
end

local function digests() -- FIPS 180-4
  is("of nothing", crypto.sha256 "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  is("of abc", crypto.sha256 "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  is("in base64", crypto.sha256("abc", { encoding = "base64" }), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=")
  is("for URLs", crypto.sha256("abc", { encoding = "base64url" }), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0")
  is("as bytes", #crypto.sha256("abc", { encoding = "raw" }), 32)
end

local function hmacs() -- RFC 4231, test case 2; RFC 2202
  local key, text = "Jefe", "what do ya want for nothing?"
  is("sha256", crypto.hmac(key, text), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  is("sha1", crypto.hmac(key, text, { hash = "sha1" }), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
  is("sha512", crypto.hmac(key, text, { hash = "sha512" }), "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea25" ..
    "05549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737")
  is("bytes are bytes", crypto.hmac("\0\1", "\0", { encoding = "base64" }),
    crypto.base64(crypto.hmac("\0\1", "\0", { encoding = "raw" })))
end

local function base64() -- RFC 4648, section 10
  local rows = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\251\255\254", "+//+" } }
  for _, row in ipairs(rows) do
    local bytes, text = row[1], row[2]
    is("to " .. text, crypto.base64(bytes), text)
    is("from " .. text, crypto.base64_decode(text), bytes)
    local url = text:gsub("+", "-"):gsub("/", "_"):gsub("=", "")
    is("to " .. url .. " for URLs", crypto.base64(bytes, { url = true }), url)
    is("from " .. url .. " of URLs", crypto.base64_decode(url), bytes)
  end
  for _, bad in ipairs { "Z", "Zg=", "Zg===", "Zm9v!", "Zm 9", "Zh==", "=" } do
    local bytes, why = crypto.base64_decode(bad)
    check(bad .. " is refused", bytes == nil and why == "the text is not base64", bytes)
  end
end

local function tokens()
  local token = crypto.jwt({ sub = "ada", exp = 1700000000 }, { key = "secret", header = { kid = "k1" } })
  local header, claims, signature = token:match "^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$"
  is("the header", crypto.base64_decode(header), '{"alg":"HS256","kid":"k1","typ":"JWT"}')
  is("the claims", crypto.base64_decode(claims), '{"exp":1700000000,"sub":"ada"}')
  is("the signature", signature, crypto.hmac("secret", header .. "." .. claims, { encoding = "base64url" }))
end

local function misuse()
  is("no text", raises(crypto.sha256, nil), "lgen.crypto.sha256: string expected, got nil")
  is("no such hash", raises(crypto.hmac, "k", "t", { hash = "md5" }),
    "lgen.crypto.hmac: hash: 'md5' is none of: sha256, sha1, sha384, sha512")
  is("no such encoding", raises(crypto.sha256, "t", { encoding = "base46" }), "lgen.crypto.sha256: encoding: 'base46' is " ..
    "none of: hex, base64, base64url, raw (did you mean 'base64'?)")
  is("no key", raises(crypto.jwt, {}, {}), "lgen.crypto.jwt: key is missing")
  is("no options", raises(crypto.jwt, {}), "lgen.crypto.jwt: table expected, got nothing")
  is("an unknown algorithm", raises(crypto.jwt, {}, { key = "k", alg = "none" }),
    "lgen.crypto.jwt: alg: 'none' is none of: HS256, RS256, ES256")
  is("a key that is none", raises(crypto.jwt, {}, { key = "/no/such/key.pem", alg = "RS256" }),
    "lgen.crypto.jwt: key: neither PEM text nor a file that can be read: /no/such/key.pem")
  check("PEM of something else", raises(crypto.jwt, {}, { key = "-----BEGIN X-----\n", alg = "ES256" })
    :find("lgen.crypto.jwt: key: no private key in PEM without a passphrase", 1, true))
  is("claims JSON cannot say", raises(crypto.jwt, { f = print }, { key = "k" }),
    "lgen.crypto.jwt: claims: JSON has no function")
end

lgen.scenario("crypto", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 },
  run = function()
    digests()
    hmacs()
    base64()
    tokens()
    misuse()
    check("every test ran", true)
  end,
})
