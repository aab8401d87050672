"""lgen through nginx and HAProxy, with TLS and client certificates: the counts stay those of the server behind, and
what a proxy answers in its place is said to come from a proxy."""

import math
import tempfile
import unittest

import certificates
import peers
from lgen_runs import CALLS, LgenCase
from programs import Server
from proxies import Haproxy, Nginx, pem_of
from test_peer_echo import CALLS as ECHO_CALLS
from test_peer_echo import MESSAGES, ROUNDS, STREAMS, TIMES, UNARY, USERS, EchoCase, times

ECHO = ["--users", USERS, "--rounds", ROUNDS, "--messages", MESSAGES]
SAY_HELLO = 'ch:call(SayHello, { name = "x" })'
ADVICE = ", like a web server: is this the gRPC port, and do proxies in between pass gRPC on?"


def answered(proxy, status):
    """What lgen says of an HTTP status without a gRPC status."""
    return f"{proxy.target} answered with HTTP status {status}{ADVICE}"


def passing_on(target):
    """nginx's words for a backend at `target`."""
    return f"location / {{ grpc_pass grpc://{target}; grpc_read_timeout 1h; grpc_send_timeout 1h; }}"


def certified(certificate):
    """nginx's words for its own certificate."""
    return f"ssl_certificate {certificate.cert}; ssl_certificate_key {certificate.key};"


class Certificates:
    """One that the proxy shows, which also signs `client`; nobody knows `stranger`."""

    def __init__(self, folder):
        self.server = certificates.self_signed(folder, "localhost", san="DNS:localhost,IP:127.0.0.1")
        self.client = certificates.signed_by(self.server, folder, "a client", "client")
        self.stranger = certificates.self_signed(folder, "a stranger", "stranger")
        self.trust = ["--ca", self.server.cert]

    def shown(self, certificate):
        return [*self.trust, "--cert", certificate.cert, "--key", certificate.key]


class EveryKindThroughAProxy(EchoCase):
    """The whole of echo.lua, compared with what lgen-server has counted."""

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def check_run(self, server, proxy, *flags):
        summary = self.run_plan(proxy, "echo.lua", *ECHO, *flags)
        self.assertEqual(summary.totals("grpc_calls", "method", "code"), times(ECHO_CALLS))
        self.assertEqual(summary.totals("grpc_streams_ended", "method", "code"), times(STREAMS))
        self.assertEqual(summary.total("grpc_connections"), 2)
        self.check_books(server)

    def test_nginx_in_plaintext(self):
        with peers.LgenEcho() as server, Nginx(passing_on(server.target)) as nginx:
            self.check_run(server, nginx)

    def test_nginx_with_tls(self):
        with peers.LgenEcho() as server, \
                Nginx(certified(self.certificates.server) + passing_on(server.target), "ssl http2") as nginx:
            self.check_run(server, nginx, *self.certificates.trust)

    def test_haproxy_with_tls(self):
        bind = f"ssl crt {pem_of(self.certificates.server)} alpn h2"
        with peers.LgenEcho() as server, Haproxy(bind, f"server pod {server.target} proto h2") as haproxy:
            # The rest would be HAProxy's story: when a server ends a stream before the caller has closed its side,
            # HAProxy 2.6 sends RST_STREAM(CANCEL) right behind the trailers, and gRPC core then forgets these.
            summary = self.run_plan(haproxy, "echo.lua", *ECHO, *self.certificates.trust, "--orderly")
            calls = times(ECHO_CALLS) | {(UNARY, "DEADLINE_EXCEEDED"): TIMES}
            streams = times({key: count for key, count in STREAMS.items() if key[1] == "OK"})
            self.assertEqual(summary.totals("grpc_calls", "method", "code"), calls)
            self.assertEqual(summary.totals("grpc_streams_ended", "method", "code"), streams)
            self.assertEqual(server.close_books(sum([*calls.values(), *streams.values()])).calls, calls | streams)


class ProxyCase(LgenCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(Server())

    def call(self, proxy, *flags, body=SAY_HELLO):
        return self.run_plan(self.plan(CALLS, body), "--target", proxy.target, "--wait-ready", "10s", *flags)

    def total(self, ended, metric):
        return ended.summary["metrics"][metric]["total"]["value"]


class ConnectionLimit(ProxyCase):
    def test_a_goaway_after_every_hundred_calls_costs_no_call(self):
        site = "keepalive_requests 100; " + passing_on(self.server.target)
        with Nginx(site) as nginx:
            ended = self.call(nginx, body=f"for _ = 1, 450 do {SAY_HELLO} end")
        self.check(ended, 0)
        self.assertEqual(self.total(ended, "grpc_calls"), 450)
        self.assertEqual(self.total(ended, "grpc_connections"), math.ceil(450 / 100))


class ClientCertificates(ProxyCase):
    def setUp(self):
        super().setUp()
        self.certificates = Certificates(self.folder)

    def refused(self, proxy, *flags, texts):
        ended = self.call(proxy, *flags)
        self.check(ended, 99, *texts)

    def test_haproxy(self):
        ours = self.certificates
        bind = f"ssl crt {pem_of(ours.server)} alpn h2 verify required ca-file {ours.server.cert}"
        with Haproxy(bind, f"server pod {self.server.target} proto h2") as haproxy:
            self.check(self.call(haproxy, *ours.shown(ours.client)), 0)
            self.refused(haproxy, *ours.trust, texts=[
                f"TLS with {haproxy.target} failed: it refused the TLS handshake (tlsv13 alert certificate required); "
                "it may want a client certificate: --cert and --key"])
            self.refused(haproxy, *ours.shown(ours.stranger), texts=[
                f"TLS with {haproxy.target} failed: it refused the TLS handshake (tlsv1 alert unknown ca); "
                f"it may not accept the client certificate {ours.stranger.cert}"])

    def test_nginx(self):
        # nginx lets everybody connect, and refuses by HTTP.
        ours = self.certificates
        site = (certified(ours.server) + f"ssl_verify_client on; ssl_client_certificate {ours.server.cert};" +
                passing_on(self.server.target))
        with Nginx(site, "ssl http2") as nginx:
            self.check(self.call(nginx, *ours.shown(ours.client)), 0)
            self.refused(nginx, *ours.trust, texts=[
                f"INTERNAL: {answered(nginx, 400)} Does it want a client certificate (--cert and --key)? (gRPC: "])
            self.refused(nginx, *ours.shown(ours.stranger), texts=[
                f"INTERNAL: {answered(nginx, 400)} Does it accept the client certificate {ours.stranger.cert}?"])

    def test_lgen_server(self):
        ours = self.certificates
        with Server("--tls-cert", ours.server.cert, "--tls-key", ours.server.key, "--tls-client-ca",
                    ours.server.cert) as server:
            self.check(self.call(server, *ours.shown(ours.client)), 0)
            self.refused(server, *ours.trust, texts=["it may want a client certificate: --cert and --key"])
            self.refused(server, *ours.shown(ours.stranger), texts=[
                f"it may not accept the client certificate {ours.stranger.cert}"])

    def test_a_port_without_http2(self):
        site = certified(self.certificates.server) + passing_on(self.server.target)
        with Nginx(site, "ssl") as nginx:
            self.refused(nginx, *self.certificates.trust, texts=[
                f"TLS with {nginx.target} failed: it speaks TLS but does not offer HTTP/2 (no ALPN 'h2'): is this the "
                "gRPC port? Nothing was sent."])


class ForeignAnswers(ProxyCase):
    """What is no gRPC at all: each row an HTTP status, and the code and message a plan gets."""

    rows = [(400, "INTERNAL"), (401, "UNAUTHENTICATED"), (403, "PERMISSION_DENIED"), (404, "UNIMPLEMENTED"),
            (429, "UNAVAILABLE"), (500, "UNKNOWN"), (502, "UNAVAILABLE"), (503, "UNAVAILABLE"), (504, "UNAVAILABLE")]

    CALL = """
local reply, err = ch:call(METHOD, {})
lgen.check("refused", not reply and err.kind == "status")
"""

    def test_http_statuses(self):
        site = "".join(f"location = /status/{status} {{ return {status}; }}" for status, _ in self.rows)
        with Nginx(site) as nginx:
            for status, code in self.rows:
                with self.subTest(status):
                    ended = self.call(nginx, body=self.CALL.replace("METHOD, {}", f'"/status/{status}", ""'))
                    self.check(ended, 99, f"{code}: {answered(nginx, status)} (gRPC: ")
                    self.assertEqual([check["fails"] for check in ended.summary["checks"]], [0])

    def test_a_page_of_html(self):
        page = 'default_type text/html; return 200 "<html><h1>Welcome</h1></html>";'
        with Nginx(f"location / {{ {page} }}") as nginx:
            ended = self.call(nginx, body=self.CALL.replace("METHOD", "SayHello"))
            self.check(ended, 99, f"UNKNOWN: {nginx.target} answered without a gRPC status{ADVICE} (gRPC: ")
            self.assertEqual([check["fails"] for check in ended.summary["checks"]], [0])

    def test_streams_get_the_same(self):
        stream = """
local s = ch:open(api:method "lgen.echo.Echo/BidiStream")
local reply, err = s:recv(20)
lgen.check("refused", not reply and (CODES)[err.code] and err.kind == "status", err)
"""
        # gRPC core gives a page of 200 one of two codes: whether nginx's reset comes with the page's end decides.
        for site, codes, text in [
                ("return 404;", ["UNIMPLEMENTED"], "with HTTP status 404"),
                ("return 503;", ["UNAVAILABLE"], "with HTTP status 503"),
                ("default_type text/html; return 200 'Welcome';", ["INTERNAL", "UNKNOWN"], "without a gRPC status")]:
            with self.subTest(site), Nginx(f"location / {{ {site} }}") as nginx:
                allowed = "{ " + " ".join(f"{code} = true," for code in codes) + " }"
                ended = self.call(nginx, body=stream.replace("CODES", allowed))
                self.check(ended, 99, f": {nginx.target} answered {text}{ADVICE}")
                self.assertEqual([check["fails"] for check in ended.summary["checks"]], [0], ended)

    def test_a_proxy_without_a_backend(self):
        with Nginx(passing_on("127.0.0.1:1")) as nginx:
            self.check(self.call(nginx), 99, f"UNAVAILABLE: {answered(nginx, 502)}")
        with Haproxy("proto h2", "server pod 127.0.0.1:1 proto h2") as haproxy:
            self.check(self.call(haproxy), 99, f"UNAVAILABLE: {answered(haproxy, 503)}")


if __name__ == "__main__":
    unittest.main()
