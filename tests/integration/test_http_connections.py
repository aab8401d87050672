"""Where connections of lgen.http go and come from, and how they prove themselves: against nginx, which tells what it
has seen."""

import os
import re

import certificates
from lgen_runs import LgenCase
from programs import Server
from proxies import Nginx
from raw_servers import Listener

SEEN = """
    default_type text/plain;
    add_header x-backend pod-a always;
    location = /from { return 200 $remote_addr; }
    location = /host { return 200 $host; }
    location = /reused { return 200 "$ssl_session_reused"; }
    location = /client { return 200 "$ssl_client_s_dn"; }
"""

ASK = """
local lgen = require "lgen"
local web = lgen.http.client("web", { OPTIONS })
lgen.scenario("ask", { load = lgen.load.shared_iterations { vus = 1, iterations = TIMES },
  run = function() local res, err = web:get("PATH"); print(res and res.body or err) end })
"""


class ConnectionsCase(LgenCase):
    def ask(self, path, *flags, options="", times=1, code=0, env=None):
        """What the requests were answered, or the errors."""
        plan = self.write("plan.lua", ASK.replace("OPTIONS", options).replace("PATH", path).replace("TIMES", str(times)))
        ended = self.run_plan(plan, "--validity", "warn", *flags, env=env)
        self.assertEqual(ended.code, code, ended)
        self.summary = ended.summary
        return ended.out.splitlines()[:times]


class Places(ConnectionsCase):
    def test_connect_to_leads_elsewhere_and_keeps_the_name(self):
        with Nginx(SEEN, listen="") as server:
            for words in (f"shop.invalid:80:{server.target}", f"::{server.target}", f"shop.invalid::{server.target}"):
                with self.subTest(words):
                    self.assertEqual(self.ask("http://shop.invalid/host", "--connect-to", words), ["shop.invalid"])
            self.assertIn("does not resolve", self.ask("http://shop.invalid/host", "--connect-to",
                                                       f"other.invalid:80:{server.target}", code=99)[0])

    def test_connect_to_may_lead_nowhere_else_before_it_leads_everything_elsewhere(self):
        with Nginx(SEEN, listen="") as server:
            rules = ["--connect-to", f"127.0.0.1:{server.port}::", "--connect-to", "::127.0.0.1:1"]
            self.assertEqual(self.ask(f"http://{server.target}/host", *rules), ["127.0.0.1"])
            self.assertIn("127.0.0.1:1: Connection refused", self.ask("http://shop.invalid/host", *rules, code=99)[0])

    def test_resolve_gives_addresses_of_its_own(self):
        with Nginx(SEEN, listen="") as server:
            url = f"http://shop.invalid:{server.port}/host"
            self.assertEqual(self.ask(url, "--resolve", f"shop.invalid:{server.port}:127.0.0.1"), ["shop.invalid"])
            self.assertEqual(self.ask(url, "--resolve", f"*:{server.port}:127.0.0.1"), ["shop.invalid"])

    def test_the_next_address_is_tried_when_one_does_not_answer(self):
        with Nginx(SEEN, listen="") as server:
            url = f"http://shop.invalid:{server.port}/host"
            self.assertEqual(self.ask(url, "--resolve", f"shop.invalid:{server.port}:127.0.0.99,127.0.0.1"),
                             ["shop.invalid"])

    def test_an_interface_is_where_connections_come_from_in_turn(self):
        with Nginx(SEEN, listen="") as server:
            base = f'base = "http://{server.target}", keepalive = false'
            self.assertEqual(self.ask("/from", "--interface", "127.0.0.21,127.0.0.22", options=base, times=4),
                             ["127.0.0.21", "127.0.0.22"] * 2)
            self.assertEqual(self.ask("/from", "--interface", "lo", options=base), ["127.0.0.1"])

    def test_a_local_socket(self):
        path = self.path("http.sock")
        with Nginx(SEEN + f"listen unix:{path};", listen="") as server:
            self.assertEqual(self.ask("/host", options=f'base = "http://shop.invalid", connect_to = "unix:{path}"'),
                             ["shop.invalid"])
            self.assertEqual(self.ask("/host", "--target", f"unix:{path}"), ["localhost"])


def counters(summary, name, label):
    return {one["labels"].get(label, ""): one["value"] for one in summary["metrics"][name]["series"]}


class Ledger(ConnectionsCase):
    def rows(self):
        return [(one["name"], one["target"], one["connections"], one["connection"]) for one in self.summary["channels"]]

    def test_connections_stand_in_the_report_with_the_reason_of_their_end(self):
        for listen, reason, words, goaway in (("", "answer", "", ""),
                                              ("http2", "goaway", "the server leaves", "seen")):
            with self.subTest(listen), Nginx(SEEN + "keepalive_requests 3;", listen=listen) as server:
                url = f"http://{server.target}"
                version = "2" if listen else "1.1"
                self.ask("/host", options=f'base = "{url}", version = "{version}"', times=10)
                self.assertEqual(self.rows(), [("web", url, 4, "kept")])
                self.assertEqual(counters(self.summary, "http_connections_closed", "reason"), {reason: 3})
                ended = [one for one in self.summary["connections"] if one["closed_at"] is not None]
                self.assertEqual([(one["channel"], one["connection"], one["reason"], one["goaway"]) for one in ended],
                                 [("web", n, words, goaway) for n in (1, 2, 3)])
                self.assertEqual({one["peer"] for one in self.summary["connections"]}, {server.target})
                self.assertEqual(self.summary["metrics"]["http_first_request_seconds"]["total"]["count"], 4)
                kinds = sorted((one["kind"], one["connection"]) for one in self.summary["first_calls"])
                self.assertEqual(kinds, [("first_on_backend", "web#1")] +
                                 [("first_on_connection", f"web#{n}") for n in (2, 3, 4)])

    def test_without_keep_alive_connections_are_counted_and_none_is_news(self):
        with Nginx(SEEN, listen="") as server:
            self.ask("/host", options=f'base = "http://{server.target}", keepalive = false', times=5)
            self.assertEqual(self.rows(), [("web", f"http://{server.target}", 5, "kept")])
            self.assertEqual(counters(self.summary, "http_connections_closed", "reason"), {"ours": 5})
            self.assertEqual(self.summary["connections"], [])
            self.assertEqual(self.summary["metrics"]["http_first_request_seconds"]["total"]["count"], 1)

    def test_what_could_not_be_made_and_what_was_lost_is_told(self):
        self.ask("http://127.0.0.1:1/", times=2, code=99)
        [row] = self.summary["channels"]
        self.assertEqual((row["target"], row["connections"], row["failed_attempts"]), ("http://127.0.0.1:1", 0, 2))
        self.assertIn("refused", row["last_error"])
        with Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") as server:
            plan = self.write("plan.lua", ASK.replace("OPTIONS", "").replace("PATH", f"http://{server.target}/x")
                              .replace("TIMES", "1"))
            ended = self.run_plan(plan, "--validity", "warn")
        self.assertEqual(ended.code, 99, ended)
        for text in ("CONNECTIONS", "1 socket for 1 HTTP host", f"web: 1 connection to http://{server.target}",
                     "web#1: lost with a request on it"):
            self.assertIn(text, ended.out)
        self.assertEqual(counters(ended.summary, "http_connections_closed", "reason"), {"failed": 1})


class Tls(ConnectionsCase):
    def setUp(self):
        super().setUp()
        self.authority = certificates.self_signed(self.folder, "authority", "ca")
        self.server = certificates.self_signed(self.folder, "shop.example", "server", san="DNS:shop.example")
        os.chmod(self.folder, 0o755)

    def nginx(self, extra=""):
        return Nginx(SEEN + f"ssl_certificate {self.server.cert}; ssl_certificate_key {self.server.key};" + extra,
                     listen="ssl")

    def flags(self, server, *more):
        return ["--ca", self.server.cert, "--resolve", f"*:{server.port}:127.0.0.1", *more]

    def test_the_certificate_is_checked_unless_told_otherwise(self):
        with self.nginx() as server:
            here = ["--resolve", f"*:{server.port}:127.0.0.1"]
            good = f"https://shop.example:{server.port}/host"
            self.assertEqual(self.ask(good, *self.flags(server)), ["shop.example"])
            self.assertRegex(self.ask(good, *here, code=99)[0], "^UNAVAILABLE: GET https://shop.example.*TLS with .* failed")
            self.assertEqual(self.ask(good, *here, "--skip-verify"), ["shop.example"])
            wrong = self.ask(f"https://other.example:{server.port}/host", *self.flags(server), code=99)[0]
            self.assertRegex(wrong, "shop.example")

    def test_plain_http_to_a_tls_port_and_the_other_way_round(self):
        with self.nginx() as tls, Nginx(SEEN, listen="") as plain:
            self.assertIn("400", str(self.ask_status(f"http://{tls.target}/host")))
            text = self.ask(f"https://{plain.target}/host", code=99)[0]
            self.assertIn("http://", text)

    def ask_status(self, url):
        self.ask(url, code=99)
        series = self.summary["metrics"]["http_requests"]["series"]
        return [one["labels"]["code"] for one in series]

    def test_a_client_certificate_is_shown(self):
        me = certificates.signed_by(self.authority, self.folder, "client-a", "me")
        with self.nginx(f"ssl_verify_client on; ssl_client_certificate {self.authority.cert};") as server:
            url = f"https://shop.example:{server.port}/client"
            self.assertEqual(self.ask(url, *self.flags(server, "--cert", me.cert, "--key", me.key)), ["CN=client-a"])
            self.ask(url, *self.flags(server), code=99)

    def test_sessions_are_taken_up_again_unless_told_otherwise(self):
        with self.nginx("ssl_session_cache shared:s:1m;") as server:
            url = f"https://shop.example:{server.port}/reused"
            said = self.ask(url, *self.flags(server), options="keepalive = false", times=3)
            self.assertEqual(said, [".", "r", "r"])
            self.assertEqual(self.summary["metrics"]["http_tls_resumed"]["total"]["value"], 2)
            options = f'keepalive = false, tls = {{ ca = "{self.server.cert}", reuse = false }}'
            self.assertEqual(self.ask(url, *self.flags(server), options=options, times=3), ["."] * 3)

    def test_keys_are_logged_for_those_who_look_at_packets(self):
        with self.nginx() as server:
            url = f"https://shop.example:{server.port}/host"
            for name, flags, env in (("flag.log", ["--key-log", self.path("flag.log")], {}),
                                     ("env.log", [], {"SSLKEYLOGFILE": self.path("env.log")})):
                self.ask(url, *self.flags(server), *flags, env=env)
                with open(self.path(name), encoding="utf-8") as file:
                    self.assertRegex(file.read(), r"(?m)^CLIENT_(RANDOM|HANDSHAKE_TRAFFIC_SECRET) [0-9a-f]{64} [0-9a-f]+$")
                self.assertEqual(os.stat(self.path(name)).st_mode & 0o777, 0o600)


class Plans(LgenCase):
    PLANS = os.path.join(os.path.dirname(__file__), "..", "..", "plans")

    def test_hello_over_http(self):
        with Server("--pod", "pod-7", "--app-version", "v3") as server:
            ended = self.run_plan(os.path.join(self.PLANS, "hello_http.lua"), "--target", f"127.0.0.1:{server.http_port}",
                                  "--validity", "warn")
            self.assertIn(ended.code, (0, 99), ended)  # 99: a busy machine is slower than 50 ms
            self.assertTrue(all(check["fails"] == 0 for check in ended.summary["checks"]), ended)
            [series] = ended.summary["metrics"]["http_requests"]["series"]
            self.assertEqual((series["labels"]["backend"], series["labels"]["code"], series["value"]), ("pod-7", "200", 200))

    def test_hello_goes_where_the_flags_say(self):
        certificate = certificates.self_signed(self.folder, "localhost", san="DNS:localhost,IP:127.0.0.1")
        lines = f"ssl_certificate {certificate.cert}; ssl_certificate_key {certificate.key}; return 200 hello;"
        with Nginx(lines + f" listen unix:{self.path('web.sock')};", listen="ssl") as server:
            for target, flags in ((server.target, ["--ca", certificate.cert]), (f"unix:{self.path('web.sock')}", [])):
                with self.subTest(target):
                    ended = self.run_plan(os.path.join(self.PLANS, "hello_http.lua"), "--target", target, *flags,
                                          "--validity", "warn")
                    self.assertIn(ended.code, (0, 99), ended)  # 99: a busy machine is slower than 50 ms
                    self.assertTrue(all(check["fails"] == 0 for check in ended.summary["checks"]), ended)

    def test_what_is_no_url_is_told_before_anything_is_asked(self):
        for url, says in (("http://h/a b", "--url: 'http://h/a b' holds a blank"), ("h/a", "--url: 'h/a' is no URL"),
                          ("http://h/caf\u00e9", "holds a blank or what is not ASCII")):
            with self.subTest(url):
                self.check(self.run_words(os.path.join(self.PLANS, "http_get.lua"), "--url", url), 104, says)

    def test_the_loop_around_curl(self):
        with Server("--app-version", "v3") as server:
            url = f"http://127.0.0.1:{server.http_port}/hellohttp?name=x"
            for source, version in (("header", "v3"), ("body", "v3-hellohttp")):
                ended = self.run_plan(os.path.join(self.PLANS, "http_get.lua"), "--url", url, "--version-from", source,
                                      "--duration", "100ms", "--validity", "warn")
                self.assertEqual(ended.code, 0, ended)
                self.assertRegex(ended.out.splitlines()[0], rf"^200 0\.\d{{6}} {version}$")
                self.assertRegex(ended.out, rf"(?m)^version {version}: \d+ in time, 0 slow, 0 lost$")
                made = ended.summary["metrics"]["http_connections"]["total"]["value"]
                self.assertEqual(made, ended.summary["metrics"]["http_requests"]["total"]["value"])

    def test_late_answers_are_slow_or_lost(self):
        limits = "location = /slow { root FOLDER; try_files /large.bin =404; limit_rate 20k; }"
        with open(self.path("large.bin"), "wb") as file:
            file.write(b"x" * 22_000)
        os.chmod(self.folder, 0o755)
        os.chmod(self.path("large.bin"), 0o644)
        with Nginx(limits.replace("FOLDER", self.folder), listen="") as server:
            plan, url = os.path.join(self.PLANS, "http_get.lua"), f"http://{server.target}/slow"
            ended = self.run_plan(plan, "--validity", "warn", "--url", url, "--slow", "10ms", "--duration", "10ms")
            self.assertRegex(ended.out, r"(?m)^version unknown: 0 in time, 1 slow, 0 lost$")
            ended = self.run_plan(plan, "--validity", "warn", "--url", url, "--lost-after", "20ms", "--duration", "10ms")
            self.assertEqual(ended.code, 99, ended)
            self.assertRegex(ended.out.splitlines()[0], r"^000 0\.\d{6} GET .* no whole answer within 0.02 s")

    def http_get(self, *words, code=0):
        ended = self.run_plan(os.path.join(self.PLANS, "http_get.lua"), "--validity", "warn", *words)
        self.assertEqual(ended.code, code, ended)
        return ended

    def loads(self, ended):
        return [one["load"] for one in ended.summary["scenarios"]]

    def test_hops_are_printed_also_of_what_was_lost(self):
        locations = "location = /a { return 301 /b; } location = /b { return 302 /c; } location = /c { return 200 x; } " \
                    "location = /d { return 302 http://127.0.0.1:1/; } location = /e { return 301 /f; } " \
                    "location = /f { return 302 ftp://127.0.0.1/; }"
        with Nginx(locations, listen="") as server:
            for path, follow, line in (("/a", 2, r"301 302 200 0\.\d{6} unknown"), ("/a", 1, r"301 302 0\.\d{6} unknown"),
                                       ("/a", 0, r"301 0\.\d{6} unknown")):
                ended = self.http_get("--url", f"http://{server.target}{path}", "--follow", str(follow), "--duration", "10ms")
                self.assertRegex(ended.out.splitlines()[0], f"^{line}$")
            ended = self.http_get("--url", f"http://{server.target}/d", "--follow", "1", "--duration", "10ms", code=99)
            self.assertRegex(ended.out.splitlines()[0], r"^302 000 0\.\d{6} GET http://127.0.0.1:1/: .*refused")
            ended = self.http_get("--url", f"http://{server.target}/e", "--follow", "2", "--duration", "10ms", code=99)
            self.assertRegex(ended.out.splitlines()[0], r"^301 302 000 0\.\d{6} GET .* redirects to where nobody can follow")

    def test_a_rate_makes_an_open_load_of_it(self):
        self.write("rate.json", '{"scenarios": {"get": {"rate": 100}}}')
        with Nginx("return 200 x;", listen="") as server:
            for words in (["--rate", "100"], ["--rate", "get=100"], ["--config", self.path("rate.json")]):
                with self.subTest(words):
                    ended = self.http_get("--target", server.target, *words, "--duration", "100ms")
                    self.assertEqual(self.loads(ended), ["100/s for 100ms, at most 100 VUs"])
                    self.assertEqual(ended.summary["metrics"]["http_requests"]["total"]["value"], 10)
                    self.assertEqual(len(re.findall(r"(?m)^200 0\.\d{6} unknown$", ended.out)), 10, ended.out)
            ended = self.http_get("--target", server.target, "--rate", "50", "--max-vus", "3", "--duration", "100ms")
            self.assertEqual(self.loads(ended), ["50/s for 100ms, at most 3 VUs"])
            ended = self.http_get("--target", server.target, "--duration", "10ms")
            self.assertEqual(self.loads(ended), ["1 VU for 10ms"])
        self.assertIn("--rate R of them a second", self.run_words(os.path.join(self.PLANS, "http_get.lua"), "--help").out)

    def test_answers_are_grouped_by_version(self):
        versions = 'set $v v1; if ($connection ~ "[13579]$") { set $v v2; } default_type application/json; ' \
                   '''return 200 '{"version": "$v-body"}'; add_header x-version $v; '''
        with Nginx("location / { " + versions + "}", listen="") as server:
            for source, tail in (("header", ""), ("body", "-body")):
                ended = self.http_get("--target", server.target, "--version-from", source, "--rate", "100", "--slow", "1h",
                                      "--duration", "100ms")
                counted = {version: int(n) for version, n in
                           re.findall(r"(?m)^version (\S+): (\d+) in time, 0 slow, 0 lost$", ended.out)}
                self.assertEqual(sorted(counted), ["v1" + tail, "v2" + tail], ended.out)
                self.assertEqual(sum(counted.values()), 10)
