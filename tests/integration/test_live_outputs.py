"""--out ndjson and --out hdr while a run goes on: what they hold, and what is left of them when things go wrong."""

import json
import math
import os
import signal
import subprocess
import urllib.request

from lgen_runs import CALLS, PRELUDE, LgenCase, clean_environment
from programs import Server, binary
from waiting import PATIENCE_SECONDS, eventually

HDR_READER = os.path.join(os.path.dirname(__file__), "..", "peers", "node", "hdr_log.js")


def whole_lines(path):
    """Lines with their end; one that was being written when the process died has none."""
    with open(path, encoding="utf-8") as file:
        return [line for line in file if line.endswith("\n")]


def objects(path):
    return [json.loads(line) for line in whole_lines(path)]


def read_hdr(path):
    """What npm's hdr-histogram-js makes of a log."""
    modules = os.path.join(os.environ["LGEN_BIN_DIR"], "..", "node", "node_modules")
    done = subprocess.run(["node", HDR_READER, path], env=dict(os.environ, NODE_PATH=modules), text=True,
                          capture_output=True, timeout=PATIENCE_SECONDS, check=True)
    return json.loads(done.stdout)


def tag_of(metric, labels):
    words = ";".join(f"{name}={value}" for name, value in labels.items())
    return metric + (f"{{{words}}}" if words else "")


class NdjsonTest(LgenCase):
    def test_every_kind_of_failure(self):
        self.plan(CALLS, """
  ch:call(Unary, { status_code = 14, status_message = "not now" })
  local s = ch:open(api:method "lgen.echo.Echo/BidiStream")
  s:send { status_code = 12 } s:close()
  lgen.check("good", false, "it is not")
  error("and out")""")
        with Server() as server:
            ended = self.run_words("plan.lua", "--quiet", "--target", server.target, "--out", "r.ndjson", "--out", "r.json")
        self.assertEqual(ended.code, 99, ended)
        lines = objects(self.path("r.ndjson"))
        self.assertEqual(lines[0]["type"], "begin")
        self.assertEqual(lines[0]["schema"], "lgen.ndjson/1")
        self.assertEqual(lines[-1]["type"], "end")
        self.assertEqual((lines[-1]["exit_code"], lines[-1]["errors"], lines[-1]["left_out"]), (99, 4, 0))
        errors = {line["kind"]: line for line in lines if line["type"] == "error"}
        self.assertEqual(set(errors), {"call", "stream", "check", "iteration"})
        call = errors["call"]
        self.assertEqual((call["method"], call["code"], call["message"], call["scenario"], call["channel"]),
                         ("lgen.echo.Echo/Unary", "UNAVAILABLE", "not now", "s", "main"))
        self.assertGreater(call["duration"], 0)
        self.assertTrue(call["backend"])
        self.assertEqual(errors["stream"]["code"], "UNIMPLEMENTED")
        self.assertEqual((errors["check"]["check"], errors["check"]["message"]), ("good", "it is not"))
        self.assertIn("and out", errors["iteration"]["message"])

    def test_the_seconds_add_up_to_the_summary(self):
        self.plan(name="plan.lua", text="", body="for i = 1, 24 do lgen.check('c', i % 4 > 0) lgen.sleep(0.1) end")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "r.ndjson", "--out", "r.json"), 99)
        seconds = [line for line in objects(self.path("r.ndjson")) if line["type"] == "second"]
        self.assertGreaterEqual(len(seconds), 3)
        self.assertEqual(sum(line["metrics"].get("checks", {"count": 0})["count"] for line in seconds), 24)
        self.assertEqual(sum(line["metrics"].get("checks", {"hits": 0})["hits"] for line in seconds), 18)
        self.assertEqual(sum(line["metrics"].get("iterations", 0) for line in seconds), 1)
        self.assertTrue(all("vus" in line["metrics"] for line in seconds))

    def test_a_flood_is_bounded_and_told(self):
        self.plan(body="for i = 1, 1000 do lgen.check('c', false) end")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "ndjson=r.ndjson,rate=7"), 99)
        lines = objects(self.path("r.ndjson"))
        self.assertEqual(sum(line["type"] == "error" for line in lines), 7)
        self.assertEqual([line["count"] for line in lines if line["type"] == "left_out"], [993])
        self.assertEqual((lines[-1]["errors"], lines[-1]["left_out"]), (1000, 993))

    def test_what_is_refused(self):
        self.plan(body="print('ran')")
        rows = [("ndjson=r,rate=x", "--out: ndjson: rate: 'x' is no whole number"),
                ("ndjson=r,rat=1", "--out: ndjson: unknown key 'rat' (did you mean 'rate'?)"),
                ("ndjson=no/such/r", "cannot write no/such/r: No such file or directory; its folder does not exist"),
                ("hdr=.", "cannot write .: Is a directory")]
        for out, message in rows:
            with self.subTest(out):
                ended = self.run_words("plan.lua", "--out", out)
                self.check(ended, 104, message)
                self.assertEqual(ended.out, "")

    def test_an_earlier_file_stays_until_the_run_begins(self):
        self.write("r.ndjson", "before\n")
        self.plan("error('no')")
        self.check(self.run_words("plan.lua", "--out", "r.ndjson"), 104)
        self.plan('lgen.setup(function() error("no") end)')
        self.check(self.run_words("plan.lua", "--out", "r.ndjson"), 107)
        self.assertNotIn("before\n", whole_lines(self.path("r.ndjson")))


class HdrTest(LgenCase):
    def test_percentiles_are_those_of_the_summary(self):
        self.plan('local h = lgen.histogram("size_bytes", { unit = "B", labels = { "kind" } })', """
  for second = 1, 3 do
    for i = 1, 2000 do h:record(lgen.random.int(1, 5000000), { kind = i % 3 == 0 and "a" or "b" }) end
    lgen.sleep(1.2)
  end""")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "r.hlog", "--out", "r.json"), 0)
        tags = read_hdr(self.path("r.hlog"))
        with open(self.path("r.json"), encoding="utf-8") as file:
            metrics = json.load(file)["metrics"]
        seen = 0
        for name, metric in metrics.items():
            for series in metric["series"] if metric["type"] == "histogram" else []:
                read = tags[tag_of(name, series["labels"])]
                self.assertEqual(read["count"], series["count"])
                tick = 1e-6 if metric["unit"] == "s" else 1
                for key, p in (("med", "50"), ("p90", "90"), ("p95", "95"), ("p99", "99")):
                    # lgen's never exceed the exact maximum, a log knows that to its resolution.
                    ours = round(series[key] / tick)
                    self.assertTrue(read["percentiles"][p] == ours or ours == round(series["max"] / tick), (name, key))
                seen += 1
        self.assertGreaterEqual(seen, 4)
        for kind in "ab":  # three bursts, of which a late second may take two
            self.assertGreaterEqual(len(tags[f"size_bytes{{kind={kind};scenario=s}}"]["lines"]), 2)

    def test_signs_that_the_format_needs_for_itself(self):
        self.plan('local h = lgen.histogram("x", { labels = { "kind" } })', "h:record(1, { kind = 'a, b;c=d{e}%' })")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "r.hlog"), 0)
        self.assertIn("x{kind=a%2C%20b%3Bc%3Dd%7Be%7D%25;scenario=s}", read_hdr(self.path("r.hlog")))


# Fails a hundred times a second and keeps books of its own, beside lgen's.
BOOKKEEPER = PRELUDE + """
local books = assert(io.open("books", "w"))
books:setvbuf("no")
lgen.scenario("s", { load = lgen.load.constant_vus { vus = 1, duration = "5m" }, run = function()
  for _ in lgen.every("10ms") do
    books:write(("%.6f\\n"):format(lgen.now()))
    lgen.check("never", false, "as always")
  end
end })
"""


class KilledTest(LgenCase):
    def test_at_most_the_last_second_is_lost(self):
        self.write("plan.lua", BOOKKEEPER)
        with subprocess.Popen([binary("lgen"), "plan.lua", "--quiet", "--out", "ndjson=r.ndjson,rate=1000", "--out",
                               "r.hlog"], cwd=self.folder, env=clean_environment()) as lgen:
            eventually(lambda: os.path.exists(self.path("books")) and
                       len(whole_lines(self.path("books"))) > 250, "two and a half seconds of failures")
            lgen.send_signal(signal.SIGKILL)
            lgen.wait(PATIENCE_SECONDS)
        booked = [float(line) for line in whole_lines(self.path("books"))]
        # The second that was being written when it died, and the microseconds between the two clocks.
        whole = math.floor(booked[-1] - 0.1)
        self.assertGreaterEqual(whole, 2)
        lines = objects(self.path("r.ndjson"))
        written = [line["at"] for line in lines if line["type"] == "error"]
        self.assertGreaterEqual(len(written), sum(at < whole - 0.1 for at in booked))
        self.assertGreaterEqual([line["at"] for line in lines if line["type"] == "second"][-1], whole)
        tags = read_hdr(self.path("r.hlog"))
        ends = [line["end"] for tag in tags.values() for line in tag["lines"]]
        starts = [line["start"] for tag in tags.values() for line in tag["lines"]]
        self.assertGreaterEqual(max(ends) - min(starts), whole * 1000 - 10)


class LossTest(LgenCase):
    LOSSES = "for i = 1, 30 do lgen.check('c', false, ('x'):rep(1000)) lgen.sleep(0.05) end"

    def run_losing(self, *outs):
        self.plan(body=self.LOSSES + " lgen.check('went on', true)")
        return self.run_words("plan.lua", "--quiet", "--allow-failures", "--out", "r.json", *outs)

    def went_on(self):
        with open(self.path("r.json"), encoding="utf-8") as file:
            summary = json.load(file)
        self.assertEqual({check["name"]: check["passes"] + check["fails"] for check in summary["checks"]},
                         {"c": 30, "went on": 1})
        self.assertEqual(summary["run"]["exit_code"], 113)

    def test_a_device_that_is_full(self):
        for out in ("ndjson=/dev/full", "hdr=/dev/full"):
            with self.subTest(out):
                ended = self.run_losing("--out", out)
                self.check(ended, 113, "cannot write /dev/full: No space left on device; free some space or name another "
                           "place; the load goes on", "lines are missing")
                self.went_on()

    def test_the_last_record_knows_what_other_outputs_have_lost(self):
        rows = [("hdr=/dev/full", 1), ("json=/dev/full", 0)]  # lines lost: at least; a JSON file has none
        for out, lines in rows:
            for threshold, code, words in [("count == 1", 113, "an output could not be written"),
                                           ("count == 7", 99, "1 threshold failed")]:
                with self.subTest((out, threshold)):
                    self.plan(f"lgen.threshold('iterations', '{threshold}')", "lgen.check('c', true)")
                    ended = self.run_words("plan.lua", "--quiet", "--out", out, "--out", "r.ndjson")
                    end = objects(self.path("r.ndjson"))[-1]
                    self.assertEqual((ended.code, end["type"], end["exit_code"], end["outputs_lost"]), (code, "end", code, 1))
                    self.assertEqual(end["lines_lost"] >= 1, lines >= 1, end)
                    missing = f", {end['lines_lost']} lines missing" if lines else ""
                    last = " ".join(ended.out.rpartition("\n\n")[2].split())  # it may be longer than a line
                    self.assertEqual(last, f"✗ exit code {code}: {words}; 1 output is not whole{missing}")

    def last_state(self, url):
        """What a reader of the dashboard is told who comes when the run has ended."""
        log = self.path("r.ndjson")
        eventually(lambda: os.path.exists(log) and any(line["type"] == "end" for line in objects(log)), "the run's end")
        told = ""
        with urllib.request.urlopen(url.rstrip("/") + "/events", timeout=PATIENCE_SECONDS) as events:
            while "exit code" not in told:
                piece = events.read1(1 << 20)
                self.assertTrue(piece, told)
                told += piece.decode()
        return told

    def test_so_does_the_last_state_of_the_dashboard(self):
        self.plan(body="lgen.check('c', true)")
        with subprocess.Popen([binary("lgen"), "plan.lua", "--quiet", "--out", "dashboard=:0,linger=1m", "--out",
                               "hdr=/dev/full", "--out", "r.ndjson"], cwd=self.folder, env=clean_environment(),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as lgen:
            url = next(line for line in lgen.stderr if "lgen: dashboard: " in line).split()[-1]
            try:
                told = self.last_state(url)
            finally:
                lgen.send_signal(signal.SIGINT)
                lgen.stderr.read()
            self.assertEqual(lgen.wait(PATIENCE_SECONDS), 113)
        self.assertIn("exit code 113: an output could not be written; 1 output is not whole", told)

    def test_a_disk_that_fills(self):
        os.mkdir(self.path("disk"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "lgen-test", self.path("disk")]
        if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("mounting a small disk is not allowed here")
        self.addCleanup(subprocess.run, ["umount", self.path("disk")], check=True)
        ended = self.run_losing("--out", "disk/r.ndjson", "--out", "disk/r.hlog")
        self.check(ended, 113, "cannot write disk/r.ndjson: No space left on device", "lines are missing")
        self.went_on()
        kinds = [line["type"] for line in objects(self.path("disk/r.ndjson"))]
        self.assertEqual(kinds[0], "begin")
        with open(self.path("disk/r.ndjson"), encoding="utf-8") as file:
            self.assertTrue(file.read().endswith("\n"), "no half line")

    def test_a_reader_that_goes(self):
        self.plan(body=self.LOSSES)
        ended = self.run_shell('set -o pipefail; "$LGEN" plan.lua --quiet --allow-failures --out ndjson=- --out r.json '
                               "| head -n 1")
        self.check(ended, 113, "cannot write standard output: Broken pipe")
        self.assertEqual(json.loads(ended.out)["type"], "begin")
        with open(self.path("r.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["checks"][0]["fails"], 30)

    def test_a_reader_that_sleeps_holds_nothing_up(self):
        self.plan('lgen.teardown(function() io.open("over", "w"):close() end)',
                  "for i = 1, 1000 do lgen.check('c', false, ('x'):rep(500)) end")
        with subprocess.Popen([binary("lgen"), "plan.lua", "--quiet", "--out", "ndjson=-,rate=5000"], cwd=self.folder,
                              env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as lgen:
            eventually(lambda: os.path.exists(self.path("over")), "the end of the load, though nobody reads")
            lines = [json.loads(line) for line in lgen.stdout]
            self.assertEqual(lgen.wait(PATIENCE_SECONDS), 99)
        self.assertEqual(sum(line["type"] == "error" for line in lines), 1000)
        self.assertEqual(lines[-1]["type"], "end")
