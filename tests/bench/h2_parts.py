"""Parts of the table about the transport h2, beside h2load and beside gRPC core."""

import tempfile

from certificates import self_signed
from measure import count_instructions, median_cpu, run, turns
from programs import Server
from rivals import checked_h2load, framed, h2load_calls
from table import Row, compared

CALLS = 100_000


class H2Parts:
    """What Bench inherits: each method is one part."""

    def h2_1x32(self):
        """unary over h2, 32 in flight on one connection"""
        return [self.beside_h2load(1, 32, 1.00)]

    def h2_4x16(self):
        """unary over h2, 16 in flight on each of 4 connections"""
        return [self.beside_h2load(4, 16, 1.00)]

    def h2_16x16(self):
        """unary over h2, 16 in flight on each of 16 connections"""
        return [self.beside_h2load(16, 16, 1.00)]

    def h2_tls(self):
        """unary over h2 and TLS, 16 in flight on each of 4 connections"""
        return [self.beside_h2load(4, 16, 1.05, tls=True)]

    def h2_instructions(self):
        """instructions of a unary call, which do not depend on what else the machine does"""
        few, many = 2_000, 12_000
        with tempfile.TemporaryDirectory(prefix="lgen-bench-") as folder, Server() as server:
            body = framed(folder)
            each = lambda command: (count_instructions(command(many)) - count_instructions(command(few))) / (many - few)
            ours = each(lambda calls: self.lgen("unary.lua", server, "--transport", "h2", "--calls", calls, "--pick",
                                                "by_vu", "--validity", "warn"))
            theirs = each(lambda calls: h2load_calls(f"http://{server.target}", body, calls, 4, 16))
        return [Row("instructions of a unary call over h2, 4 x 16", ours / 1000, "thousand", None,
                    f"h2load {theirs / 1000:.1f}; without the kernel's")]

    def h2_unary(self):
        """unary, h2 beside gRPC core"""
        with Server() as server:
            h2, core = self.over_both("unary.lua", server, "--calls", CALLS)
        return [compared("unary over h2, 64 in flight, 4 channels", h2, core, CALLS, "call", None, "grpc")]

    def h2_stream(self):
        """30 client streams over 3 connections, flat out"""
        streams, messages = 30, 50_000
        with Server() as server:
            h2, core = self.over_both("stream.lua", server, "--messages", messages)
        count = streams * messages
        return [Row("streamed message over h2, 30 streams, 3 connections", median_cpu(h2) / count * 1e6, "us CPU", 0.6),
                compared("the same beside grpc", h2, core, count, "message", 1, "grpc")]

    def h2_held(self):
        """10,000 idle streams over h2: memory of each"""
        with Server() as server:
            return self.held_on([server], 10_000, 20, 3, "--transport", "h2")

    def h2_held_100k(self):
        """100,000 idle streams over h2, on four pods"""
        with Server() as a, Server() as b, Server() as c, Server() as d:
            return self.held_on([a, b, c, d], 100_000, 24, None, "--transport", "h2")

    def over_both(self, plan, server, *options):
        return turns(self.runs, lambda: run(self.lgen(plan, server, "--transport", "h2", *options)),
                     lambda: run(self.lgen(plan, server, *options)))

    def beside_h2load(self, connections, streams, goal, tls=False):
        with tempfile.TemporaryDirectory(prefix="lgen-bench-") as folder:
            flags, words, scheme = [], [], "http"
            if tls:
                made = self_signed(folder, "localhost", san="IP:127.0.0.1")
                flags = ["--tls-cert", made.cert, "--tls-key", made.key]
                words, scheme = ["--tls", "--ca", made.cert], "https"
            with Server(*flags) as server:
                url = f"{scheme}://{server.target}"
                theirs = h2load_calls(url, framed(folder), CALLS, connections, streams)
                ours = self.lgen("unary.lua", server, "--transport", "h2", "--calls", CALLS, "--channels", connections,
                                 "--in-flight", connections * streams, "--pick", "by_vu", "--validity", "warn", *words)
                mine, other = turns(self.runs, lambda: run(ours), lambda: checked_h2load(theirs))
        return compared(f"unary over h2{' and TLS' if tls else ''}, {connections} x {streams}", mine, other, CALLS,
                        "call", goal, "h2load")
