"""--out prometheus: Debian's Prometheus scrapes a running lgen and lgen-server, and PromQL says what the summary says."""

import json
import signal
import socket
import unittest

import hdr
from lgen_runs import CALLS, LgenCase
from programs import Server, http_get, parse_metrics
from prometheus import Prometheus, promtool_check
from waiting import eventually, free_port

MIXED = CALLS + """
local Text = lgen.proto { files = { "streaming.proto" } }:method "streaming.Streamer/ProcessTextStream"
local size = lgen.histogram("answer_bytes", { unit = "B", labels = { "kind" }, help = "How large answers are." })
lgen.scenario("more", {
  load = lgen.load.constant_vus { vus = 3, duration = "5m" },
  phases = { { "warmup", "1s" }, { "rest", "1s" } },
  run = function(vu)
    local reply, err = ch:call(Unary, { payload = "x", delay_seconds = lgen.random.exponential(0.004), error_probability = 0.1 })
    lgen.check("replied", reply)
    size:record(lgen.random.int(1, 100000), { kind = lgen.random.bool(0.5) and 'a "b"' or "c\\\\d" })
    local s = ch:open(Text)
    s:send { message = "hello" }
    s:close(5)
    lgen.sleep(0.02)
  end,
})
"""

LAST = "last_over_time({}[10m])"  # also of a target that is gone


def series_key(labels):
    return tuple(sorted((name, value) for name, value in labels.items() if name not in ("__name__", "instance", "job", "le")))


class ScrapedTest(LgenCase):
    def run_scraped(self, server):
        """The run's summary, and a Prometheus that has seen lgen and the server to the end."""
        port = free_port()
        prometheus = Prometheus({"lgen": f"127.0.0.1:{port}", "server": f"127.0.0.1:{server.metrics_port}"})
        self.addCleanup(prometheus.__exit__)
        self.plan(MIXED, "")
        result = self.path("r.json")
        with self.start("plan.lua", "--quiet", "--target", server.target, "--allow-failures", "--tag", "team=red",
                        "--out", f"prometheus=:{port},linger=25s", "--out", f"json={result}") as run:
            run.err.wait_for(rf"metrics for Prometheus: http://127\.0\.0\.1:{port}/metrics")
            eventually(lambda: prometheus.number('sum(lgen_vus{scenario="more"})') == 3, "a scrape of the running lgen")
            page = http_get(f"http://127.0.0.1:{port}/metrics")[1]
            self.assertEqual(parse_metrics(page)["lgen_run_finished"], 0)
            self.assertEqual(promtool_check(page), "")
            self.assertEqual(run.stop(signal.SIGINT), 105, run.err.all())
        with open(result, encoding="utf-8") as file:
            return json.load(file), prometheus

    def check_value(self, prometheus, name, series, value):
        found = {series_key(labels): number for labels, number in prometheus.query(LAST.format(name))}
        self.assertEqual(found.get(series_key(series["labels"])), value, f"{name} {series['labels']}: {found}")

    def check_buckets(self, prometheus, name, series, ticks_in_unit):
        wanted = hdr.buckets(series["hdr"])
        rows = [(labels["le"], number) for labels, number in prometheus.query(LAST.format(f"{name}_bucket"))
                if series_key(labels) == series_key(series["labels"])]
        self.assertGreater(len(rows), 15)
        for le, number in rows:
            bound = float("inf") if le == "+Inf" else round(float(le) * ticks_in_unit)
            self.assertEqual(number, sum(count for highest, count in wanted if highest <= bound), f"{name} le={le}")

    def test_promql_says_what_the_summary_says(self):
        with Server() as server:
            summary, prometheus = self.run_scraped(server)
            # lgen has answered the last scrape; what it said is in the database a little later.
            eventually(lambda: prometheus.number(LAST.format("lgen_run_finished")) == 1, "the last scrape")
            seen = set()
            for name, metric in summary["metrics"].items():
                kind = metric["type"]
                seen.add(kind)
                for series in metric["series"]:
                    if kind == "counter":
                        self.check_value(prometheus, f"lgen_{name}_total", series, series["value"])
                    elif kind == "gauge":
                        self.check_value(prometheus, f"lgen_{name}", series, series["value"])
                    elif kind == "rate":
                        self.check_value(prometheus, f"lgen_{name}_total", series, series["count"])
                        self.check_value(prometheus, f"lgen_{name}_hits_total", series, series["hits"])
                    else:
                        self.check_value(prometheus, f"lgen_{name}_count", series, series["count"])
                        self.check_value(prometheus, f"lgen_{name}_sum", series, series["sum"])
                        self.check_buckets(prometheus, f"lgen_{name}", series, 1 if metric["unit"] == "B" else 1e6)
            self.assertEqual(seen, {"counter", "gauge", "rate", "histogram"})
            self.check_server(server, summary, prometheus)

    def check_server(self, server, summary, prometheus):
        """Both sides of the wire, in one database."""
        calls = sum(series["value"] for series in summary["metrics"]["grpc_calls"]["series"])
        method = '{grpc_method="lgen.echo.Echo/Unary"}'
        messages = sum(series["value"] for series in summary["metrics"]["grpc_messages_confirmed"]["series"])
        eventually(lambda: prometheus.number(f"sum(grpc_server_call_duration_seconds_count{method})") == calls,
                   "the server's count of calls")
        eventually(lambda: prometheus.number("sum(app_messages_processed_count_total)") == messages,
                   "the server's count of messages")
        self.assertEqual(prometheus.number("sum(" + LAST.format("lgen_grpc_calls_total") + ")"), calls)
        page = server.get("/metrics")[1]
        self.assertEqual(promtool_check(page), "")
        buckets = {series_key(labels) + (labels["le"],): number
                   for labels, number in prometheus.query(f"grpc_server_call_duration_seconds_bucket{method}")}
        self.assertTrue(buckets)
        for key, number in buckets.items():
            status = dict(pair for pair in key if isinstance(pair, tuple))["grpc_status"]
            lines = [line for line in page.splitlines() if line.startswith("grpc_server_call_duration_seconds_bucket")
                     and 'Echo/Unary"' in line and f'grpc_status="{status}"' in line and f'le="{key[-1]}"' in line]
            self.assertEqual([float(line.rsplit(" ", 1)[1]) for line in lines], [number], key)


class LingerTest(LgenCase):
    def test_one_scrape_after_the_end_is_enough(self):
        self.plan(body="lgen.check('c', true)")
        with self.start("plan.lua", "--quiet", "--out", "prometheus=127.0.0.1:0,linger=10m") as run:
            url = run.err.wait_for(r"metrics for Prometheus: (http://127\.0\.0\.1:\d+/metrics)")[1]
            run.out.wait_for("CHECKS")  # the report is printed before it waits
            status, page, headers = http_get(url)
            self.assertEqual(status, 200)
            self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            samples = parse_metrics(page)
            self.assertEqual(samples["lgen_run_finished"], 1)
            self.assertEqual(samples['lgen_checks_total{name="c",scenario="s"}'], 1)
            self.assertEqual(run.wait(), 0)

    def test_a_signal_ends_the_waiting(self):
        self.plan(body="")
        with self.start("plan.lua", "--quiet", "--out", "prometheus=:0,linger=10m") as run:
            url = run.err.wait_for(r"metrics for Prometheus: (http://127\.0\.0\.1:\d+)/metrics")[1]
            run.out.wait_for("SCENARIOS")
            self.assertIn("/metrics", http_get(url)[1])  # who answers now has begun to linger
            self.assertEqual(run.stop(signal.SIGINT), 0)

    def test_without_linger_it_ends_with_the_run(self):
        self.plan(body="")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "prometheus=:0"), 0)


class RefusedTest(LgenCase):
    def test_what_is_refused_before_the_load_begins(self):
        self.plan(body="print('ran')")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            rows = [(f"prometheus=:{port}", f"lgen: --out prometheus: cannot listen on 127.0.0.1:{port}: it is in use; "
                     "stop who listens there (ss -ltnp shows it) or take another port, or port 0 for any free one\n"),
                    (f"dashboard=127.0.0.1:{port}", f"lgen: --out dashboard: cannot listen on 127.0.0.1:{port}: it is in use; "),
                    ("prometheus=:0,linger=soon", "--out: prometheus: linger: "),
                    ("prometheus=:0,linger=48h", "--out: prometheus: linger: must be 0s to 24h, got 48h"),
                    ("prometheus=:0,lingr=1s", "--out: prometheus: unknown key 'lingr' (did you mean 'linger'?)"),
                    ("prometheus=:http", "http"),
                    ("prometheus=192.0.2.1:80", "cannot listen on 192.0.2.1:80: ")]
            for out, message in rows:
                with self.subTest(out):
                    ended = self.run_words("plan.lua", "--out", out)
                    self.check(ended, 104, message)
                    self.assertEqual(ended.out, "")

    def test_two_outputs_do_not_share_a_port(self):
        self.plan(body="print('ran')")
        self.check(self.run_words("plan.lua", "--out", "prometheus=:9465", "--out", "opentelemetry=:9465"), 104,
                   "--out: both prometheus and opentelemetry would go to :9465")


if __name__ == "__main__":
    unittest.main()
