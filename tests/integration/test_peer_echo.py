"""The same plans against lgen-server, Python's grpcio and Node.js' grpc-js: what lgen reports does not depend on who
serves, and every server has counted the same as lgen."""

import os
import tempfile
import unittest

import lgen
import peers
from relay import Relay

USERS, ROUNDS, MESSAGES = 3, 5, 20
TIMES = USERS * ROUNDS
UNARY, CLIENT, SERVER, BIDI = ("lgen.echo.Echo/" + name for name in ["Unary", "ClientStream", "ServerStream",
                                                                     "BidiStream"])
CODES = ["CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
         "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
         "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"]

# What echo.lua does, by method and code, in each of TIMES iterations.
CALLS = {(UNARY, code): 1 for code in CODES} | {(UNARY, "OK"): 1 + 4, (UNARY, "DEADLINE_EXCEEDED"): 2}
STREAMS = {(CLIENT, "OK"): 2, (CLIENT, "RESOURCE_EXHAUSTED"): 1,
           (SERVER, "OK"): 1, (SERVER, "NOT_FOUND"): 1, (SERVER, "CANCELLED"): 1,
           (BIDI, "OK"): 3, (BIDI, "FAILED_PRECONDITION"): 1, (BIDI, "DEADLINE_EXCEEDED"): 1, (BIDI, "CANCELLED"): 1}
SENT = {CLIENT: MESSAGES + 1, SERVER: 3, BIDI: 3 * MESSAGES + 2 + 2 + 1}
RECEIVED = {CLIENT: 2, SERVER: MESSAGES, BIDI: 3 * MESSAGES + 1 + 1 + 1}


def times(counts, runs=1):
    return {key: n * TIMES * runs for key, n in counts.items()}


def as_servers_see(counts):
    """A server cannot tell a deadline that has passed from a cancellation, unless it was asked for that code."""
    seen = dict(counts)
    for method, expired in [(UNARY, 1), (BIDI, 1)]:
        seen[method, "DEADLINE_EXCEEDED"] -= expired
        seen[method, "CANCELLED"] += expired
    return {key: n for key, n in seen.items() if n}


def alike(counts):
    """With cancelled bidi streams counted among those that ended well."""
    return counts | {(BIDI, "OK"): counts[BIDI, "OK"] + counts[BIDI, "CANCELLED"], (BIDI, "CANCELLED"): 0}


class EchoCase(unittest.TestCase):
    maxDiff = None

    def on_each_server(self, check):
        for start in peers.ECHO_SERVERS:
            with self.subTest(start.name), start() as server:
                check(server)

    def run_plan(self, server, name, *flags):
        ran = lgen.run(peers.plan(name), "--target", server.target, *flags)
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        self.assertEqual(ran.summary.json["conservation"], "")
        return ran.summary

    def check_books(self, server, runs=1):
        expected = times(as_servers_see(CALLS | STREAMS), runs)
        books = server.close_books(sum(expected.values()))
        if server.mistakes_cancel_for_end:
            expected, books.calls = alike(expected), alike(books.calls)
        self.assertEqual(books.calls, expected)
        if books.read is not None:
            # The deadlined calls' requests are read; a unary call is one message each way.
            unary = sum(CALLS.values())
            self.assertEqual(books.read, times(SENT | {UNARY: unary}, runs))
            self.assertEqual(books.written, times(RECEIVED | {UNARY: CALLS[UNARY, "OK"]}, runs))


class EveryKindAndEnd(EchoCase):
    def test_counts_and_codes(self):
        def check(server):
            summary = self.run_plan(server, "echo.lua", "--users", USERS, "--rounds", ROUNDS, "--messages", MESSAGES)
            self.assertEqual(summary.totals("grpc_calls", "method", "code"), times(CALLS))
            self.assertEqual(summary.totals("grpc_streams_ended", "method", "code"), times(STREAMS))
            self.assertEqual(summary.totals("grpc_messages_sent", "method"), times(SENT))
            self.assertEqual(summary.totals("grpc_messages_received", "method"), times(RECEIVED))
            # A call that is given up before any header has come names nobody but the peer.
            named = {backend for backend, code in summary.totals("grpc_calls", "backend", "code")
                     if code != "DEADLINE_EXCEEDED"}
            self.assertEqual(named, {server.backend})
            self.assertEqual(summary.total("grpc_connections"), 2)
            self.check_books(server)

        self.on_each_server(check)


class TooLarge(EchoCase):
    def test_codes(self):
        def check(server):
            summary = self.run_plan(server, "echo_limits.lua")
            self.assertEqual(summary.totals("grpc_calls", "code"), {"RESOURCE_EXHAUSTED": 18, "OK": 6})
            self.assertEqual(summary.totals("grpc_streams_ended", "code"), {"RESOURCE_EXHAUSTED": 6, "OK": 6})
            self.assertEqual(summary.total("grpc_connections"), 2)

        self.on_each_server(check)


class BesideTheMessages(EchoCase):
    """Metadata, trailers, rich errors and compression, with the servers that echo them."""

    REPLIES = 2 * 3 * 4 * 100000  # bytes of payload that echo_metadata.lua asks for

    def test_metadata_trailers_details_and_compressed_replies(self):
        for start in [peers.GrpcioEcho, peers.NodeEcho]:
            with self.subTest(start.name), start() as server, Relay(server.target) as relay:
                summary = self.run_plan(relay, "echo_metadata.lua")
                failed = {check["name"]: check for check in summary.json["checks"] if check["fails"]}
                self.assertEqual(failed, {})
                self.assertEqual(len(summary.json["checks"]), 3 * 9 + 1 + 2 * 5 + 3)
                self.check_size(relay.received, self.REPLIES, server.compresses_replies)

    def check_size(self, size, payload, compressed):
        if compressed:
            self.assertLess(size, payload / 10)
        else:
            self.assertGreater(size, payload)

    REQUESTS = """
local lgen = require "lgen"
local api = lgen.proto { files = { "echo.proto" } }
local Unary = api:method "lgen.echo.Echo/Unary"
local ch = lgen.grpc.channel("main", lgen.target, { compression = "HOW" })
lgen.scenario("s", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 5 },
  run = function()
    local reply = assert(ch:call(Unary, { payload = ("y"):rep(100000), reply_size = 1 }))
    lgen.check("all of it was read", reply.payload_bytes_seen == 100000)
  end,
})
"""

    def test_compressed_requests(self):
        def check(server):
            for how in ["none", "gzip", "deflate"]:
                with self.subTest(how), tempfile.TemporaryDirectory() as folder, Relay(server.target) as relay:
                    plan = os.path.join(folder, "requests.lua")
                    with open(plan, "w", encoding="utf-8") as file:
                        file.write(self.REQUESTS.replace("HOW", how))
                    self.run_plan(relay, plan)
                    self.check_size(relay.sent, 5 * 100000, how != "none")

        self.on_each_server(check)


if __name__ == "__main__":
    unittest.main()
