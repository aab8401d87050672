"""lgen.prom: the system under test, watched through its metrics pages."""

import unittest

import lgen_runs
from metrics_pages import Discovery, Page
from programs import Server, http_get
from prometheus import Prometheus, promtool_check
from waiting import dead_target, eventually

# The body of a test's one iteration prints what it found; these are the plans' helpers.
TARGET = 'local pods = lgen.prom.target("pods", lgen.metrics, { interval = "20ms" })\n'


def printed(ended):
    """What the plan has printed, before the report."""
    return [line[6:] for line in ended.out.splitlines() if line.startswith("found ")]


class PagesCase(lgen_runs.LgenCase):
    def found(self, where, body, text=TARGET, code=0, flags=()):
        ended = self.run_plan(self.plan(text, body), *[flag for one in where for flag in ("--metrics", one)], *flags)
        self.assertEqual(ended.code, code, ended)
        return printed(ended)

    def page(self, *arguments, **options):
        page = Page(*arguments, **options)
        self.addCleanup(page.__exit__)
        return page


class SamplesTest(PagesCase):
    def test_a_sample_answers_what_its_pages_say(self):
        a = self.page('x{k="1"} 1\nx{k="2"} 2\ny 7\n')
        b = self.page('x{k="1"} 4\nx{k="2"} NaN\n')
        body = """
        local s = assert(pods:scrape())
        print("found", s.up, s.down, s.at > 0)
        print("found", s:sum "x", s:max "x", s:min "x", s:count "x", s:avg("x", { k = 1 }))
        print("found", s:value "y", s:value("x", { k = "2" }), s:sum "z", s:count "z")
        local none, err = s:value "z"
        print("found", none, err.code, err)
        none, err = s:value "x"
        print("found", none, err.code, err)
        for value, labels in s:each("x", { pod = "%s" }) do print("found", value, labels.k, labels.pod) end
        """ % a.address
        found = self.found([a.address, b.url + "/any/path"], body.replace("found", "found "))
        words = [line.split("\t") for line in found]
        self.assertEqual(words[0], ["", "2", "0", "true"])
        self.assertEqual(words[1], ["", "7", "4", "1", "3", "2.5"])
        self.assertEqual(words[2], ["", "7", "2", "nil", "0"])
        self.assertEqual(words[3], ["", "nil", "NOT_FOUND", "NOT_FOUND: no page has z with these labels"])
        self.assertEqual(words[4][2], "FAILED_PRECONDITION")
        self.assertIn("3 series of x fit", words[4][3])
        self.assertEqual(words[5:], [["", "1", "1", a.address], ["", "2", "2", a.address]])

    def test_samples_come_by_themselves_and_end_with_the_vu(self):
        page = self.page("x 1\n")
        body = """
        local n, before = 0, 0
        for sample in pods:samples() do
          n = n + 1
          assert(sample.at > before and sample:value "x" == 1)
          before = sample.at
          if n == 3 then lgen.stop "s" end
        end
        print("found " .. n)
        """
        self.assertEqual(self.found([page.url], body), ["3"])

    def test_headers_go_along_and_the_text_format_is_asked_for(self):
        page = self.page("x 1\n")
        text = 'local pods = lgen.prom.target("pods", lgen.metrics, { headers = { Authorization = "Bearer t" } })\n'
        self.found([page.url], "assert(pods:scrape())", text)
        self.assertEqual(page.headers["Authorization"], "Bearer t")
        self.assertTrue(page.headers["Accept"].startswith("text/plain;version=0.0.4"))

    def test_pages_that_are_none_are_told(self):
        cases = [
            (dict(body="<!DOCTYPE html><html>", content_type="text/html"), "INTERNAL", "a page of text/html"),
            (dict(body='{"a": 1}\n'), "INTERNAL", "line 1, column 1: this is JSON"),
            (dict(body="x 1\ny{a=\"1\" 2\n"), "INTERNAL", "line 2, column 9: expected ',' or '}' after a label"),
            (dict(body="x 1\ny"), "INTERNAL", "line 2, column 2: the page ends in the middle of a line"),
            (dict(body="gone", status=404), "NOT_FOUND", "answered 404 Not Found"),
            (dict(body="no", status=503), "UNAVAILABLE", "answered 503 Service Unavailable"),
            (dict(body=b"x 1\n" * (5 << 20)), "", "16777216"),
        ]
        for options, code, text in cases:
            with self.subTest(text), Page(**options) as page:
                body = 'local s, err = pods:scrape() print("found " .. err.code, err.message)'
                found = self.found([page.url], body)[0]
                self.assertTrue(found.startswith(code), found)
                self.assertIn(text, found)
                self.assertIn(page.url + "/metrics", found)

    def test_nobody_there_is_an_outcome_and_told_at_the_start(self):
        where = self.enterContext(dead_target())
        ended = self.run_plan(self.plan(TARGET, 'print("found " .. tostring(select(2, pods:scrape())))'), "--metrics", where)
        self.assertEqual(ended.code, 0, ended)
        self.assertIn("UNAVAILABLE: ", printed(ended)[0])
        self.assertIn(where, printed(ended)[0])
        self.assertIn("scrape target 'pods' has no page yet: ", ended.err)


class SilentPagesTest(PagesCase):
    """Pages that could not be read are told on the terminal and in the report, and thresholds say what they lack."""

    TEXT = 'lgen.prom.target("pods", lgen.metrics, { interval = "20ms", metrics = "g" })\n'

    def run_watching(self, *where, text="", body='lgen.sleep "50ms"'):
        flags = [flag for one in where for flag in ("--metrics", one)]
        return self.run_plan(self.plan(self.TEXT + text, body), *flags)

    def test_one_dead_pod_is_told_once_noted_and_missed_by_thresholds(self):
        page, dead = self.page("g 1\n"), self.enterContext(dead_target())
        ended = self.run_watching(page.url, dead, text='lgen.threshold("g", "max < 5") lgen.threshold("g", "max > 5")\n')
        self.assertEqual(ended.code, 99, ended)
        self.assertEqual(ended.err.count("has no page of 1 of its 2 pods yet"), 1, ended)
        notes = [note for note in ended.summary["run"]["notes"] if "scrape target" in note]
        self.assertEqual(len(notes), 1, notes)
        self.assertRegex(notes[0], rf"^scrape target 'pods': pod {dead}: 0 of \d+ pages? read; the first failure: .*refused")
        self.assertIn(notes[0][:40], ended.out)
        lacks = f"1 of 2 pods judged, no page of {dead} was ever read"
        self.assertEqual([one["why"] for one in ended.summary["thresholds"]],
                         [f"not judged: {lacks}", f"max is 1, not > 5; {lacks}"])
        self.assertEqual([one["ok"] for one in ended.summary["thresholds"]], [False, False])
        self.assertIn(f"not judged: {lacks}", " ".join(ended.out.split()))

    def test_a_count_that_is_reached_without_a_pod_is_reached(self):
        page, dead = self.page("process_start_time_seconds 9e12\nc_total 5\n"), self.enterContext(dead_target())
        text = ('lgen.prom.target("pods", lgen.metrics, { interval = "20ms", metrics = "c_total" })\n'
                'lgen.threshold("c_total", "count >= 5") lgen.threshold("c_total", "count < 9")\n')
        ended = self.run_plan(self.plan(text, 'lgen.sleep "50ms"'), "--metrics", page.url, "--metrics", dead)
        self.assertEqual([one["ok"] for one in ended.summary["thresholds"]], [True, False], ended)
        for one in ended.summary["thresholds"]:
            self.assertIn("1 of 2 pods judged", one["why"])

    def test_windows_without_pages_are_not_judged(self):
        page = self.page("c_total 5\n")
        text = ('lgen.prom.target("pods", lgen.metrics, { interval = "20ms", metrics = "c_total" })\n'
                'lgen.threshold("c_total", "count < 9", { over = "2s" })\n'
                f'local gate = lgen.http.client("gate", {{ base = "{page.url}" }})\n')
        plan = self.plan(text, 'gate:get "/close" lgen.sleep "4s"')
        ended = self.run_plan(plan, "--metrics", page.url)
        self.assertEqual(ended.code, 99, ended)
        self.assertEqual(ended.summary["thresholds"][0]["why"],
                         "not judged: a pause, or pages that were missing, left no window of 2s whole")

    def test_a_threshold_fails_when_no_page_was_ever_read(self):
        dead = self.enterContext(dead_target())
        for demand in ("max < 5", "count == 0"):
            with self.subTest(demand):
                ended = self.run_watching(dead, text=f'lgen.threshold("g", "{demand}")\n')
                self.assertEqual(ended.code, 99, ended)
                self.assertIn("not judged: no page of its scrape target was ever read",
                              ended.summary["thresholds"][0]["why"])
                self.assertTrue(any(f"pod {dead}: 0 of" in note for note in ended.summary["run"]["notes"]))

    def test_series_beyond_the_limit_are_told_and_their_thresholds_fail(self):
        names = ["g", *(f"g{i}" for i in range(1, 8))]
        page = self.page("".join(f'{name}{{i="{i}"}} 1\n' for name in names for i in range(700)))
        text = ('lgen.prom.target("pods", lgen.metrics, { interval = "20ms", metrics = "g*" })\n'
                'lgen.threshold("g", "max < 5")\n')
        for metric, code in (("g", 0), ("g7", 99)):
            with self.subTest(metric):
                ended = self.run_plan(self.plan(text.replace('"g",', f'"{metric}",').replace(
                    'metrics = "g*"', f'metrics = {{ "g*", "{metric}" }}'), 'lgen.sleep "50ms"'), "--metrics", page.url)
                self.assertEqual(ended.code, code, ended)
                notes = [note for note in ended.summary["run"]["notes"] if "scrape target" in note]
                self.assertEqual(len(notes), 1, notes)
                self.assertIn("5000 series were kept, and those of g7 are not all there", notes[0])
                why = ended.summary["thresholds"][0]["why"]
                self.assertEqual(why, "" if code == 0 else "not judged: some of its series are missing, scrape target "
                                                           "'pods' has more than 5000")

    def test_pages_that_are_read_leave_no_note(self):
        ended = self.run_watching(self.page("g 1\n").url, text='lgen.threshold("g", "max < 5")\n')
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual([note for note in ended.summary["run"]["notes"] if "scrape" in note], [])
        self.assertEqual(ended.summary["thresholds"][0]["why"], "")

    def test_a_page_that_does_not_come_is_given_up_at_the_start_and_at_the_end(self):
        page = self.page("g 1\n")
        page.held.clear()
        ended = self.run_watching(page.url, text='lgen.threshold("g", "max < 5")\n')
        page.held.set()
        self.assertEqual(ended.code, 99, ended)
        for line in ("waiting for the first page of scrape target 'pods', 2s at most",
                     "scrape target 'pods' has no page yet: none came within 2s",
                     "waiting for the last page of scrape target 'pods', 2s at most"):
            self.assertEqual(ended.err.count(line), 1, ended)
        self.assertTrue(any("no page was read" in note for note in ended.summary["run"]["notes"]), ended)


class WaitForTest(PagesCase):
    def test_it_waits_until_the_condition_holds_and_returns_the_value(self):
        with Page("x 1\n") as page:
            body = """
            print("found " .. pods:wait_for("x", "==", 1))
            io.flush()
            print("found " .. pods:wait_for("x", ">=", 5, { timeout = "20s" }))
            io.flush()
            """
            plan = self.plan(TARGET, body)
            with self.start(plan, "--metrics", page.url, "--quiet") as run:
                run.out.wait_for("^found 1$")
                page.body = "x 7\n"
                run.out.wait_for("^found 7$")
                self.assertEqual(run.wait(), 0)

    def test_it_must_hold_without_a_break(self):
        with Page("x 0\n") as page:
            body = 'print("found " .. pods:wait_for("x", "==", 0, { hold = "300ms", timeout = "20s" }), lgen.now())'
            plan = self.plan(TARGET, body)
            with self.start(plan, "--metrics", page.url, "--quiet") as run:
                eventually(lambda: page.asked >= 3, "some rounds")
                page.body = "x 1\n"  # breaks it
                asked = page.asked
                eventually(lambda: page.asked >= asked + 3, "more rounds")
                page.body = "x 0\n"
                line = run.out.wait_for(r"^found 0\s+(\S+)$")
                self.assertGreater(float(line[1]), 0.3)
                self.assertEqual(run.wait(), 0)

    def test_a_time_that_is_up_says_what_was_seen_last(self):
        page = self.page('x{k="1"} 3\norders_total 2\nordres 1\n')
        body = """
        local function tell(...) local v, err = pods:wait_for(...) print("found " .. err.kind, v, err.message) end
        tell("x", "<", 3, { timeout = "50ms" })
        tell("x", "<", 5, { timeout = "50ms", hold = "1m", labels = { k = 1 }, agg = "max" })
        tell("y", "==", 0, { timeout = "50ms" })
        tell("orders", "==", 0, { timeout = "50ms" })
        tell("x", "==", 0, { timeout = "50ms", labels = { k = 2 } })
        """
        found = [line.split("\t") for line in self.found([page.url], body)]
        self.assertEqual([words[:2] for words in found], [["timeout", "nil"]] * 5)
        self.assertEqual(found[0][2], "scrape target 'pods': sum(x) < 3 did not hold within 50ms: it was 3 at last")
        self.assertEqual(found[1][2], "scrape target 'pods': max(x{k=\"1\"}) < 5 did not hold for 1m within 50ms: it "
                                      "was 3 at last")
        self.assertEqual(found[2][2], "scrape target 'pods': sum(y) == 0 did not hold within 50ms: no page ever had y")
        self.assertEqual(found[3][2], "scrape target 'pods': sum(orders) == 0 did not hold within 50ms: no page ever had "
                                      "orders (there is ordres, orders_total)")
        self.assertEqual(found[4][2], "scrape target 'pods': sum(x{k=\"2\"}) == 0 did not hold within 50ms: there is x, "
                                      "but not with these labels")

    def test_all_is_not_told_while_a_pod_is_down_and_any_is(self):
        up = self.page("x 0\n")
        where = [up.url, self.enterContext(dead_target())]
        body = """
        print("found " .. pods:wait_for("x", "==", 0, { agg = "any" }))
        print("found " .. select(2, pods:wait_for("x", "==", 0, { agg = "all", timeout = "50ms" })).kind)
        """
        self.assertEqual(self.found(where, body), ["0", "timeout"])

    def test_a_wait_that_is_cut_short_leaves_nothing_behind(self):
        page = self.page("x 0\n")
        body = """
        local _, err = lgen.timeout("50ms", function() pods:wait_for("x", "==", 1) end)
        print("found " .. err.kind)
        local task = lgen.spawn(function() for _ in pods:samples() do end end)
        lgen.yield()
        task:cancel()
        """
        self.assertEqual(self.found([page.url], body), ["timeout"])


class ReportTest(PagesCase):
    def test_what_was_scraped_is_in_the_time_lines_by_pod(self):
        a, b = self.page("g 1\nc_total 5\n"), self.page("g 10\nc_total 5\n")
        text = 'lgen.prom.target("pods", lgen.metrics, { interval = "20ms", metrics = { "g", "c_*" } })\n'
        ended = self.run_plan(self.plan(text, 'lgen.sleep "100ms"'), "--metrics", a.url, "--metrics", b.url)
        self.assertEqual(ended.code, 0, ended)
        metrics = ended.summary["metrics"]
        self.assertEqual(metrics["g"]["type"], "gauge")
        self.assertTrue(metrics["g"]["scraped"])
        self.assertEqual({s["labels"]["pod"]: s["value"] for s in metrics["g"]["series"]}, {a.address: 1, b.address: 10})
        self.assertEqual(metrics["c_total"]["total"]["value"], 0)  # nothing has happened in this run
        self.assertEqual(metrics["up"]["total"]["min"], 1)
        self.assertGreater(metrics["scrape_duration_seconds"]["total"]["count"], 4)
        lines = {(line["metric"], line["labels"].get("pod")) for line in ended.summary["timelines"]["series"]}
        self.assertLessEqual({("g", a.address), ("g", b.address), ("up", a.address)}, lines)
        self.assertIn("SYSTEM UNDER TEST", ended.out)
        self.assertRegex(ended.out, r"g +1 \.\. 10  in 2 series\n")

    def test_pods_come_and_go(self):
        with Page("g 1\n") as a, Page("g 10\n") as b, Discovery(a=a.address) as sd:
            text = 'local pods = lgen.prom.target("pods", lgen.metrics, { interval = "20ms", metrics = "g" })\n'
            body = """
            for n, sum in ipairs { 1, 11, 10 } do print("found " .. n, pods:wait_for("g", "==", sum)) io.flush() end
            """
            plan = self.plan(text, body)
            result = self.path("result.json")
            with self.start(plan, "--metrics", f"sd+{sd.url}/sd", "--quiet", "--out", f"json={result}") as run:
                run.out.wait_for("^found 1")
                sd.show(a=a.address, b=b.address)
                run.out.wait_for("^found 2")
                sd.show(b=b.address)
                run.out.wait_for("^found 3")
                self.assertEqual(run.wait(), 0)

    def test_thresholds_judge_scraped_metrics(self):
        a, b = self.page("g 1\n"), self.page("g 10\n")
        base = 'lgen.prom.target("pods", lgen.metrics, { interval = "20ms", metrics = { "g", "h_total" } })\n'
        cases = [
            ('lgen.threshold("g", "max <= 10")', 0, ""),
            ('lgen.threshold("g", "max < 10")', 99, "max is 10, not < 10"),
            ('lgen.threshold("g", "max < 10", { labels = { pod = "%s" } })' % a.address, 0, ""),
            ('lgen.threshold("g", "min > 1", { labels = { pod = "%s" } })' % a.address, 99, "min is 1, not > 1"),
            ('lgen.threshold("up", "min == 1", { labels = { target = "pods" } })', 0, ""),
            ('lgen.threshold("h_total", "count == 0")', 99, "no page of its scrape target had it"),
            ('lgen.threshold("scrape_duration_seconds", "max < 20")', 0, ""),
        ]
        for threshold, code, text in cases:
            with self.subTest(threshold):
                ended = self.run_plan(self.plan(base + threshold + "\n", 'lgen.sleep "50ms"'), "--metrics", a.url,
                                      "--metrics", b.url)
                self.assertEqual(ended.code, code, ended)
                self.assertIn(text, ended.out + ended.err)

    def test_a_counter_of_the_server_equals_what_the_run_did(self):
        text = lgen_runs.CALLS + """
        lgen.prom.target("server", lgen.metrics, { metrics = "grpc_server_call_started_total" })
        lgen.threshold("grpc_server_call_started_total", "count == 25",
                       { labels = { grpc_method = "hello.Hello/SayHello" } })
        """
        with Server() as server:
            call = 'assert(ch:call(SayHello, { name = "x" }, { timeout = 10 }))'
            warm = self.run_plan(self.plan(lgen_runs.CALLS, call), "--target", server.target)
            self.assertEqual(warm.code, 0, warm)  # so that the counter does not begin at 0
            ended = self.run_plan(self.plan(text, f"for i = 1, 25 do {call} end"), "--target", server.target,
                                  "--metrics", f"127.0.0.1:{server.metrics_port}")
            self.assertEqual(ended.code, 0, ended)


class ClusterTest(PagesCase):
    def test_local_sets_where_the_pods_are(self):
        text = TARGET + lgen_runs.CALLS.replace('"echo.proto"', '"streaming.proto"').replace(
            'local Unary = api:method "lgen.echo.Echo/Unary"\n',
            'local Stream = api:method "streaming.Streamer/ProcessTextStream"\n')
        body = """
        local s = {}
        for i = 1, 4 do s[i] = ch:open(Stream) s[i]:send { message = "m" } end
        print("found " .. pods:wait_for("grpc_server_active_streams", "==", 4, { timeout = "20s" }))
        print("found " .. assert(pods:scrape()).up)
        for i = 1, 4 do s[i]:close() end
        print("found " .. pods:wait_for("grpc_server_active_streams", "==", 0, { agg = "all", timeout = "20s" }))
        """
        ended = self.run_plan(self.plan(text, body), "--local=pods=2")
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual(printed(ended), ["4", "2", "0"])
        series = ended.summary["metrics"]["grpc_server_active_streams"]["series"]
        self.assertEqual(sorted(one["labels"]["pod"] for one in series), ["pod-1", "pod-2"])


class RealPartsTest(PagesCase):
    def test_a_question_in_promql_is_answered_by_prometheus(self):
        with Server() as server, Prometheus({"pods": f"127.0.0.1:{server.metrics_port}"}) as prometheus:
            eventually(lambda: prometheus.query("grpc_server_active_streams"), "the first scrape")
            body = """
            local base = "%s"
            local list = assert(lgen.prom.query(base, 'grpc_server_active_streams{job="pods"}'))
            print("found " .. #list, list[1].value, list[1].labels.job, list[1].at > 1e9)
            print("found " .. assert(lgen.prom.query(base, "1 + 1")))
            local range = assert(lgen.prom.query(base .. "/", "up[1m]"))
            print("found " .. range[1].values[1][2], range[1].values[1][1] > 1e9)
            print("found " .. #assert(lgen.prom.query(base, "nothing_of_that_name")))
            local none, err = lgen.prom.query(base, "sum(")
            print("found " .. err.code, err.message)
            """ % prometheus.url
            found = self.found([], body, text="")
            self.assertEqual(found[:4], ["1\t0\tpods\ttrue", "2", "1\ttrue", "0"])
            self.assertTrue(found[4].startswith("INVALID_ARGUMENT\t" + prometheus.url), found)
            self.assertIn("parse error", found[4])

    def test_prometheus_own_page_is_read(self):
        with Prometheus({}) as prometheus:
            page = http_get(prometheus.url + "/metrics")[1]
            self.assertIn("# TYPE go_gc_duration_seconds summary", page)
            found = self.found([prometheus.url], """
            local s = assert(pods:scrape())
            print("found " .. s:value "go_info", s:count "go_gc_duration_seconds",
                  s:count "prometheus_http_request_duration_seconds_bucket" > 0)
            """)
            self.assertEqual(found, ["1\t5\ttrue"])

    def test_promtool_is_content_with_the_servers_page(self):
        with Server() as server:
            self.assertEqual(promtool_check(server.get("/metrics")[1]), "")


class MistakesTest(PagesCase):
    def test_mistakes_are_told_at_the_line_of_the_plan(self):
        cases = [
            ('lgen.prom.target("p")', "where are its pages? a URL, a list of them, dns:///NAME:PORT or sd+URL expected, "
                                      "got nil (lgen.metrics is set by --metrics WHERE and by --local)"),
            ('lgen.prom.target("p", "nowhere")', "'nowhere': no place of metrics"),
            ('lgen.prom.target("p", {})', "where: the list is empty"),
            ('lgen.prom.target("p", "h:1", { intervall = 1 })', "unknown option 'intervall' (did you mean 'interval'?)"),
            ('lgen.prom.target("p", "h:1", { interval = 0 })', "interval: at least 10ms expected"),
            ('lgen.prom.target("p", "h:1", { metrics = "vus" })', "metric 'vus': is built in; choose another name"),
            ('lgen.prom.target("p", "h:1") lgen.prom.target("p", "h:1")', "there is one of that name already"),
            ('lgen.prom.target("p", "h:1"):scrape()', "network call while the plan is loading (t:scrape)"),
            ('lgen.prom.query("x", "y")', "lgen.prom.query"),
            ('lgen.prom.target("p", "h:1", { metrics = "a_b" }) lgen.threshold("a_c", "max < 1")',
             "no metric 'a_c' (did you mean 'a_b'?); one of a metrics page has to be named: metrics = { \"a_c\" } of "
             'lgen.prom.target "p"'),
            ('lgen.prom.target("p", "h:1", { metrics = "a_b" }) lgen.threshold("a_b", "p(9) < 1")', "has no p(9)"),
        ]
        for text, message in cases:
            with self.subTest(text):
                self.check(self.run_words("check", self.plan(text + "\n")), 104, "plan.lua:2: ", message)

    def test_mistakes_inside_an_iteration_fail_it(self):
        cases = [
            ('pods:wait_for("x", "=>", 1)', "t:wait_for: op: one of < <= > >= == ~= expected, got '=>'"),
            ('pods:wait_for("x", "<", 1, { agg = "med" })', "t:wait_for: agg: one of sum max min avg any all expected"),
            ('pods:wait_for("x", "<", "1")', 't:wait_for: value: number expected, got string "1"'),
            ('pods:scrape():summ "x"', "lgen.Sample has no method or field 'summ' (did you mean 'sum'?)"),
            ('pods:scrape():sum "x".y()', ""),
            ('pods:scrape():sum("x", { [1] = "a" })', "sample:sum: labels: names are strings"),
        ]
        for body, message in cases:
            with self.subTest(body):
                self.check(self.run_words("check", self.plan(TARGET, body)), 104, message)

    def test_check_tries_every_call_without_a_network(self):
        body = """
        local s = assert(pods:scrape())
        assert(s:value "x" == 0 and s:sum "x" == 0 and s:count "x" == 0)
        for _ in s:each "x" do end
        assert(pods:wait_for("x", ">=", 5) == 5)
        for sample in pods:samples() do if sample.at > 1 then break end end
        assert(#lgen.prom.query("http://127.0.0.1:1", "x") == 0)
        """
        self.check(self.run_words("check", self.plan(TARGET, body)), 0)


if __name__ == "__main__":
    unittest.main()
