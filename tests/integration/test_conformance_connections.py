"""What becomes of connections over both transports: refused in every way, let go in good order, killed, full. The codes
are the same, the texts of both name the cause and the place, and every call is accounted for."""

import collections
import signal
import tempfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import certificates
import lgen
import peers
from h2_script import ScriptedServer
from programs import Server
from proxies import Nginx
from raw_servers import HTTP_1, Listener
from transports import TRANSPORTS, Differences, books, both_running, over_both, plan
from waiting import PATIENCE_SECONDS, dead_target

GUIDE_NAME = "grpc.example.com"


class ConformanceCase(unittest.TestCase):
    maxDiff = None

    def check_books(self, runs):
        """Nothing is lost, and both have done the same."""
        for transport, run in runs.items():
            self.assertIsNotNone(run.summary, (transport, run.stderr))
            self.assertEqual(run.summary.json["conservation"], "", run.stdout)
        counts = {transport: books(run.summary) for transport, run in runs.items()}
        self.assertEqual(counts["grpc"], counts["h2"])

    def ended(self, run):
        """{(form, code, kind): count} of the plan's events."""
        return collections.Counter((event["form"], event["code"], event["kind"]) for event in run.summary.events("ended"))


class Row:
    """A way to dial a server. `code`, `kind` and, for those that are reached, `authority` are what both must say;
    `words`: one of them stands in the text."""

    def __init__(self, name, target, *flags, code="UNAVAILABLE", authority="", words=()):
        self.name, self.target, self.flags = name, target, flags
        self.kind = "" if code == "OK" else "connect"
        self.code, self.authority, self.words = code, authority, words


def reached(name, target, *flags, authority=None):
    return Row(name, target, *flags, code="OK", authority=authority or target)


class Reach(ConformanceCase):
    """Certificates, names and protocols that fit, and those that do not."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.local = certificates.self_signed(folder, "localhost", "local", san="DNS:localhost,IP:127.0.0.1")
        self.guide = certificates.self_signed(folder, GUIDE_NAME, "guide")  # names itself in its subject only
        self.root = certificates.self_signed(folder, "a root", "root")
        self.expired = certificates.signed_by(self.root, folder, "localhost", "expired", days=-1)

    def serve(self, certificate):
        return self.enterContext(Server("--tls-cert", certificate.cert, "--tls-key", certificate.key)).target

    def rows(self):
        plain = self.enterContext(Server()).target
        local, guide, expired = map(self.serve, [self.local, self.guide, self.expired])
        certified = f"ssl_certificate {self.local.cert}; ssl_certificate_key {self.local.key};"
        trust, trust_guide = ["--ca", self.local.cert], ["--ca", self.guide.cert]
        named = ["--server-name", GUIDE_NAME]
        not_ours = ["does not verify", "does not vouch", "no root of this system vouches"]
        other_name = ["for another name", "is not in the certificate"]
        return [
            reached("plaintext", plain),
            reached("another authority", plain, "--authority", "me.example.com", authority="me.example.com"),
            reached("a certificate that fits", local, *trust),
            reached("the guide's certificate", guide, *trust_guide, *named, authority=GUIDE_NAME),
            reached("the guide's, and another authority", guide, *trust_guide, *named, "--authority", "other.example.com",
                    authority="other.example.com"),
            reached("nobody looks", guide, "--tls", "--skip-verify"),
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


class InFlight(ConformanceCase):
    """Twenty calls and streams of each transport are under way when something happens to their server."""

    CALLS, CHANNELS = 5, 2
    TIMES = CALLS * CHANNELS
    LOST = {("unary", "UNAVAILABLE", "status"): TIMES, ("stream", "UNAVAILABLE", "status"): TIMES}
    NOBODY = {("afterwards", "UNAVAILABLE", "connect"): 1}

    def interrupt(self, server, number, expected, *flags):
        """Sends the signal once all are under way; how every call ended, by both."""
        with both_running(plan("in_flight.lua"), "--target", server.target, "--calls", self.CALLS, "--channels",
                             self.CHANNELS, "--quiet", *flags) as runs:
            for run in runs.values():
                run.err.wait_for("all are under way")
            server.send_signal(number)
            for run in runs.values():
                run.finish()
        self.check_books(runs)
        for run in runs.values():
            self.assertEqual(self.ended(run), expected, run.stdout)
            for event in run.summary.events("ended"):
                self.assertTrue(event["code"] == "OK" or event["message"])
        return runs

    def marks(self, runs):
        return {transport: {connection["goaway"] for connection in run.summary.connections if connection["reason"]}
                for transport, run in runs.items()}

    def test_a_server_is_killed(self):
        for start in peers.ECHO_SERVERS:
            with self.subTest(start.name), start() as server:
                runs = self.interrupt(server, signal.SIGKILL, self.LOST | self.NOBODY)
                self.assertEqual(self.marks(runs), {transport: {""} for transport in TRANSPORTS})

    def test_a_server_finishes_what_it_has_begun(self):
        done = {("unary", "OK", ""): self.TIMES, ("stream", "OK", "status"): self.TIMES}
        with Server() as server:
            runs = self.interrupt(server, signal.SIGTERM, done | self.NOBODY, "--delay", "500ms")
            self.assertEqual(server.wait(), 0)
        listed = {transport: set(Differences().of("GOAWAY in the report", transport)) for transport in TRANSPORTS}
        self.assertEqual(self.marks(runs), listed)

    def test_a_server_loses_patience(self):
        with Server("--shutdown-grace", "300ms") as server:
            self.interrupt(server, signal.SIGTERM, self.LOST | self.NOBODY)

    def test_a_server_stops_answering(self):
        with Server() as server:
            self.interrupt(server, signal.SIGSTOP, self.LOST | self.NOBODY, "--keepalive", "1s")
            server.send_signal(signal.SIGCONT)


class Aging(ConformanceCase):
    def test_connections_that_are_too_old_cost_no_call(self):
        users = 3
        with Server("--max-connection-age", "1s", "--max-connection-age-grace", "1s") as server:
            runs = over_both(plan("aging.lua"), "--target", server.target, "--users", users, "--quiet")
        for transport, run in runs.items():
            with self.subTest(transport):
                self.assertEqual(run.code, 0, run.stdout)
                self.assertEqual(run.summary.json["conservation"], "")
                self.assertEqual(run.summary.totals("grpc_streams_ended", "code"), {"UNAVAILABLE": users})
                self.assertEqual(set(run.summary.totals("grpc_calls", "code")), {"OK"})
                first = {connection["goaway"] for connection in run.summary.connections if connection["connection"] == 1}
                self.assertEqual(first, set(Differences().of("GOAWAY in the report", transport)))


class Gate:
    """Lets nobody through until as many calls stand before it as the connection may have, and notes if there are more.
    So whoever leaves a place unused does not get through at all."""

    def __init__(self, places):
        self.places, self.inside, self.crowded = places, 0, False
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(places)

    def __call__(self, call):
        with self._lock:
            self.inside += 1
            self.crowded = self.crowded or self.inside > self.places
        call.wait_for_request()
        self._barrier.wait(PATIENCE_SECONDS)
        with self._lock:
            self.inside -= 1
        call.send(*call.answer(b"pong"))


class Queueing(ConformanceCase):
    """A server that lets few streams in at a time."""

    def test_every_place_is_used_and_no_more(self):
        for places in [1, 2, 100]:
            for transport in TRANSPORTS:
                calls = max(10, places)
                gate = Gate(places)
                with self.subTest(f"{places}, {transport}"), ScriptedServer({"gate": gate}, {3: places}) as server:
                    (run,) = over_both(plan("queueing.lua"), "--target", server.target, "--calls", calls, "--quiet",
                                       transports=[transport]).values()
                    self.assertEqual(run.code, 0, run.stdout)
                    self.assertEqual(run.summary.json["conservation"], "")
                    self.assertEqual(run.summary.totals("grpc_calls", "code"), {"OK": calls})
                    self.assertEqual(run.summary.totals("grpc_streams_ended", "code"), {"OK": calls})
                    self.assertEqual((gate.crowded, server.mistakes, server.connections), (False, [], 1))

    def test_a_proxy_with_few_places(self):
        site = "http2_max_concurrent_streams 2; location / {{ grpc_pass grpc://{}; }}"
        with peers.LgenEcho() as server, Nginx(site.format(server.target)) as nginx:
            runs = over_both(plan("calls.lua"), "--target", nginx.target, "--crowd", 100, "--users", 1, "--quiet")
            for run in runs.values():
                self.assertEqual(run.code, 0, run.stdout)
            self.check_books(runs)


if __name__ == "__main__":
    unittest.main()
