"""What an HTTP run has measured is the same in every output: JSON, CSV, the page for Prometheus, and nginx's own log."""

import collections
import csv
import json
import re

import hdr
from lgen_runs import LgenCase
from programs import http_get
from proxies import Nginx
from waiting import eventually

SERVER = """
    default_type text/plain;
    keepalive_requests 40;
    add_header x-backend pod-$arg_pod always;
    location = /hello { return 200 "hello"; }
    location = /moved { return 302 /hello?pod=b; }
"""

PLAN = """
local lgen = require "lgen"
local web = lgen.http.client("web", { base = "http://TARGET", follow = 1, max_connections = 2 })
lgen.scenario("mixed", {
  load = lgen.load.shared_iterations { vus = 4, iterations = 200 },
  run = function(vu)
    if vu.iter % 10 == 0 then web:get("/absent?pod=a", { name = "absent" })
    elseif vu.iter % 7 == 0 then web:get("/moved?pod=a")
    else web:post("/hello?pod=a", ("x"):rep(1000)) end
  end,
})
"""

NAMES = {"http_requests", "http_requests_reused", "http_redirects", "http_connections", "http_connections_closed",
         "http_connections_open", "http_bytes_sent", "http_bytes_received", "http_request_duration_seconds",
         "http_request_service_seconds", "http_first_byte_seconds", "http_queue_seconds", "http_connect_seconds",
         "http_first_request_seconds"}

MICROSECONDS = 1e6


def key_of(labels):
    return tuple(sorted((name, value) for name, value in labels.items() if value != ""))


def samples_of(page):
    """{name: {labels: value}} of a page of metrics; `le` is kept out of the labels: {name: {labels: {le: value}}}."""
    found = collections.defaultdict(lambda: collections.defaultdict(dict))
    for name, labels, value in re.findall(r"(?m)^(lgen_http_\w+)\{(.*)\} (\S+)$", page):
        pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        le = pairs.pop("le", None)
        found[name][key_of(pairs)][le] = float(value)
    return found


class OutputsTest(LgenCase):
    def measure(self):
        """Summary, rows of the CSV, samples of the page after the end, statuses of nginx's log."""
        with Nginx(SERVER, listen="") as server:
            plan = self.write("plan.lua", PLAN.replace("TARGET", server.target))
            with self.start(plan, "--quiet", "--validity", "warn", "--out", "json=" + self.path("r.json"), "--out",
                            "csv=" + self.path("r.csv"), "--out", "prometheus=127.0.0.1:0,linger=10m") as run:
                url = run.err.wait_for(r"metrics for Prometheus: (http://127\.0\.0\.1:\d+/metrics)")[1]
                run.out.wait_for("SCENARIOS")  # the report, and so the files, are there before it waits
                page = http_get(url)[1]
                self.assertEqual(run.wait(), 0)
            with open(self.path("r.json"), encoding="utf-8") as file:
                summary = json.load(file)
            with open(self.path("r.csv"), encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file, strict=True))
            hops = summary["metrics"]["http_redirects"]["total"]["value"]
            eventually(lambda: len(server.access_log()) >= 200 + hops, "nginx's whole log")
            return summary, rows, samples_of(page), collections.Counter(line.split()[8] for line in server.access_log())

    def test_counts_sums_and_buckets_are_equal_everywhere(self):
        summary, rows, page, log = self.measure()
        metrics = {name: metric for name, metric in summary["metrics"].items() if name.startswith("http_")}
        self.assertLessEqual(NAMES, set(metrics))
        statuses = collections.Counter()
        for name in ("http_requests", "http_redirects"):
            for series in metrics[name]["series"]:
                statuses[series["labels"]["code"]] += series["value"]
        self.assertEqual(statuses, log)
        for name, metric in metrics.items():
            with self.subTest(name):
                self.check_totals(metric)
                self.check_csv(name, metric, rows)
                self.check_page("lgen_" + name, metric, page)

    def check_totals(self, metric):
        for field in {"counter": ["value"], "gauge": [], "histogram": ["count", "sum"]}[metric["type"]]:
            self.assertAlmostEqual(sum(one[field] for one in metric["series"]), metric["total"][field], places=9)

    def check_csv(self, name, metric, rows):
        known = set(metric["label_names"])
        mine = {key_of({label: row["label_" + label] for label in known if row.get("label_" + label)}): row
                for row in rows if row["metric"] == name and row["scope"] == "series"}
        self.assertEqual(len(mine), len(metric["series"]))
        for series in metric["series"]:
            row = mine[key_of(series["labels"])]
            for field in ("value", "count", "sum"):
                if field in series:
                    self.assertEqual(float(row[field]), series[field], field)

    def check_page(self, name, metric, page):
        for series in metric["series"]:
            key = key_of(series["labels"])
            if metric["type"] != "histogram":
                suffix = "_total" if metric["type"] == "counter" else ""
                self.assertEqual(page[name + suffix][key], {None: series["value"]})
                continue
            self.assertEqual(page[name + "_count"][key], {None: series["count"]})
            self.assertAlmostEqual(page[name + "_sum"][key][None], series["sum"], places=9)
            counted = hdr.buckets(series["hdr"])
            limits = page[name + "_bucket"][key]
            self.assertGreater(len(limits), 15)
            for le, number in limits.items():
                bound = float("inf") if le == "+Inf" else round(float(le) * MICROSECONDS)
                self.assertEqual(number, sum(n for highest, n in counted if highest <= bound), f"le={le}")
