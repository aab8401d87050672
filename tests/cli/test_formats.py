"""What --out writes in other formats than JSON, read by readers of another make."""

import csv
import io
import json
import xml.etree.ElementTree as ET

from lgen_runs import LgenCase

# The parts of JUnit's format that CI servers agree on: attributes (with what they hold), then children.
JUNIT = {
    "testsuites": ({"name": str, "tests": int, "failures": int, "errors": int, "time": float}, {"testsuite"}),
    "testsuite": ({"name": str, "tests": int, "failures": int, "errors": int, "skipped": int, "time": float,
                   "timestamp": str, "hostname": str}, {"properties", "testcase"}),
    "properties": ({}, {"property"}),
    "property": ({"name": str, "value": str}, set()),
    "testcase": ({"classname": str, "name": str, "time": float}, {"failure", "system-out"}),
    "failure": ({"message": str, "type": str}, set()),
    "system-out": ({}, set()),
}


def check_junit(test, element):
    attributes, children = JUNIT[element.tag]
    test.assertEqual(set(element.attrib), set(attributes), element.tag)
    for name, kind in attributes.items():
        kind(element.attrib[name])
    for child in element:
        test.assertIn(child.tag, children, element.tag)
        check_junit(test, child)


class JunitTest(LgenCase):
    def run_for_junit(self, *flags, code, **plan):
        self.plan(**plan)
        self.check(self.run_words("plan.lua", "--quiet", "--out", "r.xml", *flags), code)
        root = ET.parse(self.path("r.xml")).getroot()
        check_junit(self, root)
        self.assertEqual(root.attrib["tests"], str(len(root.findall("*/testcase"))))
        self.assertEqual(root.attrib["failures"], str(len(root.findall("*/testcase/failure"))))
        for suite in root:
            self.assertEqual(suite.attrib["failures"], str(len(suite.findall("testcase/failure"))))
        return {case.attrib["name"]: case for case in root.findall("*/testcase")}

    def test_a_run_that_passes(self):
        cases = self.run_for_junit(code=0, body="lgen.check('good', true)",
                                   text='lgen.threshold("iterations", "count == 1")')
        self.assertEqual([case for case in cases.values() if case.find("failure") is not None], [])
        self.assertEqual(cases["iterations count == 1"].find("system-out").text, "observed: 1")

    def test_what_fails_says_what_was_observed(self):
        cases = self.run_for_junit(code=99, body="lgen.check('bad <&>', false, 'got\\1\\n\"x\"')",
                                   text='lgen.threshold("iterations", "count > 3")')
        failure = cases["iterations count > 3"].find("failure")
        self.assertEqual(failure.attrib["message"], "count is 1, not > 3")
        self.assertEqual(failure.text, "observed: 1\ndemanded: count > 3")
        self.assertEqual(cases["bad <&>"].find("failure").attrib["message"], "1 of 1 failed")
        self.assertIn('"x"', cases["bad <&>"].find("failure").text)

    def test_every_ending_that_is_no_success_is_a_failure(self):
        for body, code in [("lgen.abort('enough')", 108), ("error('no')", 99)]:
            with self.subTest(body):
                cases = self.run_for_junit(code=code, body=body)
                self.assertIn(f"exit code {code}", cases["the run came to its end"].find("failure").attrib["message"])

    def test_a_verdict_stands_with_its_matrix(self):
        cases = self.run_for_junit(code=0, text='local d = lgen.distribution("by row", {})',
                                   body="for i = 1, 9 do d:add('r' .. i % 3, 'c' .. i) end")
        self.assertIn("VERDICT by row", cases["by row"].find("system-out").text)


class CsvTest(LgenCase):
    def test_the_figures_are_those_of_the_json(self):
        self.plan('local h = lgen.histogram("size_bytes", { unit = "B", labels = { "kind" } })',
                  "for i = 1, 100 do h:record(i * 10, { kind = i % 2 == 0 and '=1+1' or 'a,\"b\"' }) end")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "csv=r.csv", "--out", "r.json"), 0)
        with open(self.path("r.json"), encoding="utf-8") as file:
            metrics = json.load(file)["metrics"]
        with open(self.path("r.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        for name, metric in metrics.items():
            mine = [row for row in rows if row["metric"] == name and row["scope"] == "series"]
            self.assertEqual(len(mine), len(metric["series"]), name)
            for row, series in zip(mine, metric["series"]):
                for key in ("value", "count", "min", "avg", "med", "p90", "p95", "p99", "max", "sum"):
                    if key in series:
                        self.assertAlmostEqual(float(row[key]), series[key], 12, f"{name} {key}")
        kinds = {row["label_kind"] for row in rows if row["metric"] == "size_bytes" and row["scope"] == "series"}
        self.assertEqual(kinds, {"'=1+1", 'a,"b"'})

    def test_made_afterwards_it_is_the_same(self):
        self.plan(body="lgen.check('x', true)")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "a.csv", "--out", "a.xml", "--out", "r.json"), 0)
        self.check(self.run_words("report", "r.json", "--out", "b.csv", "--out", "b.xml"), 0)
        for ending in ("csv", "xml"):
            with open(self.path(f"a.{ending}"), "rb") as one, open(self.path(f"b.{ending}"), "rb") as two:
                self.assertEqual(one.read(), two.read())

    def test_to_standard_output(self):
        self.plan()
        ended = self.run_words("plan.lua", "--quiet", "--out", "csv=-")
        self.check(ended, 0, "SCENARIOS")
        self.assertTrue(list(csv.DictReader(io.StringIO(ended.out), strict=True)))
