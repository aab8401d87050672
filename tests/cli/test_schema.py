"""schema/summary.schema.json against what lgen really writes."""

import copy
import glob
import json
import os

from lgen_runs import CALLS, LgenCase
from programs import Server
from summary_schema import problems

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "report", "summary_*.json")


class SchemaTest(LgenCase):
    def test_the_golden_files(self):
        files = glob.glob(GOLDEN)
        self.assertGreaterEqual(len(files), 2)
        for path in files:
            with self.subTest(os.path.basename(path)), open(path, encoding="utf-8") as file:
                self.assertEqual(problems(json.load(file)), [])

    def test_real_runs(self):
        rows = [
            ("", "lgen.check('x', true)"),
            ('lgen.threshold("grpc_calls", "count > 3") local c = lgen.counter("mine", { labels = { "a" } })\n'
             'local g = lgen.gauge("level") local h = lgen.histogram("size_bytes", { unit = "B" })\n'
             'local d = lgen.distribution("d", {})\n',
             "c:add(2, { a = 'x' }) g:set(1 / 0 == 1 and 1 or 2) h:record(7) d:add('r', 'c') lgen.event('e', { on = true })"
             " error('no')"),
            ("", "lgen.abort('enough')"),
        ]
        for text, body in rows:
            with self.subTest(body):
                self.plan(text, body)
                self.assertEqual(problems(self.run_plan("plan.lua").summary), [])

    def test_a_run_with_calls_and_streams(self):
        self.plan(CALLS, "ch:call(SayHello, { name = 'x' }) ch:call(Unary, { status_code = 14 })\n"
                  "local s = ch:open(api:method 'lgen.echo.Echo/BidiStream') s:send { payload = 'x' } s:close()")
        with Server() as server:
            ended = self.run_plan("plan.lua", "--target", server.target)
        self.assertTrue(ended.summary["connections"] and ended.summary["errors"])
        self.assertEqual(problems(ended.summary), [])

    def test_it_can_fail(self):
        self.plan()
        good = self.run_plan("plan.lua").summary
        spoilers = [lambda s: s.pop("run"), lambda s: s.update(extra=1), lambda s: s["run"].update(end="exploded"),
                    lambda s: s["run"].update(seed=-1), lambda s: s.update(schema="lgen.summary/2"),
                    lambda s: s["metrics"]["iterations"].update(series=[{"labels": {}}]),
                    lambda s: s["metrics"]["iteration_duration_seconds"]["total"].update(p98=1),
                    lambda s: s["timelines"]["series"][0]["points"].append([1, 2, 3, 4])]
        for number, spoil in enumerate(spoilers):
            with self.subTest(number):
                bad = copy.deepcopy(good)
                spoil(bad)
                self.assertNotEqual(problems(bad), [])
