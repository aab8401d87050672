"""How runs end before their time: signals, lgen.abort, plans that raise or never yield, and what is left of them."""

import json
import os
import signal
import subprocess
import threading

from lgen_runs import PRELUDE, LgenCase, clean_environment
from programs import binary
from raw_servers import Listener
from waiting import PATIENCE_SECONDS, eventually

RUNS_LONG = """
lgen.teardown(function() print("teardown ran") end)
lgen.scenario("long", {
  load = lgen.load.constant_vus { vus = 2, duration = "1h" },
  run = function(vu)
    lgen.log.warn("started")
    WORK
  end,
})
"""


class SignalTest(LgenCase):
    def started(self, work, *flags, vus=2, text=RUNS_LONG):
        self.write("plan.lua", PRELUDE + text.replace("WORK", work))
        run = self.start("plan.lua", "--quiet", "--vus", vus, *flags)
        self.addCleanup(run.__exit__)
        run.err.wait_for("started", vus)
        return run

    def test_the_first_signal_ends_the_run(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                run = self.started("for _ in lgen.every(0.01) do end")
                run.send_signal(number)
                self.assertEqual(run.wait(), 105)
                out, err = "\n".join(run.out.all_until_end()), "\n".join(run.err.all_until_end())
                self.assertIn("teardown ran", out)
                self.assertIn("2 iterations: 2 ok", out)
                self.assertIn("exit code 105", out)
                self.assertIn("ending the run; once more to leave at once", err)

    def test_a_teardown_that_raises_after_a_signal_is_told(self):
        torn = RUNS_LONG.replace('print("teardown ran")', 'error("torn")')
        run = self.started("for _ in lgen.every(0.01) do end", vus=1, text=torn)
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(), 105)
        self.assertRegex("\n".join(run.err.all_until_end()), r"teardown: .*plan\.lua:\d+: torn")

    def test_iterations_that_do_not_end_are_cancelled_after_stop_timeout(self):
        run = self.started("lgen.sleep(3600)", "--stop-timeout", "10ms")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(), 105)
        self.assertIn("0 ok + 2 cancelled", "\n".join(run.out.all_until_end()))

    def test_the_second_signal_ends_the_process(self):
        run = self.started("lgen.sleep(3600)", "--stop-timeout", "1h")
        run.send_signal(signal.SIGINT)
        run.err.wait_for("once more to leave at once")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(), 128 + signal.SIGINT)

    def test_the_second_signal_works_while_the_plan_does_not_yield(self):
        run = self.started("while true do end", vus=1)
        run.send_signal(signal.SIGTERM)
        run.send_signal(signal.SIGINT)
        self.assertIn(run.wait(), (128 + signal.SIGINT, 128 + signal.SIGTERM))

    def test_a_signal_while_the_channels_connect(self):
        with Listener() as server:
            self.plan(f'local ch = lgen.grpc.channel("main", "{server.target}")')
            run = self.start("plan.lua", "--wait-ready", "1h")
            self.addCleanup(run.__exit__)
            eventually(lambda: server.connections > 0, "the run dials")
            run.send_signal(signal.SIGTERM)
            self.assertEqual(run.wait(), 105)

    def test_a_signal_ends_a_sleeping_setup(self):
        self.plan('lgen.setup(function() lgen.log.warn("waiting") lgen.sleep(3600) end)')
        run = self.start("plan.lua", "--quiet")
        self.addCleanup(run.__exit__)
        run.err.wait_for("waiting")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(), 105)


class ReaderTest(LgenCase):
    """Standard output whose reader has gone: no signal, no crash, exit code 113."""

    def test_the_reader_goes_before_the_report(self):
        self.plan(body="print('one line')")
        read, write = os.pipe()
        os.close(read)
        ended = self.run_words("plan.lua", "--quiet", stdout=write)
        os.close(write)
        self.check(ended, 113, "cannot write standard output: Broken pipe")

    def test_head(self):
        self.plan(body="for i = 1, 20000 do print(i) end")
        pipe = subprocess.run(f"{binary('lgen')} plan.lua --quiet | head -1", shell=True, cwd=self.folder,
                              env=clean_environment(), capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                              check=False)
        self.assertEqual(pipe.stdout, "1\n")

    def test_a_reader_of_help_that_has_seen_enough(self):
        self.plan()
        read, write = os.pipe()
        os.close(read)
        for words in (["--help"], ["help", "run"], ["run", "--help"], ["bench", "--help"], ["plan.lua", "--help"], ["man"]):
            with self.subTest(words):
                ended = self.run_words(*words, stdout=write)
                self.assertEqual((ended.code, ended.err), (0, ""))
        os.close(write)


class VerdictTest(LgenCase):
    def ended(self, top="", body="", *flags):
        self.plan(top, body)
        return self.run_plan("plan.lua", *flags)

    def test_a_failed_check(self):
        ended = self.ended("", "lgen.check('fits', false, 'because') lgen.check('fits', true)")
        self.check(ended, 99, "lgen: check 'fits' failed")
        self.assertIn("fits: 1 of 2, 1 failed (first: because)", ended.out)
        self.assertEqual(ended.summary["checks"], [{"name": "fits", "passes": 1, "fails": 1, "first_failure": "because",
                                                    "warmup_passes": 0, "warmup_fails": 0}])
        self.check(self.ended("", "lgen.check('fits', nil)", "--allow-failures"), 0)

    def test_a_threshold_on_checks_takes_over(self):
        body = "for i = 1, 10 do lgen.check('fits', i > 1) end"
        self.check(self.ended("lgen.threshold('checks', 'rate > 0.8')", body), 0)
        self.check(self.ended("lgen.threshold('checks', 'rate > 0.95')", body), 99, "threshold 'checks rate > 0.95' failed")

    def test_thresholds(self):
        top = "local h = lgen.histogram('h', { unit = 's' }) lgen.threshold('h', '{}')"
        body = "for i = 1, 100 do h:record(i / 100) end"
        for text, code in [("p(99) < 1", 0), ("p(50) < 0.4", 99), ("count == 100", 0), ("max <= 1", 0), ("avg > 0.6", 99)]:
            with self.subTest(text):
                ended = self.ended(top.replace("{}", text), body)
                self.assertEqual(ended.code, code, ended)
                self.assertEqual(ended.summary["thresholds"][0]["ok"], code == 0)

    def test_a_threshold_syntax_error_shows_its_text_once(self):
        ended = self.ended("lgen.threshold('iterations', 'count >')")
        self.check(ended, 104, 'lgen: plan.lua:2: threshold on iterations "count >", column 8: expected a number after \'>\'')
        self.assertEqual(ended.err.count("count >"), 1, ended)

    def test_a_threshold_with_a_label_nobody_carries(self):
        rows = [  # labels, the same in messages, what the report says
            ("{ nmae = 'fits' }", "nmae=fits", "nothing counted carries the label 'nmae' (did you mean 'name'?)"),
            ("{ zone = 'a' }", "zone=a", "nothing counted carries the label 'zone'"),
            ("{ name = 'fist' }", "name=fist", "no samples with name=fist (did you mean 'fits'?)"),
        ]
        for labels, shown, why in rows:
            with self.subTest(labels):
                ended = self.ended("local own = lgen.rate('own', { labels = { 'name' } }) "
                                   f"lgen.threshold('own', 'rate >= 0', {{ labels = {labels} }})",
                                   "own:add(true, { name = 'fits' })")
                self.check(ended, 99, f"threshold 'own{{{shown}}} rate >= 0' failed")
                self.assertIn(why, " ".join(ended.out.split()))  # however it is wrapped
                self.assertEqual(ended.summary["thresholds"][0]["why"], why)

    def test_rates_leave_the_warm_up_out(self):
        self.write("plan.lua", PRELUDE + """
local n = lgen.counter("n")
lgen.scenario("s", { load = lgen.load.constant_vus { duration = "0.4s" },
  phases = { { "warmup", "0.2s" }, { "main", "1h" } }, run = function() n:add() lgen.sleep("1ms") end })
lgen.threshold("n", "rate > 0")
lgen.threshold("n", "rate > 0", { labels = { phase = "warmup" } })
""")
        ended = self.run_plan("plan.lua", "--validity", "warn")
        self.check(ended, 0)
        (scenario,), run = ended.summary["scenarios"], ended.summary["run"]
        counts = {series["labels"]["phase"]: series["value"] for series in ended.summary["metrics"]["n"]["series"]}
        self.assertEqual(scenario["warmup"], 0.2)
        self.assertEqual(scenario["started_in_warmup"], counts["warmup"])
        self.assertIn(f"{int(counts['warmup'])} of them in warm-up", " ".join(ended.out.split()))
        main, warmup = [threshold["observed"] for threshold in ended.summary["thresholds"]]
        self.assertAlmostEqual(main, counts["main"] / scenario["measured"], places=3)
        self.assertEqual(run["measured"], scenario["measured"])
        self.assertAlmostEqual(scenario["measured"], scenario["elapsed"] - 0.2, places=6)
        self.assertLessEqual(scenario["measured"], run["duration"] - 0.2)
        self.assertAlmostEqual(warmup, counts["warmup"] / 0.2, places=3)

    def test_a_load_that_is_all_warm_up_is_refused(self):
        rows = [  # phases, flags, why; None: it runs
            ('{ "warmup", "4s" }, { "main", "1m" }', ["--duration", "3s"], "the load lasts 3s, which the warm-up takes all of"),
            ('{ "warmup", "300ms" }, { "main", "1m" }', ["--duration", "300ms"], "the load lasts 300ms, which"),
            ('{ "warmup", "1ms" }', ["--duration", "300ms"], "its only phase is warmup"),
            ('{ "warmup", "1ms" }, { "main", "1m" }', ["--duration", "300ms"], None),
        ]
        for phases, flags, why in rows:
            with self.subTest(phases):
                self.write("plan.lua", PRELUDE + f"""
lgen.scenario("s", {{ load = lgen.load.constant_vus {{ duration = "10s" }}, phases = {{ {phases} }},
  run = function() lgen.sleep("1ms") end }})
""")
                ended = self.run_plan("plan.lua", *flags)
                self.check(ended, *((104, f"plan.lua:3: scenario 's': nothing would be measured: {why}") if why else (0,)))

    def test_a_run_that_never_left_its_warm_up_has_not_passed(self):
        self.write("plan.lua", PRELUDE + """
lgen.scenario("s", { load = lgen.load.shared_iterations { vus = 1, iterations = 3 },
  phases = { { "warmup", "9m" }, { "main", "1m" } }, run = function() lgen.check("fits", true) end })
""")
        ended = self.run_plan("plan.lua")
        self.check(ended, 99, "nothing was measured: all iterations (3) fell into the warm-up, which does not count")
        self.assertIn("– fits: 0 of 0 (and 3 in warm-up)", ended.out)
        self.assertIn("3 iterations, 3 of them in warm-up: 3 ok", " ".join(ended.out.split()))

    def test_abort(self):
        ended = self.ended("lgen.teardown(function() print('teardown ran') end)",
                           "lgen.abort('seen enough') lgen.check('x', false)")
        self.check(ended, 108, "lgen: seen enough")
        self.assertIn("teardown ran", ended.out)

    def test_stop_ends_one_scenario(self):
        ended = self.ended('lgen.scenario("t", { load = lgen.load.constant_vus { vus = 3, duration = "1h" }, '
                           'run = function(vu) while not vu.stopping do lgen.yield() end end })',
                           "lgen.check('three', lgen.vus('t') == 3) lgen.stop('t')")
        self.check(ended, 0)

    def test_raising_outside_iterations(self):
        rows = [
            ("lgen.setup(function() error('boom') end)", "setup: plan.lua:2: boom"),
            ("lgen.teardown(function() error('boom') end)", "teardown: plan.lua:2: boom"),
            ("lgen.setup(function() return print end)",
             "setup: what it returns is shared by all VUs and must be plain data (nil, booleans, numbers, strings, tables "
             "of these), got function"),
            ("lgen.setup(function() local t = {} t.t = t return t end)",
             "setup: what it returns is shared by all VUs and must be plain data (nil, booleans, numbers, strings, tables "
             "of these), got a table that contains itself at t"),
            ("lgen.setup(function() lgen.spawn(function() error('child') end) lgen.sleep(9) end)", "setup: plan.lua:2: child"),
        ]
        for top, message in rows:
            with self.subTest(message):
                ended = self.ended(top)
                self.check(ended, 107, "lgen: " + message)
                self.assertEqual(ended.summary["run"]["end"], "plan_error")
                self.assertIn("exit code 107", ended.out)
        for hook in ("vu_start", "vu_stop", "setup"):
            with self.subTest(hook):
                self.write("plan.lua", PRELUDE + 'lgen.teardown(function() print("teardown ran") end)\n'
                           'lgen.scenario("h", { load = lgen.load.per_vu_iterations { vus = 2 }, run = function() end,\n'
                           f"{hook} = function() lgen.yield() error('boom') end }})")
                ended = self.run_plan("plan.lua")
                self.check(ended, 107, f"lgen: {hook} of scenario 'h': plan.lua:4: boom")
                self.assertEqual("teardown ran" in ended.out, hook != "setup")

    def test_data_of_setup_is_shared_and_frozen(self):
        ended = self.ended("lgen.setup(function() return { list = { 1, 2 }, n = 5 } end)",
                           "lgen.check('data', vu.data.n == 5 and #vu.data.list == 2) vu.data.new = 1")
        self.check(ended, 99, "plan.lua:5: what setup returned is shared by all VUs and frozen; key string \"new\" cannot be "
                   "added (use vu.state)")


class NeverYieldsTest(LgenCase):
    """All at once, because each takes its seconds until the watchdog strikes."""

    TEARDOWN = "lgen.teardown(function() print('teardown ran') end)"
    SAYS = "the plan has run for 5s without waiting; it never yields"
    STUCK = "in a function that cannot be interrupted"
    rows = [
        # name, top level, iteration, what lgen says, whether teardown runs, whether there is a report
        ("at load", "while true do end", "", "plan.lua:2: " + SAYS, False, False),
        ("at load, in a pcall", "pcall(function() while true do end end)", "", "plan.lua:2: " + SAYS, False, False),
        ("in setup", "lgen.setup(function() while true do end end)", "", "plan.lua:2: " + SAYS, False, True),
        ("in run", TEARDOWN, "while true do end", "plan.lua:5: " + SAYS, True, True),
        ("compiled", TEARDOWN, "local x = 0 while true do x = x + 1 end", "plan.lua:5: " + SAYS, True, True),
        ("in a loop of pcalls", TEARDOWN, "while true do pcall(function() while true do end end) end",
         "plan.lua:5: " + SAYS, True, True),
        ("stuck at load", "os.execute('sleep 20')", "", "plan.lua:2: the plan has been stuck for 10", False, False),
        ("stuck in run", TEARDOWN, "lgen.check('before', true) os.execute('sleep 20')",
         "plan.lua:5: the plan has been stuck for 10", False, True),
        ("a pattern that takes for ever", TEARDOWN, "return (('a'):rep(60):find(('.-'):rep(40) .. 'b'))",
         "plan.lua:5: the plan has been stuck for 10", False, True),
    ]

    def run_row(self, row, results):
        name, top, body, *_ = row
        folder = self.path(name)
        os.mkdir(folder)
        self.plan(top, body, name=os.path.join(name, "plan.lua"))
        done = subprocess.run([binary("lgen"), "plan.lua", "--quiet", "--out", "json=r.json"], cwd=folder,
                              env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)
        results[name] = done

    def test_what_becomes_of_them(self):
        results = {}
        threads = [threading.Thread(target=self.run_row, args=(row, results)) for row in self.rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name, _, _, message, teardown, report in self.rows:
            with self.subTest(name):
                done = results[name]
                self.assertEqual(done.returncode, 107, done)
                self.assertIn("lgen: warn: plan code has been running for ", done.stderr)
                self.assertIn(message, done.stderr)
                self.assertEqual("teardown ran" in done.stdout, teardown, done)
                self.assertEqual("exit code 107" in done.stdout, report, done)
                written = self.path(os.path.join(name, "r.json"))
                self.assertEqual(os.path.exists(written), report)
                if report:
                    with open(written, encoding="utf-8") as file:
                        self.assertEqual(json.load(file)["run"]["end"], "plan_error")


class ScenarioTest(LgenCase):
    def test_vu_fields(self):
        self.write("plan.lua", PRELUDE + """
local seen = {}
lgen.scenario("a", { load = lgen.load.per_vu_iterations { vus = 2, iterations = 2 },
  setup = function(data) return { of = "a" } end,
  run = function(vu)
    vu.state.n = (vu.state.n or 0) + 1
    seen[#seen + 1] = ("%s %d %d %d %d %s"):format(vu.scenario, vu.id, vu.index, vu.iter, vu.state.n, vu.data.of)
    lgen.check("times", vu.scheduled_at >= 0 and vu.scheduled_at <= lgen.now() and not vu.stopping)
    lgen.yield()
  end })
lgen.scenario("b", { load = lgen.load.per_vu_iterations { vus = 1 }, start_after = "50ms",
  run = function(vu) seen[#seen + 1] = ("%s %d %d %d"):format(vu.scenario, vu.id, vu.index, vu.iter)
    lgen.check("later", lgen.now() >= 0.05) end })
lgen.scenario("c", { load = lgen.load.constant_vus { duration = "1h" }, background = true,
  run = function() for _ in lgen.every("1ms") do end end })
lgen.teardown(function() table.sort(seen) print(table.concat(seen, "\\n")) end)
""")
        ended = self.run_plan("plan.lua")
        self.check(ended, 0)
        self.assertEqual(ended.out.splitlines()[:5],
                         ["a 1 1 1 1 a", "a 1 1 2 2 a", "a 2 2 1 1 a", "a 2 2 2 2 a", "b 3 1 1"])
