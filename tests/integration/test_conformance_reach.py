"""Servers that can be reached, and those that cannot, over both transports: certificates, names and protocols that fit
or do not. The codes are the same, and the texts of both name the cause and the place."""

import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import certificates
import lgen
from conformance_case import ConformanceCase
from grpc_peer import Peer
from programs import Server
from proxies import Nginx
from raw_servers import HTTP_1, Listener
from transports import TRANSPORTS, Differences, over_both, plan
from waiting import dead_target

GUIDE_NAME = "grpc.example.com"


class Row:
    """A way to dial a server. `code`, `kind` and, for those that are reached, `authority` are what both must say;
    `words`: one of them stands in the text."""

    def __init__(self, name, target, *flags, code="UNAVAILABLE", authority="", words=()):
        self.name, self.target, self.flags = name, target, flags
        self.kind = "" if code == "OK" else "connect"
        self.code, self.authority, self.words = code, authority, words


def reached(name, target, *flags, authority=None):
    return Row(name, target, *flags, code="OK", authority=target if authority is None else authority)


class Reach(ConformanceCase):
    """Certificates, names and protocols that fit, and those that do not."""

    def setUp(self):
        self.folder = folder = self.enterContext(tempfile.TemporaryDirectory())
        self.local = certificates.self_signed(folder, "localhost", "local", san="DNS:localhost,IP:127.0.0.1")
        self.guide = certificates.self_signed(folder, GUIDE_NAME, "guide")  # names itself in its subject only
        self.root = certificates.self_signed(folder, "a root", "root")
        self.expired = certificates.signed_by(self.root, folder, "localhost", "expired", days=-1)
        self.ours = certificates.signed_by(self.root, folder, "a client", "ours")

    def serve(self, certificate, *flags):
        return self.enterContext(Server("--tls-cert", certificate.cert, "--tls-key", certificate.key, *flags)).target

    def rows(self):
        plain = self.enterContext(Server()).target
        local, guide, expired = map(self.serve, [self.local, self.guide, self.expired])
        certified = f"ssl_certificate {self.local.cert}; ssl_certificate_key {self.local.key};"
        trust, trust_guide = ["--ca", self.local.cert], ["--ca", self.guide.cert]
        named = ["--server-name", GUIDE_NAME]
        strict = self.serve(self.local, "--tls-client-ca", self.root.cert)
        not_ours = ["does not verify", "does not vouch", "no root of this system vouches"]
        other_name = ["for another name", "is not in the certificate"]
        return [
            reached("plaintext", plain),
            reached("another authority", plain, "--authority", "me.example.com", authority="me.example.com"),
            reached("a certificate that fits", local, *trust),
            reached("the guide's certificate", guide, *trust_guide, *named, authority=GUIDE_NAME),
            reached("the guide's, another authority", guide, *trust_guide, *named, "--authority", "other.example.com",
                    authority="other.example.com"),
            reached("IPv6", self.enterContext(Peer(address="[::1]:0")).target, authority=""),  # which it does not tell
            reached("a socket", self.enterContext(Peer(address=f"unix:{self.folder}/socket")).target, authority=""),
            reached("nobody looks", guide, "--tls", "--skip-verify"),
            reached("a client's certificate", strict, *trust, "--cert", self.ours.cert, "--key", self.ours.key),
            Row("no client's certificate", strict, *trust,
                words=["before HTTP/2 begins", "client certificate"]),
            Row("another client's certificate", strict, *trust, "--cert", self.local.cert, "--key", self.local.key,
                words=["before HTTP/2 begins", "client certificate"]),
            Row("another CA", local, *trust_guide, words=not_ours),
            Row("the system's CAs", local, "--tls", words=not_ours),
            Row("an address as the name", guide, *trust_guide, words=other_name),
            Row("another name", local, *trust, "--server-name", "elsewhere.example.com", words=other_name),
            Row("expired", expired, "--ca", self.root.cert, "--server-name", "localhost",
                words=["does not verify", "expired on"]),
            Row("plaintext to TLS", local, "--plaintext", words=["a TLS port dialled without --tls"]),
            Row("TLS to plaintext", plain, *trust, words=["did not complete the TLS handshake", "does not speak TLS"]),
            Row("no ALPN", self.enterContext(Nginx(certified, "ssl")).target, *trust,
                words=["did not complete the TLS handshake", "no ALPN 'h2'"]),
            Row("HTTP/1", self.enterContext(Listener(HTTP_1)).target, words=["speaks HTTP/1"]),
            Row("closes at once", self.enterContext(Listener(b"")).target, words=["no gRPC server?"]),
            Row("says nothing", self.enterContext(Listener()).target, "--attempt", "1s", words=["no gRPC server?"]),
            Row("nobody", self.enterContext(dead_target()), words=["nothing listens there"]),
            Row("no such name", "no-such-name.invalid:1", words=["does not resolve"]),
        ]

    def test_each_way(self):
        rows = self.rows()
        with ThreadPoolExecutor(6) as pool:
            runs = list(pool.map(lambda row: over_both(plan("reach.lua"), "--target", row.target, "--wait-ready", "0",
                                                       "--quiet", *row.flags), rows))
        for row, both in zip(rows, runs):
            with self.subTest(row.name):
                self.check_books(both)
                for run in both.values():
                    self.check_row(row, run)

    def check_row(self, row, run):
        self.assertEqual(run.code, 0 if row.code == "OK" else lgen.FAILED, run.stdout + run.stderr)
        self.assertEqual(self.ended(run), {(form, row.code, row.kind): 1 for form in ["unary", "stream"]})
        for event in run.summary.events("ended"):
            self.assertEqual(event["authority"], row.authority)
            if row.words:
                self.assertIn(row.target, event["message"])
                self.assertTrue(any(words in event["message"] for words in row.words), event["message"])


class Refusals(ConformanceCase):
    """What only gRPC core can is refused before anything is sent; DESIGN.md lists it."""

    OPTIONS = {"lb": '"round_robin"', "service_config": '"{}"', "retries": "true", "args": '{ ["grpc.x"] = 1 }'}
    TARGETS = {"ipv4:A,B": "ipv4:127.0.0.1:1,127.0.0.1:2", "dns://SERVER/NAME": "dns://127.0.0.1/localhost:1"}
    FLAGS = {"--proxy env": ["--proxy", "env"]}

    def refused(self, name, transport, *flags):
        run = over_both(plan("options.lua"), "--quiet", "--wait-ready", "0", *flags, transports=[transport])[transport]
        if transport in Differences().refusing(name):
            self.assertEqual(run.code, lgen.CONFIGURATION, (name, run.stdout, run.stderr))
            self.assertIn('or use transport "grpc"', run.stderr)
        else:
            self.assertNotEqual(run.code, lgen.CONFIGURATION, (name, run.stderr))

    def test_each(self):
        with dead_target() as nobody:
            for transport in TRANSPORTS:
                for name, value in self.OPTIONS.items():
                    self.refused(name, transport, "--target", nobody, "--channel", f"return {{ {name} = {value} }}")
                for name, target in self.TARGETS.items():
                    self.refused(name, transport, "--target", target, "--plaintext")
                for name, flags in self.FLAGS.items():
                    self.refused(name, transport, "--target", nobody, *flags)


if __name__ == "__main__":
    unittest.main()
