"""The dashboard's queries, the rules and the adapter's metrics, each asked of Debian's Prometheus while lgen and
lgen-server run; and promtool on what the rules make of numbers."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import yaml

from lgen_runs import CALLS, LgenCase
from manifests import K8S, PATIENCE_SECONDS, get, rendered, with_components
from programs import Server
from prometheus import Prometheus
from waiting import eventually, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
METRIC = re.compile(r"(?<![:\w])(?:grpc_server|app|lgen|process)_\w+|\bup\b")

# Something of everything that the queries ask for: calls at a rate, some of which fail, streams that are held, others
# that end at their deadline.
BUSY = CALLS + """
local Text = lgen.proto { files = { "streaming.proto" } }:method "streaming.Streamer/ProcessTextStream"
lgen.scenario("calls", {
  load = lgen.load.constant_rate { rate = 50, duration = "5m", max_vus = 20 },
  run = function() ch:call(Unary, { payload = "x", error_probability = 0.1 }) end,
})
lgen.scenario("held", {
  load = lgen.load.constant_vus { vus = 5, duration = "5m" },
  run = function()
    local s = ch:open(Text)
    while s:send { message = "m" } do lgen.sleep(0.05) end
  end,
})
lgen.scenario("brief", {
  load = lgen.load.constant_vus { vus = 1, duration = "5m" },
  run = function()
    ch:open(Text, { timeout = 0.05 }):close()  -- its reply counts as received
    local s = ch:open(Text, { timeout = 0.05 })
    while s:send { message = "m" } do lgen.sleep(0.01) end
  end,
})
"""


def groups(where, kind):
    return get(rendered(where), kind, "lgen")["spec"]["groups"]


def rules():
    return groups("overlays/neutral", "PrometheusRule")


def dashboard():
    with open(os.path.join(K8S, "components", "dashboard", "lgen.json"), encoding="utf-8") as file:
        return json.load(file)


def panel_queries():
    values = {"$namespace": "lgen", "$target": "15", "$__rate_interval": "10s"}
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"]
            for name, value in values.items():
                query = query.replace(name, value)
            yield f"{panel['title']}: {target['legendFormat']}", query


def is_number(value):
    return value == value  # NaN is not


class QueriesTest(LgenCase):
    @classmethod
    def setUpClass(cls):
        cls.busy, cls.idle = cls.enterClassContext(Server("--pod", "a")), cls.enterClassContext(Server("--pod", "b"))
        port = free_port()
        servers = [(f"127.0.0.1:{server.metrics_port}", {"namespace": "lgen", "pod": pod})
                   for server, pod in ((cls.busy, "a"), (cls.idle, "b"))]
        generator = [(f"127.0.0.1:{port}", {"namespace": "lgen", "pod": "g"})]
        cls.prometheus = Prometheus({"lgen/lgen-server": servers, "lgen/lgen-loadgen": generator}, rules())
        cls.addClassCleanup(cls.prometheus.__exit__)
        cls.out = f"prometheus=127.0.0.1:{port}"

    def test_every_query_has_an_answer(self):
        self.plan(BUSY, "")
        with self.start("plan.lua", "--quiet", "--target", self.busy.target, "--allow-failures", "--out", self.out) as run:
            self.answers(panel_queries())
            for group in rules():
                self.answers((rule["record"], rule["record"]) for rule in group["rules"] if "record" in rule)
                # Whether an alert fires is promtool's to say; that it asks for what there is, is said here.
                self.answers((f"{rule['alert']}: {name}", name) for rule in group["rules"] if "alert" in rule
                             for name in METRIC.findall(rule["expr"]))
                for rule in group["rules"]:
                    self.prometheus.query(rule["expr"])
            self.variables()
            self.adapter()
            run.stop(signal.SIGINT)

    def answers(self, queries):
        for what, query in queries:
            with self.subTest(what):
                eventually(lambda query=query: any(is_number(value) for _, value in self.prometheus.query(query)), query)

    def variables(self):
        for variable in dashboard()["templating"]["list"]:
            if variable["type"] == "query":
                metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
                self.assertTrue(all(label in labels for labels, _ in self.prometheus.query(metric)))

    def adapter(self):
        """What prometheus-adapter would ask, and so what an HPA would get, pod by pod."""
        config = yaml.safe_load(get(with_components("hpa-adapter"), "ConfigMap", "prometheus-adapter")["data"]["config.yaml"])
        for rule in config["rules"]:
            series = self.prometheus.query(rule["seriesQuery"])
            self.assertEqual({labels["pod"] for labels, _ in series}, {"a", "b"}, rule["seriesQuery"])
            name = series[0][0]["__name__"]
            query = rule["metricsQuery"]
            for place, value in (("Series", name), ("LabelMatchers", 'namespace="lgen",pod=~"a|b"'), ("GroupBy", "pod")):
                query = query.replace(f"<<.{place}>>", value)
            self.idle_and_busy(name, query)

    def idle_and_busy(self, name, query):
        least = {"grpc_server_active_streams": 5, "app_messages_processed_count_total": 20}[name]

        def told_apart():  # a pod is missing from a rate until it has been scraped twice
            values = {labels["pod"]: value for labels, value in self.prometheus.query(query)}
            return values.get("b") == 0 and values.get("a", 0) >= least
        eventually(told_apart, query)


class RulesTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="lgen-rules-"))
        with open(os.path.join(self.folder, "rules.json"), "w", encoding="utf-8") as file:
            json.dump({"groups": rules()}, file)

    def promtool(self, *words):
        done = subprocess.run(["promtool", *words], text=True, capture_output=True, timeout=PATIENCE_SECONDS, check=False,
                              cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_promtool_accepts_them(self):
        count = sum(len(group["rules"]) for group in rules())
        self.assertIn(f"SUCCESS: {count} rules found", self.promtool("check", "rules", "rules.json"))

    def test_alerts_fire_when_they_should_and_not_else(self):
        shutil.copy(os.path.join(HERE, "alerts.yaml"), self.folder)
        self.promtool("test", "rules", "alerts.yaml")

    def test_every_alert_has_been_seen_to_fire(self):
        with open(os.path.join(HERE, "alerts.yaml"), encoding="utf-8") as file:
            tests = yaml.safe_load(file)["tests"]
        fired = {row["alertname"] for test in tests for row in test["alert_rule_test"] if row["exp_alerts"]}
        self.assertEqual(fired, {rule["alert"] for group in rules() for rule in group["rules"] if "alert" in rule})

    def test_both_monitoring_systems_have_the_same(self):
        self.assertEqual(groups("overlays/gke", "Rules"), rules())


class DashboardTest(unittest.TestCase):
    def test_its_panels_are_where_grafana_can_draw_them(self):
        panels = dashboard()["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            self.assertFalse(cells & taken, f"{panel['title']} overlaps another panel")
            taken |= cells

    def test_its_config_map_holds_it(self):
        held = get(rendered("overlays/neutral"), "ConfigMap", "lgen-dashboard")
        self.assertEqual(json.loads(held["data"]["lgen.json"]), dashboard())


if __name__ == "__main__":
    unittest.main()
