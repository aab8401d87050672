"""h2load and wrk as Debian has them, and nginx for both sides to ask: commands, and whether all went well."""

import os
import re
import struct

from measure import run, under_callgrind
from proxies import Nginx

BODY = b"\x0a\x04vu16"  # hello.HelloRequest {name = "vu16"}, as plans/unary.lua sends it

WEB = """
    access_log off;
    keepalive_requests 1000000000;
    http2_max_concurrent_streams 1000;
    default_type text/plain;
    location = / { return 200 "hello, this is what a small answer of a web server looks like"; }
"""


def framed(folder):
    """A file with the body of a unary call in it."""
    path = os.path.join(folder, "framed")
    with open(path, "wb") as file:
        file.write(struct.pack(">BI", 0, len(BODY)) + BODY)
    return path


def h2load_calls(url, body, calls, connections, streams):
    """The same call as tests/bench/unary.lua makes, header by header."""
    headers = ("te: trailers", "grpc-timeout: 10S", "content-type: application/grpc",
               "grpc-accept-encoding: identity, deflate, gzip", "user-agent: grpc-lgen-h2/0.1.0")
    words = ["h2load", "-n", calls, "-c", connections, "-m", streams, "-d", body]
    for header in headers:
        words += ["-H", header]
    return words + [url + "/hello.Hello/SayHello"]


def h2load_gets(url, requests, connections, streams):
    return ["h2load", "-n", requests, "-c", connections, "-m", streams, url]


def checked_h2load(command):
    """Runs it. h2load looks at HTTP statuses alone; those must all be fine."""
    used = run(command)
    done, good = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded", used.out).groups()
    if not int(done) == int(good) == int(command[2]):
        raise RuntimeError(f"h2load did not succeed everywhere:\n{used.out}")
    return used


def wrk_for(url, connections, seconds):
    return ["wrk", "-t", 1, "-c", connections, "-d", f"{seconds}s", url]


def checked_wrk(command, requests):
    """wrk runs by the clock: its CPU time is scaled to `requests`."""
    used = run(command)
    if "Non-2xx" in used.out or "Socket errors" in used.out:
        raise RuntimeError(f"wrk did not succeed everywhere:\n{used.out}")
    made = int(re.search(r"(\d+) requests in", used.out)[1])
    used.cpu *= requests / made
    used.wall *= requests / made
    return used


def count_of_wrk(command):
    """Instructions of a run, and the requests it has made."""
    return under_callgrind(command, r"(\d+) requests in")


def web_server(listen):
    return Nginx(WEB, listen=listen)
