"""What becomes of calls over both transports when their connection or their server goes: the same codes and counts, and
every call is accounted for."""

import signal
import tempfile
import unittest

import certificates
import lgen
import peers
from conformance_case import ConformanceCase
from programs import Server
from transports import TRANSPORTS, Differences, both_running, over_both, plan


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

    def test_the_run_is_stopped(self):
        """What is under way is cancelled then, which is no error."""
        with Server() as server, both_running(plan("in_flight.lua"), "--target", server.target, "--calls", self.CALLS,
                                              "--channels", self.CHANNELS, "--quiet", "--stop-timeout", "10ms") as runs:
            for run in runs.values():
                run.err.wait_for("all are under way")
                run.interrupt()
        self.check_books(runs)
        for run in runs.values():
            self.assertEqual(run.code, lgen.STOPPED, run.stdout)
            self.assertEqual(run.summary.totals("grpc_calls", "code"), {"CANCELLED": self.TIMES})
            self.assertEqual(run.summary.totals("grpc_streams_ended", "code"), {"CANCELLED": self.TIMES})
            self.assertEqual((run.summary.json["errors"], run.summary.totals("grpc_streams_failed", "code")), ([], {}))


class Made(ConformanceCase):
    """How long connections took to make is told where the transport knows."""

    def test_each_step(self):
        with tempfile.TemporaryDirectory() as folder:
            made = certificates.self_signed(folder, "localhost")
            with Server("--tls-cert", made.cert, "--tls-key", made.key) as server:
                runs = over_both(plan("made.lua"), "--target", f"localhost:{server.grpc_port}", "--ca", made.cert, "--quiet")
        for transport, run in runs.items():
            with self.subTest(transport):
                self.assertEqual(run.code, 0, run.stdout + run.stderr)
                self.check_told(run, bool(Differences().of("steps of connecting", transport)))

    def check_told(self, run, told):
        steps = ["dns", "connect", "tls", "settings"]
        events = run.summary.events("made")
        self.assertEqual([event["told"] for event in events], [told] * 2)
        for event in events:
            self.assertAlmostEqual(event["total"], sum(event[step] for step in steps), delta=1e-9)
            self.assertEqual([event[step] > 0 for step in steps], [told] * 4, event)
        self.assertEqual([record["timing"] is not None for record in run.summary.connections],
                         [told] * len(run.summary.connections))
        self.assertEqual("made in" in run.stdout, told)


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
                marks = {made["goaway"] for made in run.summary.connections if made["connection"] == 1}
                self.assertEqual(marks, set(Differences().of("GOAWAY in the report", transport)))


if __name__ == "__main__":
    unittest.main()
