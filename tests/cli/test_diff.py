"""`lgen diff`, and what happens to it and to `lgen report` when the reader goes or the file is none of lgen's."""

import json

from lgen_runs import LgenCase

PLAN = """local lgen = require "lgen"
local opt = lgen.options { { "ms", "int", default = 10 }, { "bad", "int", default = 0 } }
local h = lgen.histogram("work_seconds", { unit = "s", labels = { "kind" } })
lgen.scenario("s", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "20s" },
  run = function()
    for i = 1, 2000 do
      h:record(opt.ms / 1000 * (1 + lgen.random.uniform(0, 0.5)), { kind = "x" })
      lgen.check("right", i > opt.bad)
    end
    lgen.sleep(0.2)
  end,
})
"""


class DiffCase(LgenCase):
    def measure(self, name, *flags):
        self.write("plan.lua", PLAN)
        self.check(self.run_words("plan.lua", "--quiet", "--allow-failures", "--out", name, *flags), 0)

    def diff(self, *words):
        ended = self.run_words("diff", *words, "--format", "json")
        ended.diff = json.loads(ended.out)
        ended.verdicts = {(row["metric"], row["stat"]): row["verdict"] for row in ended.diff["rows"]}
        return ended


class DiffTest(DiffCase):
    def setUp(self):
        super().setUp()
        self.measure("a.json")
        self.measure("slow.json", "--ms", "12")
        self.measure("again.json")
        self.measure("wrong.json", "--bad", "100")

    def test_verdicts_and_exit_codes(self):
        rows = [
            (["a.json", "again.json"], 0, "same", "same"),
            (["a.json", "slow.json"], 99, "worse", "same"),
            (["slow.json", "a.json"], 0, "better", "same"),
            (["a.json", "wrong.json"], 99, "same", "worse"),
            (["a.json", "slow.json", "--min-effect", "50%"], 0, "same", "same"),
            (["a.json", "slow.json", "--min-effect", "0.5"], 0, "same", "same"),
            (["a.json", "slow.json", "--fail-on", "none"], 0, "worse", "same"),
            (["slow.json", "a.json", "--fail-on", "any"], 99, "better", "same"),
            (["a.json", "again.json", "--fail-on", "any", "--min-effect", "10%"], 0, "same", "same"),
        ]
        for words, code, latency, checks in rows:
            with self.subTest(words):
                ended = self.diff(*words)
                self.assertEqual((ended.verdicts["work_seconds", "p95"], ended.verdicts["checks", "failed"], ended.code),
                                 (latency, checks, code), ended)

    def test_the_figures_are_those_of_the_runs(self):
        ended = self.diff("a.json", "slow.json")
        (row,) = [row for row in ended.diff["rows"] if (row["metric"], row["stat"]) == ("work_seconds", "p95")]
        for file, key in (("a.json", "a"), ("slow.json", "b")):
            with open(self.path(file), encoding="utf-8") as text:
                (series,) = json.load(text)["metrics"]["work_seconds"]["series"]
            self.assertEqual(row[key], series["p95"])
        self.assertTrue(row["low"] < row["change"] < row["high"], row)
        self.assertIn("--ms: 10 in A, 12 in B", ended.diff["warnings"])

    def test_runs_with_nothing_in_common_are_not_the_same(self):
        self.write("plan.lua", 'local lgen = require "lgen"\nlgen.scenario("other", {\n'
                               "  load = lgen.load.per_vu_iterations {}, run = function() end,\n})\n")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "other.json"), 0)
        ended = self.run_words("diff", "a.json", "other.json")
        self.assertEqual(ended.code, 104, ended)
        self.assertIn("nothing to compare: no metric of one run has the same labels", ended.out)

    def test_the_table_fits_a_terminal_and_is_the_same_every_time(self):
        ended = self.run_words("diff", "a.json", "slow.json")
        self.check(ended, 99)
        self.assertTrue(all(len(line) <= 80 for line in ended.out.splitlines()), ended.out)
        self.assertEqual(self.run_words("diff", "a.json", "slow.json").out, ended.out)
        self.assertIn("NOT THE SAME IN BOTH", ended.out)
        self.assertIn("work_seconds kind=x", ended.out)

    def test_what_is_refused(self):
        self.write("broken.json", '{"schema": "lgen.summary/1"')
        self.write("other.json", '{"schema": "k6"}')
        rows = [
            ([], "diff: which two results? lgen diff A.json B.json"),
            (["a.json"], "diff: which two results?"),
            (["a.json", "again.json", "slow.json"], "diff: which two results?"),
            (["a.json", "gone.json"], "cannot read gone.json: No such file or directory"),
            (["a.json", "broken.json"], "broken.json:1:"),
            (["other.json", "a.json"], "other.json: not a summary of lgen: schema: expected 'lgen.summary/1', found 'k6'"),
            (["a.json", "again.json", "--min-effect", "x"], "diff: --min-effect: 'x' is no share; write 5% or 0.05"),
            (["a.json", "again.json", "--min-effect", "-1%"], "diff: --min-effect: '-1%' is no share"),
            (["a.json", "again.json", "--min-effect", "5"], "diff: --min-effect: 5 means 500%; write 5% or 0.05"),
            (["a.json", "again.json", "--confidence", "100%"], "diff: --confidence: between 50% and 99.9%"),
            (["a.json", "again.json", "--fail-on", "never"], "diff: --fail-on: 'never' is not worse, any or none"),
            (["a.json", "again.json", "--validity", "off"], "diff: --validity: 'off' is not fail or warn"),
            (["a.json", "again.json", "--format", "xml"], "diff: --format: 'xml' is neither text nor json"),
            (["a.json", "again.json", "--min-efect", "5%"], "diff: unknown option --min-efect (did you mean '--min-effect'?)"),
        ]
        for words, message in rows:
            with self.subTest(words):
                ended = self.run_words("diff", *words)
                self.check(ended, 104, message)
                self.assertEqual(ended.out, "")

    def test_a_reader_that_has_seen_enough(self):
        for words, code in [("report a.json", 0), ("report a.json --out json=-", 0), ("report a.json --out csv=-", 0),
                            ("diff a.json again.json --fail-on none", 0), ("diff a.json slow.json", 99)]:
            with self.subTest(words):
                ended = self.run_shell(f'set -o pipefail; "$LGEN" {words} | true')
                self.assertEqual((ended.code, ended.err), (code, ""))
        self.check(self.run_shell('"$LGEN" diff a.json again.json >/dev/full'), 113, "No space left on device")
        self.check(self.run_shell('"$LGEN" report a.json >/dev/full'), 113, "No space left on device")

    def test_a_run_read_from_a_pipe(self):
        self.assertIn("SCENARIOS", self.run_shell('"$LGEN" report - < a.json').out)

    def test_a_file_cut_off_anywhere_is_refused_in_words(self):
        with open(self.path("a.json"), encoding="utf-8") as file:
            text = file.read()
        for share in range(0, 20):
            self.write("cut.json", text[:len(text) * share // 20])
            self.check(self.run_words("report", "cut.json"), 104, "not a summary of lgen: expected")


class InvalidTest(DiffCase):
    def forge(self, name, verdict):
        """The run of a.json, as if its generator had been so."""
        with open(self.path("a.json"), encoding="utf-8") as file:
            summary = json.load(file)
        summary["validity"].update(verdict=verdict, reasons=["the start lag's p99 is 80ms"])
        self.write(name, json.dumps(summary))

    def test_an_invalid_run_proves_nothing(self):
        self.measure("a.json")
        self.measure("slow.json", "--ms", "12")
        self.forge("bad.json", "invalid")
        self.forge("so_so.json", "suspect")
        rows = [  # words, exit code, who is INVALID
            (["a.json", "bad.json"], 111, ["B"]),
            (["bad.json", "slow.json"], 111, ["A"]),  # before 99, as in a run
            (["bad.json", "bad.json", "--fail-on", "none"], 111, ["A", "B"]),
            (["a.json", "bad.json", "--validity", "warn"], 0, ["B"]),
            (["bad.json", "slow.json", "--validity", "warn"], 99, ["A"]),
            (["a.json", "so_so.json"], 0, []),
        ]
        for words, code, invalid in rows:
            with self.subTest(words):
                ended = self.diff(*words)
                self.assertEqual((ended.code, ended.diff["invalid"]), (code, invalid), ended)
        told = "the generator of B was INVALID, so nothing is proven (--validity warn excuses it): "
        self.assertIn(told, " ".join(self.run_words("diff", "a.json", "bad.json").out.split()))
        excused = " ".join(self.run_words("diff", "a.json", "bad.json", "--validity", "warn").out.split())
        self.assertNotIn("nothing is proven", excused)
        self.assertIn("the generator of B was INVALID: the start lag's p99 is 80ms", excused)
        self.assertIn("the generator of B was SUSPECT: the start lag's p99 is 80ms",
                      " ".join(self.run_words("diff", "a.json", "so_so.json").out.split()))


class NotComparableTest(DiffCase):
    def test_different_plans(self):
        self.measure("a.json")
        self.plan(body="lgen.check('other', true)", name="other.lua")
        self.check(self.run_words("other.lua", "--quiet", "--out", "b.json"), 0)
        ended = self.diff("a.json", "b.json")
        self.assertIn("different plans: plan.lua and other.lua", ended.diff["warnings"])
        self.assertIn("work_seconds{kind=x,scenario=s}", ended.diff["only_a"])
        self.assertIn("checks{name=other,scenario=s}", ended.diff["only_b"])
