"""--out opentelemetry: what a receiver of OTLP is sent, and what happens when it fails."""

import json
import unittest

import hdr
from lgen_runs import CALLS, LgenCase
from otlp_receiver import OtlpReceiver, labels_of
from programs import Server
from waiting import dead_target

BUSY = """
  for i = 1, 60 do
    ch:call(Unary, { delay_seconds = 0.01, error_probability = 0.1 })
    lgen.check("even", i % 2 == 0)
    lgen.sleep(0.03)
  end"""


def points_of(metric):
    for kind in ("sum", "gauge", "histogram"):
        if kind in metric:
            return kind, metric[kind]
    raise AssertionError(metric)


class PushedTest(LgenCase):
    def run_pushed(self, receiver, *flags):
        self.plan(CALLS, BUSY)
        with Server() as server:
            ended = self.run_plan("plan.lua", "--target", server.target, "--allow-failures", "--tag", "team=red",
                                  "--out", f"opentelemetry={receiver.url},interval=1s", *flags)
        self.check(ended, 0)
        return ended.summary

    def test_the_last_push_is_the_summary(self):
        with OtlpReceiver() as receiver:
            summary = self.run_pushed(receiver)
        self.assertGreaterEqual(len(receiver.pushes), 3)
        self.assertEqual(set(receiver.paths), {"/v1/metrics"})
        self.assertEqual(receiver.headers[0]["Content-Type"], "application/json")
        resource = receiver.resource()
        self.assertEqual((resource["service.name"], resource["team"]), ("lgen", "red"))
        self.assertTrue(resource["lgen.run.id"])
        pushed, seen = receiver.metrics(), set()
        for name, metric in summary["metrics"].items():
            for series in metric["series"]:
                seen.add(self.check_series(pushed, name, metric, series))
        self.assertEqual(seen, {"sum", "gauge", "histogram"})

    def check_series(self, pushed, name, metric, series):
        kind, body = points_of(pushed[f"lgen.{name}"])
        point = next(p for p in body["dataPoints"] if labels_of(p) == series["labels"])
        if kind == "histogram":
            self.check_histogram(point, series, 1e6)
        elif metric["type"] == "rate":
            self.assertEqual(point["asDouble"], series["count"])
            hits = next(p for p in pushed[f"lgen.{name}_hits"]["sum"]["dataPoints"] if labels_of(p) == series["labels"])
            self.assertEqual(hits["asDouble"], series["hits"])
        else:
            self.assertEqual(point["asDouble"], series["value"])
        if kind != "gauge":
            self.assertEqual(body["aggregationTemporality"], 2)
        self.assertGreater(int(point["timeUnixNano"]), int(point["startTimeUnixNano"]))
        return kind

    def check_histogram(self, point, series, ticks):
        self.assertEqual((int(point["count"]), point["sum"]), (series["count"], series["sum"]))
        self.assertEqual((point["min"], point["max"]), (series["min"], series["max"]))
        wanted = hdr.buckets(series["hdr"])
        bounds = [round(bound * ticks) for bound in point["explicitBounds"]] + [float("inf")]
        low = -1
        for bound, count in zip(bounds, point["bucketCounts"], strict=True):
            self.assertEqual(int(count), sum(n for highest, n in wanted if low < highest <= bound), bound)
            low = bound

    def test_sums_only_rise(self):
        with OtlpReceiver() as receiver:
            self.run_pushed(receiver)
        calls = [sum(p["asDouble"] for p in receiver.metrics(i)["lgen.grpc_calls"]["sum"]["dataPoints"])
                 for i in range(len(receiver.pushes)) if "lgen.grpc_calls" in receiver.metrics(i)]
        self.assertEqual(calls, sorted(calls))
        self.assertEqual(len({receiver.resource(i)["lgen.run.id"] for i in range(len(receiver.pushes))}), 1)


class FailingTest(LgenCase):
    """The run ends as it would without; the report and exit code 113 tell."""

    def run_failing(self, url):
        self.plan(body="for i = 1, 25 do lgen.check('c', true) lgen.sleep(0.1) end")
        ended = self.run_plan("plan.lua", "--out", f"opentelemetry={url},interval=1s")
        self.assertEqual(ended.summary["metrics"]["checks"]["total"]["count"], 25)
        return ended

    def check_told_once(self, ended, message):
        self.check(ended, 113, f"lgen: warn: OpenTelemetry: {message}", "pushes to")
        self.assertEqual(ended.err.count("the run goes on"), 1, ended)
        self.assertEqual(ended.err.count("failed; the first: "), 1, ended)
        self.assertTrue(any("failed; the first: " in note for note in ended.summary["run"]["notes"]), ended.summary["run"])

    def test_nobody_listens(self):
        url = "http://" + self.enterContext(dead_target())
        self.check_told_once(self.run_failing(url), f"{url}/v1/metrics: ")

    def test_it_answers_with_an_error(self):
        with OtlpReceiver([(503, b"come back later")]) as receiver:
            self.check_told_once(self.run_failing(receiver.url),
                                 f"{receiver.url}/v1/metrics: it answered 503 Service Unavailable: come back later; the run goes on")

    def test_it_rejects_some_points(self):
        answer = json.dumps({"partialSuccess": {"rejectedDataPoints": "3", "errorMessage": "too old"}}).encode()
        with OtlpReceiver([(200, answer), (200, b"{}")]) as receiver:
            ended = self.run_failing(receiver.url)
        self.check(ended, 0, f"{receiver.url}/v1/metrics: it rejected 3 points: too old; the run goes on")
        self.assertRegex(" ".join(ended.err.split()), r"1 of \d+ pushes to .*; the last one was taken, and has all figures")

    def test_it_never_answers(self):
        with OtlpReceiver([None]) as receiver:
            ended = self.run_failing(receiver.url)
            self.check(ended, 113, "OpenTelemetry: ")
            self.assertLessEqual(len(receiver.pushes), 2)  # one at a time, and the last

    def test_what_is_refused(self):
        self.plan(body="print('ran')")
        rows = [("opentelemetry", "--out: opentelemetry: where to? opentelemetry=URL"),
                ("opentelemetry=localhost:4318", "--out opentelemetry: "),
                ("opentelemetry=http://x,interval=11s", "--out: opentelemetry: interval: must be 1s to 10s, got 11s"),
                ("opentelemetry=http://x,interval=0", "--out: opentelemetry: interval: must be 1s to 10s, got 0")]
        for out, message in rows:
            with self.subTest(out):
                ended = self.run_words("plan.lua", "--out", out)
                self.check(ended, 104, message)
                self.assertEqual(ended.out, "")


if __name__ == "__main__":
    unittest.main()
