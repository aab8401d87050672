"""Parts of the table about lgen.http, beside wrk and h2load, against nginx."""

from measure import run, turns
from rivals import checked_h2load, checked_wrk, h2load_gets, web_server, wrk_for
from table import compared

REQUESTS = 100_000
CONNECTIONS = 32


class HttpParts:
    """What Bench inherits: each method is one part."""

    def http1(self):
        """HTTP/1.1 keep-alive GET, 32 connections"""
        with web_server("") as server:
            ours = self.gets(server, CONNECTIONS)
            theirs = wrk_for(f"http://{server.target}/", CONNECTIONS, 3)
            mine, other = turns(self.runs, lambda: run(ours), lambda: checked_wrk(theirs, REQUESTS))
        return [compared("HTTP/1.1 GET, 32 connections", mine, other, REQUESTS, "request", 1.15, "wrk")]

    def http2(self):
        """HTTP/2 GET, 16 at a time on each of 4 connections"""
        connections, streams = 4, 16
        with web_server("http2") as server:
            ours = self.gets(server, connections * streams, "--http", "2", "--connections", connections)
            theirs = h2load_gets(f"http://{server.target}/", REQUESTS, connections, streams)
            mine, other = turns(self.runs, lambda: run(ours), lambda: checked_h2load(theirs))
        return [compared("HTTP/2 GET, 4 x 16", mine, other, REQUESTS, "request", 1.00, "h2load")]

    def gets(self, server, requests_at_a_time, *options):
        return self.lgen("get.lua", server, "--requests", REQUESTS, "--in-flight", requests_at_a_time,
                         "--validity", "warn", *options)
