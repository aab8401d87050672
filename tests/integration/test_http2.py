"""lgen.http over HTTP/2 against nginx: agreed on by ALPN or known beforehand, many requests on few connections, and
what is said where it is not spoken."""

import collections
import gzip
import os

import certificates
from lgen_runs import LgenCase
from proxies import Nginx
from waiting import eventually

SERVER = """
    default_type text/plain;
    client_body_buffer_size 16m;
    add_header x-backend pod-a always;
    location = /hello { return 200 "hello $server_protocol"; }
    location = /name { return 200 "$host $http_x_own $http_connection"; }
    location = /size { root FOLDER; client_body_in_single_buffer on; dav_methods PUT; return 200 $content_length; }
    location = /upload { proxy_pass http://127.0.0.1:PORT2/taken; }
    location = /moved { return 302 /hello; }
    location = /empty { return 204; }
    location = /large.bin { root FOLDER; }
    location = /packed.txt { root FOLDER; gzip_static on; }
"""

ASK = """
local lgen = require "lgen"
local web = lgen.http.client("web", { follow = 1, OPTIONS })
lgen.scenario("ask", { load = lgen.load.shared_iterations { vus = 1, iterations = 1 }, run = function()
  local function ask(...) local res, err = web:get(...); print(res and res.version .. " " .. res.body:sub(1, 80) or err); return res end
  BODY
end })
"""

LOAD = """
local lgen = require "lgen"
local web = lgen.http.client("web", { version = "2", follow = 1, OPTIONS })
lgen.scenario("load", {
  load = lgen.load.shared_iterations { vus = 50, iterations = 3000 },
  run = function(vu)
    local where = vu.iter % 10 == 0 and "/absent" or vu.iter % 7 == 0 and "/moved" or "/hello"
    lgen.check("answered", web:get(where))
  end,
})
"""


class Http2(LgenCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        text = b"packed " * 400
        for name, content in (("packed.txt", text), ("packed.txt.gz", gzip.compress(text)),
                              ("large.bin", b"0123456789abcdef" * 500_000)):
            with open(self.path(name), "wb") as file:
                file.write(content)
            os.chmod(self.path(name), 0o644)

    def nginx(self, listen, extra=""):
        text = SERVER.replace("FOLDER", self.folder)
        text = "\n".join(line for line in text.splitlines() if "/size" not in line and "/upload" not in line)
        return Nginx(text + extra, listen=listen)

    def tls(self, listen):
        made = certificates.self_signed(self.folder, "localhost", san="IP:127.0.0.1")
        return self.nginx(listen, f"ssl_certificate {made.cert}; ssl_certificate_key {made.key};"), made.cert

    def ask(self, server, body, *flags, options="", code=0, scheme="http"):
        options += f' base = "{scheme}://{server.target}"'
        plan = self.write("plan.lua", ASK.replace("OPTIONS", options).replace("BODY", body))
        ended = self.run_plan(plan, "--validity", "warn", *flags)
        self.assertEqual(ended.code, code, ended)
        return ended.out.splitlines()

    def test_known_beforehand(self):
        with self.nginx("http2") as server:
            lines = self.ask(server, """
                ask "/hello"; ask("/name", { headers = { ["X-Own"] = "own", Connection = "close" } })
                local moved = ask "/moved"; print(#moved.hops, moved.reused, moved.connection)
                local packed = ask "/packed.txt"; print(#packed.body, packed.headers["content-encoding"])
                local large = ask "/large.bin"; print(#large.body, large.body:sub(-4))
                print(web:get("/empty").status, web:head("/hello").status, web:get("/absent").status)
                """, options='version = "2",')
            self.assertEqual(lines[:10], ["2 hello HTTP/2.0", "2 127.0.0.1 own ", "2 hello HTTP/2.0", "1\ttrue\tweb#1",
                                          "2 " + ("packed " * 12)[:80], "2800\tgzip", "2 " + "0123456789abcdef" * 5,
                                          "8000000\tcdef", "204\t200\t404"][:10] + lines[9:10])

    def test_alpn_chooses_unless_told_otherwise(self):
        server, ca = self.tls("ssl http2")
        with server:
            for options, version in (("", "2 hello HTTP/2.0"), ('version = "1.1",', "1.1 hello HTTP/1.1"),
                                     ('version = "2",', "2 hello HTTP/2.0")):
                with self.subTest(options):
                    self.assertEqual(self.ask(server, 'ask "/hello"', "--ca", ca, options=options, scheme="https")[0],
                                     version)

    def test_a_server_without_it(self):
        server, ca = self.tls("ssl")
        with server:
            self.assertEqual(self.ask(server, 'ask "/hello"', "--ca", ca, scheme="https")[0], "1.1 hello HTTP/1.1")
            text = self.ask(server, 'ask "/hello"', "--ca", ca, options='version = "2",', scheme="https", code=99)[0]
            self.assertRegex(text, "UNAVAILABLE: GET https://.*(ALPN)")
        with self.nginx("") as server:
            text = self.ask(server, 'ask "/hello"', options='version = "2",', code=99)[0]
            self.assertIn("HTTP/1", text)

    def test_limits(self):
        with self.nginx("http2") as server:
            text = self.ask(server, 'ask "/large.bin"', options='version = "2", max_body = 1000000,', code=99)[0]
            self.assertIn("more than 1000000 bytes of body", text)
            text = self.ask(server, 'ask "/packed.txt"', options='version = "2", max_body = 1000,', code=99)[0]
            self.assertIn("more than 1000 bytes of body", text)
            text = self.ask(server, 'ask "/hello"', options='version = "2", max_head = 20,', code=99)[0]
            self.assertIn("more than 20 bytes of headers", text)

    def test_lgen_counts_what_nginx_counts(self):
        for options, most, extra in (("", 1, "http2_max_requests 100000;"), ("max_connections = 4", 4, ""),
                                     ("keepalive = false, max_connections = 20", 3400, "")):
            with self.subTest(options), self.nginx("http2", extra) as server:
                plan = self.write("plan.lua", LOAD.replace("OPTIONS", options + f' base = "http://{server.target}"'
                                                           if not options else options +
                                                           f', base = "http://{server.target}"'))
                ended = self.run_plan(plan, "--validity", "warn")
                self.assertEqual(ended.code, 0, ended)
                metrics = ended.summary["metrics"]
                statuses = collections.Counter()
                for name in ("http_requests", "http_redirects"):
                    for series in metrics[name]["series"]:
                        statuses[series["labels"]["code"]] += series["value"]
                eventually(lambda: len(server.access_log()) >= sum(statuses.values()), "nginx's whole log")
                log = collections.Counter(line.split()[8] for line in server.access_log())
                retried = metrics.get("http_requests_retried", {"total": {"value": 0}})["total"]["value"]
                self.assertLessEqual(abs(sum(log.values()) - sum(statuses.values())), retried)
                if not retried:
                    self.assertEqual(log, statuses)
                self.assertEqual(metrics["http_requests"]["total"]["value"], 3000)
                if not retried:
                    self.assertLessEqual(metrics["http_connections"]["total"]["value"], most)
                self.assertEqual(ended.summary["conservation"], "")

    def test_connections_that_the_server_gives_up_are_replaced(self):
        with self.nginx("http2", "keepalive_requests 50;") as server:
            plan = self.write("plan.lua", LOAD.replace("OPTIONS", f'base = "http://{server.target}"'))
            ended = self.run_plan(plan, "--validity", "warn")
            self.assertEqual(ended.code, 0, ended)
            self.assertGreater(ended.summary["metrics"]["http_connections"]["total"]["value"], 30)
            self.assertEqual(ended.summary["conservation"], "")
