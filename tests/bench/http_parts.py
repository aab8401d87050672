"""Parts of the table about lgen.http, beside wrk and h2load, against nginx."""

from measure import count_instructions, run, turns
from rivals import checked_h2load, checked_wrk, count_of_wrk, h2load_gets, web_server, wrk_for
from table import Row, compared

REQUESTS = 100_000
CONNECTIONS = 32


class HttpParts:
    """What Bench inherits: each method is one part."""

    def http1(self):
        """HTTP/1.1 keep-alive GET, 32 connections"""
        with web_server("") as server:
            ours = self.gets(server, REQUESTS, CONNECTIONS)
            theirs = wrk_for(f"http://{server.target}/", CONNECTIONS, 3)
            mine, other = turns(self.runs, lambda: run(ours), lambda: checked_wrk(theirs, REQUESTS))
        return [compared("HTTP/1.1 GET, 32 connections", mine, other, REQUESTS, "request", 1.15, "wrk")]

    def http2(self):
        """HTTP/2 GET, 16 at a time on each of 4 connections"""
        connections, streams = 4, 16
        with web_server("http2") as server:
            ours = self.gets(server, REQUESTS, connections * streams, "--http", "2", "--connections", connections)
            theirs = h2load_gets(f"http://{server.target}/", REQUESTS, connections, streams)
            mine, other = turns(self.runs, lambda: run(ours), lambda: checked_h2load(theirs))
        return [compared("HTTP/2 GET, 4 x 16", mine, other, REQUESTS, "request", 1.00, "h2load")]

    def http1_instructions(self):
        """instructions of a GET over HTTP/1.1, which do not depend on what else the machine does"""
        with web_server("") as server:
            ours = instructions_of_each(lambda requests: self.gets(server, requests, CONNECTIONS))
            short, long = (count_of_wrk(wrk_for(f"http://{server.target}/", CONNECTIONS, seconds)) for seconds in (1, 3))
        theirs = (long[0] - short[0]) / (long[1] - short[1])
        return [Row("instructions of a GET over HTTP/1.1, 32 connections", ours / 1000, "thousand", None,
                    f"wrk {theirs / 1000:.1f}; without the kernel's")]

    def http2_instructions(self):
        """the same over HTTP/2"""
        connections, streams = 4, 16
        with web_server("http2") as server:
            ours = instructions_of_each(lambda requests: self.gets(
                server, requests, connections * streams, "--http", "2", "--connections", connections))
            theirs = instructions_of_each(lambda requests: h2load_gets(
                f"http://{server.target}/", requests, connections, streams))
        return [Row("instructions of a GET over HTTP/2, 4 x 16", ours / 1000, "thousand", None,
                    f"h2load {theirs / 1000:.1f}; without the kernel's")]

    def gets(self, server, requests, requests_at_a_time, *options):
        return self.lgen("get.lua", server, "--requests", requests, "--in-flight", requests_at_a_time,
                         "--validity", "warn", *options)


def instructions_of_each(command):
    """`command(n)` makes n requests; what starting and ending cost is left out."""
    few, many = 2_000, 12_000
    return (count_instructions(command(many)) - count_instructions(command(few))) / (many - few)
