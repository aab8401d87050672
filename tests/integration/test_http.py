"""lgen.http against nginx: what plans get and send, and that lgen counts what nginx counts."""

import collections
import gzip
import os
import tempfile
import unittest

from lgen import REPOSITORY, Run, run
from lgen_runs import LgenCase
from proxies import Nginx
from waiting import eventually

PLAN = os.path.join(REPOSITORY, "tests", "lua", "http_calls.lua")

SERVER = """
    add_header x-backend pod-a always;
    keepalive_requests 1000000;
    default_type text/plain;
    location = /hello { return 200 "hello"; }
    location = /broken { return 500 "sorry"; }
    location = /absent { return 404; }
    location = /echo/base { return 200 $http_x_base; }
    location = /echo/connection { return 200 $http_connection; }
    location = /method { if ($request_method = HEAD) { return 200; } return 200 $request_method; }
    location = /size { return 200 $content_length; }
    location = /type { return 200 "$content_type $content_length"; }
    location = /json { default_type application/json; return 200 '{"list": ["a", "b"]}'; }
    location = /empty { return 204; }
    location = /moved { return 301 /further; }
    location = /further { return 302 hello; }
    location = /loop { return 302 /loop; }
    location = /packed.txt { root FILES; gzip_static on; }
    location = /slow { root FILES; try_files /large.bin =404; limit_rate 1k; }
"""


def files():
    folder = tempfile.TemporaryDirectory(prefix="lgen-http-")
    text = b"packed " * 400
    for name, content in (("packed.txt", text), ("packed.txt.gz", gzip.compress(text)), ("large.bin", b"x" * 100_000)):
        with open(os.path.join(folder.name, name), "wb") as file:
            file.write(content)
    os.chmod(folder.name, 0o755)
    return folder


def nginx_in(folder):
    return Nginx(SERVER.replace("FILES", folder), listen="")


def statuses_in(log):
    return dict(collections.Counter(line.split()[8] for line in log))


class Plans(unittest.TestCase):
    def test_everything_a_plan_can_ask_for(self):
        with files() as name, nginx_in(name) as server:
            done = run(PLAN, "--target", server.target)
            failed = [c for c in done.summary.json["checks"] if c["fails"]] if done.summary else None
            self.assertEqual(done.code, 0, f"{failed}\n{done.stderr}")
            self.assertEqual(done.summary.json["conservation"], "")
            codes = done.summary.totals("http_requests", "code")
            self.assertEqual(codes["refused"], 1)
            self.assertEqual(codes["timeout"], 1)
            self.assertEqual(codes["protocol"], 1)
            self.assertEqual(done.summary.total("http_requests_failed"), 3)
            self.assertIn("GET /hello", done.stdout)


LOAD = """
local lgen = require "lgen"
local web = lgen.http.client("web", { follow = 1, max_connections = %d })
lgen.scenario("load", {
  load = lgen.load.shared_iterations { vus = 20, iterations = 2000 },
  run = function(vu)
    local where = vu.iter %% 10 == 0 and "/absent" or vu.iter %% 7 == 0 and "/further" or "/hello"
    lgen.check("answered", web:get(where))
  end,
})
"""


class Books(LgenCase):
    def test_lgen_counts_what_nginx_counts(self):
        """Requests and redirects together are the lines of nginx's log, status by status, and so are the connections."""
        with files() as name, nginx_in(name) as server:
            for connections in (20, 5):
                before = len(server.access_log())
                plan = self.write("plan.lua", LOAD % connections)
                done = run(self.path(plan), "--target", server.target)
                self.assertEqual(done.code, 0, done.stderr)
                statuses = done.summary.totals("http_requests", "code")
                for code, n in done.summary.totals("http_redirects", "code").items():
                    statuses[code] = statuses.get(code, 0) + n
                eventually(lambda: len(server.access_log()) - before >= sum(statuses.values()), "nginx's whole log")
                self.assertEqual(statuses, statuses_in(server.access_log()[before:]))
                self.assertEqual(done.summary.total("http_requests"), 2000)
                self.assertLessEqual(done.summary.total("http_connections"), connections)
                self.assertEqual(done.summary.total("http_requests_reused") + done.summary.total("http_connections"),
                                 2000)
                self.assertEqual(done.summary.json["conservation"], "")
                self.assertEqual(done.summary.total("http_connections_open"),
                                 done.summary.total("http_connections"))
                self.assertEqual("http_queue_seconds" in done.summary.json["metrics"], connections < 20)

    def test_requests_in_flight_at_the_stop_are_cancelled_and_counted(self):
        with files() as name, nginx_in(name) as server:
            plan = self.write("plan.lua", """
local lgen = require "lgen"
local web = lgen.http.client("web")
lgen.scenario("hang", {
  load = lgen.load.constant_vus { vus = 3, duration = "1h" }, graceful_stop = "10ms",
  run = function() web:get("/hello"); lgen.log.warn("going"); web:get("/slow", { timeout = 0 }) end })
""")
            with Run(self.path(plan), "--target", server.target) as running:
                for _ in range(3):
                    running.err.wait_for("going")
                done = running.interrupt()
            self.assertEqual(done.summary.totals("http_requests", "code"), {"200": 3, "cancelled": 3})
            self.assertEqual(done.summary.json["conservation"], "")

    def test_the_check_of_a_plan_asks_nobody(self):
        plan = self.write("plan.lua", LOAD % 1)
        ended = self.run_words("check", plan, "--target", "127.0.0.1:1")
        self.assertEqual(ended.code, 0, ended)

    def test_a_trace_shows_the_first_requests_whole(self):
        with files() as name, nginx_in(name) as server:
            plan = self.write("plan.lua", LOAD % 1)
            ended = self.run_plan(plan, "--validity", "warn", "--target", server.target, "--trace", "--iterations", "1", "--vus", "1")
            self.check(ended, 0, "trace #1 GET http://", "> head \"GET ", "< 200 OK, headers {", "x-backend",
                       "< body of 5 bytes \"hello\"", "< done after")
            self.assertNotIn("trace #2", ended.err)


if __name__ == "__main__":
    unittest.main()
