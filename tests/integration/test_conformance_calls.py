"""Every kind of call and end over both transports, against servers of three makes and through two proxies: the same
plan, the same counts, the same codes, and the servers have counted the same."""

import contextlib
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import certificates
import peers
from proxies import Haproxy, Nginx, pem_of
from test_peer_echo import CALLS, MESSAGES, RECEIVED, ROUNDS, SENT, STREAMS, USERS, EchoCase, times
from transports import TRANSPORTS, Differences, books, over_both, plan

ECHO = ["--users", USERS, "--rounds", ROUNDS, "--messages", MESSAGES]


class Bench:
    """Where a plan is run: the target, the server behind it, and the flags to get there."""

    def __init__(self, name, target, server, flags=()):
        self.name, self.target, self.server, self.flags = name, target, server, flags
        self.orderly = set()  # transports that cannot do here what one side ends early


class Calls(EchoCase):
    @classmethod
    def setUpClass(cls):
        cls.differences = Differences()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.certificate = certificates.self_signed(folder, "localhost", san="DNS:localhost,IP:127.0.0.1")

    @contextlib.contextmanager
    def behind_nginx(self, server, listen="http2", words="", flags=()):
        site = f"{words} location / {{ grpc_pass grpc://{server.target}; grpc_read_timeout 1h; }}"
        with Nginx(site, listen) as nginx:
            yield Bench(f"nginx before {server.name}", nginx.target, server, flags)

    def behind_nginx_with_tls(self, server):
        words = f"ssl_certificate {self.certificate.cert}; ssl_certificate_key {self.certificate.key};"
        return self.behind_nginx(server, "ssl http2", words, ["--ca", self.certificate.cert])

    @contextlib.contextmanager
    def behind_haproxy(self, server):
        bind = f"ssl crt {pem_of(self.certificate)} alpn h2"
        with Haproxy(bind, f"server pod {server.target} proto h2") as haproxy:
            bench = Bench(f"HAProxy before {server.name}", haproxy.target, server, ["--ca", self.certificate.cert])
            bench.orderly = {transport for transport in TRANSPORTS
                             if self.differences.of("HAProxy: the server ends a stream first", transport)}
            yield bench

    @contextlib.contextmanager
    def direct(self, server):
        yield Bench(server.name, server.target, server)

    def on_every_bench(self, check):
        for start, way in [*((start, self.direct) for start in peers.ECHO_SERVERS),
                           (peers.GrpcioEcho, self.behind_nginx), (peers.NodeEcho, self.behind_nginx_with_tls),
                           (peers.LgenEcho, self.behind_haproxy)]:
            with start() as server, way(server) as bench, self.subTest(bench.name):
                check(bench)

    def run_on_both(self, bench, path, *flags):
        """The summaries, after what they must have in common."""
        runs = over_both(path, "--target", bench.target, "--quiet", *bench.flags, *flags)
        for transport, run in runs.items():
            self.assertEqual(run.code, 0, (path, transport, run.stdout, run.stderr))
            self.assertEqual(run.summary.json["conservation"], "")
            self.assertEqual(run.summary.json["run"]["transport"], transport)
        counts = {transport: books(run.summary) for transport, run in runs.items()}
        self.assertEqual(counts["grpc"], counts["h2"])
        return {transport: run.summary for transport, run in runs.items()}

    def test_every_kind_and_end(self):
        def check(bench):
            if bench.orderly:
                return self.check_orderly(bench)
            for summary in self.run_on_both(bench, peers.plan("echo.lua"), *ECHO).values():
                self.check_echo(summary)
            self.check_books(bench.server, runs=len(TRANSPORTS))

        self.on_every_bench(check)

    def check_echo(self, summary):
        self.assertEqual(summary.totals("grpc_calls", "method", "code"), times(CALLS))
        self.assertEqual(summary.totals("grpc_streams_ended", "method", "code"), times(STREAMS))
        self.assertEqual(summary.totals("grpc_messages_sent", "method"), times(SENT))
        self.assertEqual(summary.totals("grpc_messages_received", "method"), times(RECEIVED))

    def check_orderly(self, bench):
        """What both can, over both; the whole over those that can it."""
        self.run_on_both(bench, peers.plan("echo.lua"), *ECHO, "--orderly")
        others = [transport for transport in TRANSPORTS if transport not in bench.orderly]
        for run in over_both(peers.plan("echo.lua"), "--target", bench.target, *bench.flags, *ECHO,
                             transports=others).values():
            self.assertEqual(run.code, 0, run.stdout + run.stderr)
            self.check_echo(run.summary)

    def test_sizes_compression_metadata_closing_giving_up_and_crowds(self):
        def check(bench):
            orderly = ["--orderly"] if bench.orderly else []
            jobs = [(bench, plan("calls.lua"), *orderly), (bench, peers.plan("echo_limits.lua"))]
            if bench.server.name != peers.LgenEcho.name:  # it gives no metadata back
                jobs.append((bench, peers.plan("echo_metadata.lua")))
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda job: self.run_on_both(*job), jobs))

        self.on_every_bench(check)


if __name__ == "__main__":
    unittest.main()
