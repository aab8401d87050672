#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>

#include "certificates.h"
#include "net_fixture.h"
#include "tls_session.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

struct TlsListenerOptions {
  CertificateFiles certificate;
  std::string client_ca;  // set: a client certificate by this issuer is required
  int max_version = TLS1_3_VERSION;
  std::string body = "secure";
  bool cut = false;                               // the body is promised longer than it is
  std::function<void(SSL*)> meanwhile = nullptr;  // between a request and its answer
};

/// An HTTPS server on OpenSSL's blocking calls.
class TlsListener {
 public:
  explicit TlsListener(const TlsListenerOptions& options)
      : context_(make_context(options), SSL_CTX_free), listener_([this, options](int fd) { serve(fd, options); }) {}

  std::string url(const std::string& host = "127.0.0.1") const {
    return fmt::format("https://{}:{}/", host, listener_.port());
  }
  int port() const { return listener_.port(); }
  /// Of the last handshake; read it after the answer.
  std::string sni;

 private:
  static SSL_CTX* make_context(const TlsListenerOptions& options) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context, options.certificate.cert.c_str());
    SSL_CTX_use_PrivateKey_file(context, options.certificate.key.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_max_proto_version(context, options.max_version);
    if (!options.client_ca.empty()) {
      SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr);
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    const auto choose = [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                           unsigned in_size, void*) {
      static constexpr unsigned char kHttp[] = "\x08http/1.1";
      const int chosen = SSL_select_next_proto(const_cast<unsigned char**>(out), size, kHttp, 9, in, in_size);
      return chosen == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
    };
    SSL_CTX_set_alpn_select_cb(context, choose, nullptr);
    return context;
  }

  void serve(int fd, const TlsListenerOptions& options) {
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) == 1) {
      const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
      sni = name != nullptr ? name : "";
      while (answer(ssl.get(), options)) {
      }
    }
    ERR_clear_error();
    ::shutdown(fd, SHUT_WR);
    ScriptedListener::wait_closed(fd);  // so that the alert is not lost to a reset
  }
  static bool answer(SSL* ssl, const TlsListenerOptions& options) {
    std::string request;
    char c = 0;
    while (!request.ends_with("\r\n\r\n")) {
      if (SSL_read(ssl, &c, 1) != 1) return false;
      request += c;
    }
    if (options.meanwhile) options.meanwhile(ssl);
    const std::string reply = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                                          options.body.size() + (options.cut ? 1 : 0), options.body);
    SSL_write(ssl, reply.data(), static_cast<int>(reply.size()));
    return !options.cut;
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  ScriptedListener listener_;
};

/// OpenSSL's own descriptors write without MSG_NOSIGNAL.
[[maybe_unused]] const bool kNoSigpipe = [] { return std::signal(SIGPIPE, SIG_IGN) != SIG_ERR; }();

const CertificateSpec kGood{.common_name = "server", .alternative_names = "DNS:grpc.example.com,IP:127.0.0.1"};

}  // namespace

TEST_CASE("a page comes over TLS, in both versions and both modes of the loop") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const bool inverted = GENERATE(false, true);
  Certificates certificates;
  const CertificateFiles good = certificates.make("good", kGood);
  NetFixture net(inverted);
  TlsListener listener({.certificate = good, .max_version = version, .body = std::string(300'000, 'x')});
  {
    HttpClient client(net.loop, {.tls = {.ca = good.cert}});
    const Reply reply = net.get(client, listener.url());
    CHECK(reply.error == "");
    CHECK(reply.body == std::string(300'000, 'x'));
    CHECK(reply.connect.secured >= reply.connect.connected);
    CHECK(listener.sni == "");  // an address is no name
    for (int i = 0; i < 100; ++i) REQUIRE(net.get(client, listener.url()).body.size() == 300'000);
    CHECK(client.connections() == 1);
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("names: SNI, the certificate's, the guide's common name, another by option") {
  Certificates certificates;
  const CertificateFiles good = certificates.make("good", kGood);
  const CertificateFiles common = certificates.make("common", {.common_name = "grpc.example.com"});
  NetFixture net;
  struct Row {
    const CertificateFiles& files;
    const char* host;
    const char* server_name;
    const char* sni;
  };
  for (const Row& row :
       {Row{good, "grpc.example.com", "", "grpc.example.com"}, Row{common, "grpc.example.com", "", "grpc.example.com"},
        Row{good, "127.0.0.1", "grpc.example.com", "grpc.example.com"}, Row{good, "127.0.0.1", "", ""}}) {
    TlsListener listener({.certificate = row.files});
    {
      HttpClient client(net.loop, {.tls = {.ca = row.files.cert, .server_name = row.server_name},
                                   .connect_to = fmt::format("127.0.0.1:{}", listener.port())});
      const Reply reply = net.get(client, listener.url(row.host));
      CHECK(reply.error == "");
      CHECK(reply.body == "secure");
      CHECK(listener.sni == row.sni);
    }
  }
}

TEST_CASE("a certificate that does not fit says why and which option would help") {
  Certificates certificates;
  const CertificateFiles good = certificates.make("good", kGood);
  const CertificateFiles other =
      certificates.make("other", {.common_name = "other", .alternative_names = "DNS:other.example"});
  const CertificateFiles expired = certificates.make(
      "expired", {.common_name = "x", .alternative_names = "IP:127.0.0.1", .valid_from_days = -9, .valid_to_days = -2});
  struct Row {
    const char* what;
    const CertificateFiles& shown;
    TlsOptions options;
    std::vector<const char*> parts;  // empty: it is fine
  };
  const std::vector<Row> rows = {
      {"unknown issuer", good, {.ca = other.cert}, {"does not vouch", "--ca"}},
      {"unknown to the system", good, {}, {"no root of this system vouches", "--ca", "--skip-verify"}},
      {"wrong name",
       other,
       {.ca = other.cert},
       {"the name '127.0.0.1' is not in the certificate", "--server-name other.example"}},
      {"expired", expired, {.ca = expired.cert}, {"expired on"}},
      {"anything goes", expired, {.verify = false}, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    NetFixture net;
    TlsListener listener({.certificate = row.shown});
    {
      HttpClient client(net.loop, {.tls = row.options});
      const Reply reply = net.get(client, listener.url());
      if (row.parts.empty()) CHECK(reply.body == "secure");
      if (!row.parts.empty()) CHECK(reply.code == ErrorCode::tls);
      for (const char* part : row.parts) CHECK_THAT(reply.error, Contains(part) && Contains("127.0.0.1:"));
    }
    CHECK(net.loop.open_handles() == 0);
  }
}

TEST_CASE("a client certificate is shown when wanted, and its absence explained") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Certificates certificates;
  const CertificateFiles good = certificates.make("good", kGood);
  const CertificateFiles mine = certificates.make("mine", {.common_name = "me"});
  NetFixture net;
  TlsListener listener({.certificate = good, .client_ca = mine.cert, .max_version = version});
  {
    HttpClient with(net.loop, {.tls = {.ca = good.cert, .cert = mine.cert, .key = mine.key}});
    CHECK(net.get(with, listener.url()).body == "secure");
  }
  {
    HttpClient without(net.loop, {.tls = {.ca = good.cert}});
    const Reply reply = net.get(without, listener.url());
    CHECK(reply.code == ErrorCode::tls);
    CHECK_THAT(reply.error, Contains("it may want a client certificate: --cert and --key"));
  }
}

TEST_CASE("files that cannot be used are told before anything is dialled") {
  NetFixture net;
  HttpClient client(net.loop, {.tls = {.ca = "/nonexistent.pem"}});
  const Reply reply = net.get(client, "https://127.0.0.1:1/");
  CHECK(reply.code == ErrorCode::tls);
  CHECK_THAT(reply.error, Contains("/nonexistent.pem"));
}

TEST_CASE("files that cannot be used are told when they are to be read ahead") {
  NetFixture net;
  HttpClient wrong(net.loop, {.tls = {.key_log = "/nonexistent/keys"}});
  const Outcome loaded = wrong.load_tls();
  REQUIRE_FALSE(loaded);
  CHECK_THAT(loaded.error().message, Contains("/nonexistent/keys cannot be written"));
  CHECK(HttpClient(net.loop, {}).load_tls());
}

TEST_CASE("what is no TLS server is told") {
  NetFixture net;
  HttpClient client(net.loop);
  SECTION("plain HTTP") {
    ScriptedListener plain([](int fd) {
      ScriptedListener::write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
      ::shutdown(fd, SHUT_WR);
      ScriptedListener::wait_closed(fd);
    });
    const Reply reply = net.get(client, fmt::format("https://127.0.0.1:{}/", plain.port()));
    CHECK(reply.code == ErrorCode::tls);
    CHECK_THAT(reply.error, Contains("it does not speak TLS there; use http://"));
  }
  SECTION("closed at once") {
    ScriptedListener closing([](int fd) {
      ScriptedListener::read_until(fd, "\x01");
      ::shutdown(fd, SHUT_WR);
      ScriptedListener::wait_closed(fd);
    });
    const Reply reply = net.get(client, fmt::format("https://127.0.0.1:{}/", closing.port()));
    CHECK(reply.code == ErrorCode::tls);
    CHECK_THAT(reply.error, Contains("closed the connection during the TLS handshake"));
  }
  SECTION("silent") {
    ScriptedListener silent([](int fd) { ScriptedListener::wait_closed(fd); });
    HttpClient hasty(net.loop, {.connect_timeout = 200ms});
    const Reply reply = net.get(hasty, fmt::format("https://127.0.0.1:{}/", silent.port()));
    CHECK(reply.code == ErrorCode::timeout);
    CHECK_THAT(reply.error, Contains("it does not answer the TLS handshake"));
    CHECK(net.loop.open_handles() == 0);
  }
}

namespace {

/// The client sends its own with the next request.
void ask_for_new_keys(SSL* ssl) {
  SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(ssl);
}

void negotiate_anew(SSL* ssl) {
  SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
  SSL_renegotiate(ssl);
  SSL_do_handshake(ssl);  // asks for it
  char c = 0;
  SSL_read(ssl, &c, 1);  // does it, and returns without a byte of the client's
}

/// The server's side of a TlsSession, without any descriptor.
class TlsPeer {
 public:
  explicit TlsPeer(const CertificateFiles& files) : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    SSL_CTX_set_max_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_use_certificate_chain_file(context_.get(), files.cert.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), files.key.c_str(), SSL_FILETYPE_PEM);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
  }
  SSL* ssl() const { return ssl_.get(); }
  /// Takes what the client has sent; gives what comes of it and, in `plain`, what it holds.
  std::string feed(const std::string& encrypted, std::string& plain) {
    BIO_write(SSL_get_rbio(ssl()), encrypted.data(), static_cast<int>(encrypted.size()));
    char bytes[100];
    for (int count = 0; (count = SSL_read(ssl(), bytes, sizeof bytes)) > 0;) {
      plain.append(bytes, static_cast<std::size_t>(count));
    }
    ERR_clear_error();
    return sent();
  }
  std::string sent() {
    std::string all(BIO_ctrl_pending(SSL_get_wbio(ssl())), '\0');
    BIO_read(SSL_get_wbio(ssl()), all.data(), static_cast<int>(all.size()));
    return all;
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
};

}  // namespace

TEST_CASE("who has waited for the turn to connect, and then in vain for the connection, is told of both") {
  NetFixture net;
  ScriptedListener silent([](int fd) { ScriptedListener::wait_closed(fd); });
  const std::string url = fmt::format("https://127.0.0.1:{}/", silent.port());
  HttpClient client(net.loop, {.tls = {.verify = false}, .max_connections = 1});
  std::string error;
  for (Duration time = 20ms; error.find("after a wait") == std::string::npos && time < 30s; time *= 2) {
    error.clear();
    Op holds = client.send({.url = url}, [](const HttpResult&) {});
    const Op waits = client.send({.url = url, .timeout = time}, [&](const HttpResult& result) {
      CHECK(result.queued > Duration{0});
      error = result.error->message;
    });
    net.turns();
    holds.reset();  // from now on the other one connects, should there be time left
    net.until([&] { return !error.empty(); });
  }
  CHECK_THAT(error, Contains("not even a connection after a wait of ") && Contains(" for its turn"));
}

TEST_CASE("a server that wants new keys, or negotiates anew, still answers") {
  Certificates certificates;
  const CertificateFiles good = certificates.make("good", kGood);
  NetFixture net;
  const bool anew = GENERATE(false, true);
  TlsListener listener({.certificate = good,
                        .max_version = anew ? TLS1_2_VERSION : TLS1_3_VERSION,
                        .meanwhile = anew ? negotiate_anew : ask_for_new_keys});
  HttpClient client(net.loop, {.tls = {.ca = good.cert}});
  for (int i = 0; i < 2; ++i) {
    const Reply reply = net.get(client, listener.url());
    CHECK(reply.error == "");
    CHECK(reply.body == "secure");
  }
  CHECK(client.connections() == 1);
}

TEST_CASE("what is written while the peer negotiates anew goes out afterwards") {
  Certificates certificates;
  const CertificateFiles good = certificates.make("good", kGood);
  TlsPeer peer(good);
  const auto context = TlsContext::make({.ca = good.cert}, {"http/1.1"});
  REQUIRE(context);
  TlsSession session(*context, "127.0.0.1", "peer");
  std::string out, plain;
  const auto take = [&](const std::string& encrypted) {
    char bytes[100];
    CHECK(session.feed(encrypted, out));
    if (session.open()) CHECK(*session.read(bytes, sizeof bytes, out) == 0);
  };
  const auto talk = [&] {
    while (!out.empty()) take(peer.feed(std::exchange(out, {}), plain));
  };
  session.start(out);
  talk();
  REQUIRE(session.open());
  SSL_renegotiate(peer.ssl());
  SSL_do_handshake(peer.ssl());
  take(peer.sent());
  CHECK_FALSE(session.write("hel", out));
  talk();
  CHECK(session.write("hello", out));
  talk();
  CHECK(plain == "hello");
}

TEST_CASE("a body cut off under TLS is told, and a handshake may be dropped") {
  Certificates certificates;
  const CertificateFiles good = certificates.make("good", kGood);
  NetFixture net;
  TlsListener listener({.certificate = good, .cut = true});
  {
    HttpClient client(net.loop, {.tls = {.ca = good.cert}});
    const Reply reply = net.get(client, listener.url());
    CHECK(reply.code == ErrorCode::closed);
    CHECK_THAT(reply.error, Contains("6 of 7 bytes"));
    int done = 0;
    Op op = client.send({.url = listener.url()}, [&](const HttpResult&) { ++done; });
    net.turns(5);
    const int before = done;
    op.reset();
    net.turns();
    CHECK(done == before);
  }
  CHECK(net.loop.open_handles() == 0);
}
