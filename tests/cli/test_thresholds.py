"""Thresholds: over the whole run, over windows, by phase, those that end the run, and those nobody can mean."""

from lgen_runs import PRELUDE, LgenCase

# Values by the tenth of a second, as `VALUES(n)` says; `load` as asked for.
PACED = PRELUDE + """
local h = lgen.histogram("h", { unit = "s" })
local bad = lgen.counter("bad")
TOP
lgen.scenario("paced", {
  load = lgen.load.constant_vus { vus = 1, duration = "LENGTH" },
  OPTIONS
  run = function(vu)
    for n in lgen.every(0.1) do VALUES end
  end,
})
"""


class ThresholdCase(LgenCase):
    def paced(self, top, values, *flags, length="3s", options=""):
        text = PACED.replace("TOP", top).replace("VALUES", values).replace("LENGTH", length).replace("OPTIONS", options)
        self.write("plan.lua", text)
        return self.run_plan("plan.lua", "--validity", "warn", *flags)


class LabelTest(LgenCase):
    def test_a_slip_of_the_pen_is_told_at_the_start(self):
        rows = [  # the threshold's label, what is said before the load
            ("{ nmae = 'a' }", "plan.lua:2: threshold on own: it has no label 'nmae' (did you mean 'name'?)"),
            ("{ name = 'a' }", None),
            ("{ zone = 'a' }", None),  # may be one that comes with the load
            ("{ knid = 'x' }", "plan.lua:2: threshold on own: it has no label 'knid' (did you mean 'kind'?)"),
            ("{ naem = 'a' }", None),  # is a tag
            ("{ kind = 'x' }", None),  # so is that
        ]
        for labels, told in rows:
            with self.subTest(labels):
                self.plan("local own = lgen.rate('own', { labels = { 'name' } }) "
                          f"lgen.threshold('own', 'rate >= 0', {{ labels = {labels} }})\n"
                          "lgen.scenario('tagged', { load = lgen.load.per_vu_iterations {}, tags = { kind = 'x' }, "
                          "run = function() end })", "own:add(true, { name = 'a' })")
                ended = self.run_plan("plan.lua", "--tag", "naem=a")
                self.assertEqual(" ".join(ended.err.split()).count("it has no label"), 1 if told else 0, ended.err)
                self.assertIn(told or "", " ".join(ended.err.split()))


class OverflowTest(LgenCase):
    def test_what_has_lost_its_labels_is_not_judged_silently(self):
        self.plan("""local own = lgen.counter('own', { labels = { 'tier', 'id' } })
          lgen.threshold('own', 'count == 1000', { labels = { tier = 'gold' } })
          lgen.threshold('own', 'count > 900', { labels = { tier = 'gold' } })
          lgen.threshold('own', 'count < 2000', { labels = { scenario = 's' } })
          lgen.threshold('own', 'count < 2000')""",
                  "for i = 1, 1500 do own:add(1, { tier = 'gold', id = i }) end")
        ended = self.run_plan("plan.lua")
        self.assertEqual(ended.code, 99)
        self.assertEqual([one["ok"] for one in ended.summary["thresholds"]], [False, True, True, True])
        self.assertIn('not judged: 500 samples under overflow="true", where labels are lost',
                      ended.summary["thresholds"][0]["why"])


class WindowTest(ThresholdCase):
    def test_the_worst_window_is_named(self):
        ended = self.paced('lgen.threshold("h", "max < 1", { over = "1s" }) lgen.threshold("h", "avg < 1", { over = "3s" })',
                           "h:record(n == 15 and 5 or 0.1)", length="4s")
        self.assertEqual(ended.code, 99, ended)
        narrow, wide = ended.summary["thresholds"]
        self.assertEqual((narrow["ok"], narrow["over"], narrow["windows_failed"], narrow["worst_at"]), (False, 1, 1, 1))
        self.assertAlmostEqual(narrow["observed"], 5, delta=0.01)
        self.assertGreaterEqual(narrow["windows"], 3)
        self.assertTrue(wide["ok"])
        self.assertIn("h max < 1 over 1s: max is 5s, not < 1; worst of", ended.out)
        self.assertIn("threshold 'h max < 1 over 1s' failed", ended.err)

    def test_counts_are_judged_in_whole_windows_of_the_load_only(self):
        top = 'lgen.threshold("bad", "count >= 5", { over = "1s" }) lgen.threshold("bad", "rate >= 5", { over = "2s" })'
        ended = self.paced(top, "bad:add()", length="3500ms")
        self.assertEqual(ended.code, 0, ended)
        self.assertGreaterEqual(min(t["windows"] for t in ended.summary["thresholds"]), 1)

    def test_a_run_shorter_than_a_window_is_judged_as_a_whole(self):
        ended = self.paced('lgen.threshold("h", "max < 1", { over = "1m" })', "h:record(5)", length="300ms")
        self.assertEqual(ended.code, 99, ended)
        self.assertIn("the load was shorter than a window", ended.out)

    def test_the_beginning_can_be_left_out(self):
        top = 'lgen.threshold("h", "max < 1", { after = "1s" }) lgen.threshold("h", "max < 1", { over = "1s", after = "1s" })'
        ended = self.paced(top, "h:record(n < 8 and 5 or 0.1)")
        self.assertEqual(ended.code, 0, ended)
        self.assertIn("h max < 1 after 1s", ended.out)

    def test_phases_have_thresholds_and_rates_of_their_own(self):
        top = """lgen.threshold("h", "max < 1", { labels = { phase = "late" } })
                 lgen.threshold("h", "max > 1", { labels = { phase = "early" } })
                 lgen.threshold("iterations", "rate > 1", { labels = { phase = "late" } })"""
        text = PRELUDE + 'local h = lgen.histogram("h", { unit = "s" })\n' + top + """
          lgen.scenario("phased", {
            load = lgen.load.constant_vus { vus = 1, duration = "2s" },
            phases = { { "early", "1s" }, { "late", "1s" } },
            run = function(vu) h:record(lgen.now() < 0.8 and 5 or 0.1) lgen.sleep(0.1) end,
          })"""
        self.write("plan.lua", text)
        ended = self.run_plan("plan.lua", "--validity", "warn")
        self.assertEqual(ended.code, 0, ended)
        self.assert_rate_is_over(ended.summary, 2, 1)

    def assert_rate_is_over(self, summary, threshold, seconds):
        """The threshold's rate is over the late phase, `seconds` and what the last iteration took, and not over both."""
        (late,) = [series["value"] for series in summary["metrics"]["iterations"]["series"]
                   if series["labels"]["phase"] == "late"]
        observed = summary["thresholds"][threshold]["observed"]
        self.assertTrue(late / (2 * seconds) < observed <= late / seconds, (observed, late))

    def test_phases_run_at_the_scale_of_time(self):
        self.write("plan.lua", PRELUDE + """
          lgen.threshold("iterations", "rate > 1", { labels = { phase = "late" } })
          lgen.scenario("phased", {
            load = lgen.load.constant_vus { vus = 1, duration = "20s" },
            phases = { { "early", "10s" }, { "late", "10s" } },
            run = function(vu) lgen.sleep(2) end,
          })""")
        ended = self.run_plan("plan.lua", "--time-scale", "20")
        self.assertEqual(ended.code, 0, ended)
        self.assert_rate_is_over(ended.summary, 0, 0.5)


class AbortTest(ThresholdCase):
    TOP = 'lgen.threshold("bad", "count < 5", { abort = true }) lgen.teardown(function() print("teardown ran") end)'

    def test_a_threshold_can_end_the_run(self):
        ended = self.paced(self.TOP, "bad:add()", length="1h")
        self.assertEqual(ended.code, 99, ended)
        self.assertIn("aborted: threshold 'bad count < 5' failed: count is", ended.out)
        self.assertIn("teardown ran", ended.out)
        self.assertTrue(ended.summary["thresholds"][0]["aborted"])
        self.assertEqual(ended.summary["run"]["end"], "aborted")

    def test_a_window_can_end_the_run(self):
        ended = self.paced('lgen.threshold("h", "p(90) < 1", { over = "2s", abort = true })', "h:record(n > 12 and 5 or 0.1)",
                           length="1h")
        self.assertEqual(ended.code, 99, ended)
        self.assertIn("p(90) is 5s, not < 1", ended.out)

    def test_failures_may_be_allowed(self):
        self.assertEqual(self.paced(self.TOP, "bad:add()", "--allow-failures", length="1h").code, 0)

    def test_one_that_holds_changes_nothing(self):
        top = 'lgen.threshold("bad", "count < 500", { abort = true }) lgen.threshold("bad", "count > 5", { abort = true })'
        ended = self.paced(top, "bad:add()", length="1s")
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual([t["aborted"] for t in ended.summary["thresholds"]], [False, False])


class BadThresholdTest(LgenCase):
    """Each row: a threshold, and what lgen says to it."""

    rows = [
        ('"iterations", "count >"', 'threshold on iterations "count >", column 8: expected a number after \'>\''),
        ('"iterations", "cuont > 1"', 'column 1: no statistic \'cuont\' (did you mean \'count\'?)'),
        ('"iteratoins", "count > 1"', "threshold: no metric 'iteratoins' (did you mean 'iterations'?)"),
        ('"iterations", "p(99) > 1"', "iterations is a counter, which has no p(99)"),
        ('"iterations", "count > 1", { over = "500ms" }', "over: whole seconds from 1s to 1h expected, got 500ms"),
        ('"iterations", "count > 1", { over = 1.5 }', "over: whole seconds from 1s to 1h expected, got 1.5s"),
        ('"iterations", "count > 1", { over = "2h" }', "over: whole seconds from 1s to 1h expected, got 2h"),
        ('"iterations", "count > 1", { over = -1 }', "over"),
        ('"iterations", "count > 1", { oevr = "5s" }', "unknown option 'oevr' (did you mean 'over'?)"),
        ('"iterations", "count > 1", { abort = 1 }', "abort: boolean expected, got number 1"),
        ('"grpc_call_duration_seconds", "avg > 1", { labels = { mehtod = "x" } }',
         "threshold on grpc_call_duration_seconds: no label 'mehtod' (did you mean 'method'?)"),
        ('"loop_lag_seconds", "avg > 1", { labels = { scenario = "s" } }', "no label 'scenario'; there is none"),
        ('"grpc_call_duration_seconds", "avg > 1", { labels = { code = "OK" } }',
         "no label 'code'; there is: scenario, name, method, phase, backend; grpc_calls has it"),
        ('"grpc_stream_open_seconds", "avg > 1", { labels = { code = "OK" } }',
         "; grpc_streams_ended, grpc_streams_failed have it"),
        ('"iterations", "count > 1", { labels = { scenario = "t" } }', "no scenario 't'; there is: s"),
        ('"iterations", "count > 1", { labels = { phase = "late" } }', "no phase 'late'; there is none"),
        ('"grpc_calls", "count > 1", { labels = { code = "OKK" } }', "no code 'OKK' (did you mean 'OK'?)"),
        ('"up", "min > 0"', "no metric 'up'; what the system under test counts comes from its page: lgen.prom.target"),
    ]

    def test_each_is_refused_with_its_line(self):
        for call, message in self.rows:
            with self.subTest(call):
                self.plan(f"lgen.threshold({call})")
                self.check(self.run_words("plan.lua"), 104, "lgen: plan.lua:2: ", message)


class ThresholdBeyondTheLoadTest(ThresholdCase):
    """What the plan itself says about the length of its load is known before it begins."""

    def test_what_leaves_nothing_to_judge_is_refused(self):
        ended = self.paced('lgen.threshold("h", "max < 1", { after = "5s" })', "h:record(0.1)",
                           length="300ms", options='graceful_stop = "2s",')
        self.check(ended, 104, 'lgen: plan.lua:5: threshold "h max < 1": nothing is left to judge after 5s: the load lasts '
                               "at most 300ms, and what runs then 2s more")
        self.assertNotIn("paced", ended.out)

    def test_stages_later_starts_other_scenarios_and_a_faster_time_are_reckoned_in(self):
        plan = PRELUDE + """
lgen.threshold("iterations", "count > 0", { after = "AFTER", labels = { scenario = "SCENARIO" } })
lgen.scenario("ramp", { load = lgen.load.ramping_vus { stages = { { "10s", 2 }, { "20s", 0 } } },
  run = function() lgen.sleep(1) end, graceful_stop = 0, start_after = "1h" })
lgen.scenario("long", { load = lgen.load.constant_vus { duration = "1h" }, run = function() lgen.sleep(1) end })
lgen.scenario("unknown", { load = lgen.load.per_vu_iterations { max_duration = math.huge }, run = function() end })
"""
        for scenario, after, scale, refused in [("ramp", "30s", "1", True), ("ramp", "29s", "1", False),
                                                ("ramp", "3s", "10", True), ("ramp", "2s", "10", False),
                                                ("long", "30m", "1", False), ("unknown", "9h", "1", False)]:
            with self.subTest(scenario=scenario, after=after, scale=scale):
                self.write("plan.lua", plan.replace("AFTER", after).replace("SCENARIO", scenario))
                ended = self.run_words("check", "plan.lua", "--time-scale", scale)
                self.check(ended, 104 if refused else 0)
                self.assertEqual("nothing is left to judge" in ended.err, refused, ended)

    def test_what_leaves_little_is_told_before_the_load(self):
        for option, words in [('after = "3s"', "after 3s only what runs on in graceful_stop is left to judge: the load lasts "
                                               "at most 300ms"),
                              ('over = "1m"', "no window of 1m fits, so the whole is judged: the load lasts at most 300ms")]:
            with self.subTest(option):
                self.write("plan.lua", PACED.replace("TOP", f'lgen.threshold("h", "max < 1", {{ {option} }})')
                           .replace("VALUES", "h:record(0.1)").replace("LENGTH", "300ms").replace("OPTIONS", ""))
                ended = self.run_words("check", "plan.lua")
                self.check(ended, 0)
                self.assertIn(f'threshold "h max < 1": {words}', ended.err)


class SeriesExplosionTest(LgenCase):
    def test_it_is_told_once_in_the_log_and_in_the_report(self):
        self.plan('local c = lgen.counter("ids", { labels = { "id" }, max_series = 3 })',
                  "for i = 1, 100 do c:add(1, { id = i }) end")
        ended = self.run_plan("plan.lua")
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual(ended.err.count("more than 3 label sets"), 1)
        self.assertEqual(sum("ids: more than 3 label sets" in note for note in ended.summary["run"]["notes"]), 1)
        self.assertEqual(ended.summary["metrics"]["ids"]["total"]["value"], 100)
        self.assertEqual(len(ended.summary["metrics"]["ids"]["series"]), 4)
