"""The commands around running a plan: help, version, check, analyze."""

from lgen_runs import CALLS, PRELUDE, LgenCase

GENERAL = "lgen: a load generator for gRPC services behind load balancers, scripted in Lua"


class HelpTest(LgenCase):
    def test_help_lists_the_formats_that_can_be_made(self):
        live = ("ndjson=", "hdr=", "dashboard", "prometheus", "opentelemetry=")
        for words, has_live in [(["help", "report"], False), (["help", "run"], True), (["--help"], True)]:
            with self.subTest(words):
                formats = self.run_words(*words).out.partition("Formats of --out:")[2]
                self.assertIn("junit=FILE", formats)
                self.assertEqual([f"\n  {name}" in formats for name in live], [has_live] * len(live))

    def test_general_help(self):
        for words in ([], ["--help"], ["-h"], ["help"]):
            with self.subTest(words):
                ended = self.run_words(*words)
                self.check(ended, 0)
                self.assertIn(GENERAL, ended.out)
                self.assertIn("--wait-ready DURATION", ended.out)
                self.assertLessEqual(max(map(len, ended.out.splitlines())), 80)

    def test_help_of_a_plan(self):
        self.write("plan.lua", PRELUDE + """
lgen.plan { api = 1, name = "demo", about = "Shows what help shows." }
local opt = lgen.options {
  { "count", "int", default = 3, help = "how many" },
  { "pause", "duration_range", choices = { "never" }, help = "how long" },
  { "color", "choice", choices = { "red", "green" }, required = true, help = "which" },
  { "fast", "bool", default = true, help = "hurry" },
  { "names", list = true, env = "NAMES", help = "who" },
}
error("never reached")
""")
        ended = self.run_words("plan.lua", "--help")
        self.check(ended, 0)
        for text in ("demo: Shows what help shows.", "Usage: lgen plan.lua [options]", "--count INT", "how many [3]",
                     "--pause A..B|never", "--color red|green", "which (required)", "on; --no-fast turns it off",
                     "--names STRING[,...]", "who (also from NAMES)", "--target HOST:PORT"):
            self.assertIn(text, ended.out)
        self.assertEqual(self.run_words("--help", "plan.lua").out, ended.out)

    def test_help_of_a_plan_that_cannot_load(self):
        self.plan("error('boom')")
        self.check(self.run_words("plan.lua", "--help"), 104, "lgen: plan.lua:2: boom")
        self.check(self.run_words("nope.lua", "--help"), 104, "cannot read the plan nope.lua")

    def test_help_needs_no_target(self):
        self.plan(CALLS)
        self.check(self.run_words("plan.lua", "--help"), 0)

    def test_help_of_a_command(self):
        for command in ("run", "check", "report", "analyze", "version", "help"):
            with self.subTest(command):
                ended = self.run_words(command, "--help")
                self.check(ended, 0)
                self.assertTrue(ended.out.startswith(f"Usage: lgen {command}"), ended.out)
                self.assertEqual(self.run_words("help", command).out, ended.out)

    def test_run_may_be_said(self):
        self.plan()
        self.check(self.run_words("run", "plan.lua", "--quiet"), 0)

    def test_words_that_are_nearly_right(self):
        rows = [
            (["anlyze", "logs"], "'anlyze' is neither a plan nor a command (did you mean 'analyze'?)"),
            (["help", "anlyze"], "help: there is no command 'anlyze' (did you mean 'analyze'?)"),
            (["report", "--ouut", "x"], "report: unknown option --ouut (did you mean '--out'?)"),
            (["analyze", "logs", "x", "-z"], "analyze: unknown option -z"),
            (["report", "--out"], "report: --out: its value is missing: FORMAT=FILE"),
            (["report"], "which result? lgen report RESULT.json"),
        ]
        for words, message in rows:
            with self.subTest(words):
                self.check(self.run_words(*words), 104, "lgen: " + message)

    def test_version(self):
        for word in ("version", "--version"):
            ended = self.run_words(word)
            self.check(ended, 0)
            self.assertRegex(ended.out, r"^lgen \d+\.\d+\.\d+\n$")


class CheckTest(LgenCase):
    """`lgen check`: one iteration of every scenario, without network and without waiting."""

    def test_a_good_plan(self):
        self.plan(CALLS + 'local text = lgen.proto { files = { "streaming.proto" } }:method "streaming.Streamer/ProcessTextStream"\n'
                  'lgen.scenario("held", { load = lgen.load.constant_vus { vus = 9, duration = "1h" }, run = function(vu)\n'
                  "local s = ch:open(text) for _ in lgen.every(60) do s:send { message = 'x' } end s:close() end })",
                  'local reply, err, call = ch:call(SayHello, { name = "x" }, { tags = { n = 3, big = true } })\n'
                  'assert(reply.name == "" and err == nil and call.backend == "null") lgen.sleep(3600)')
        ended = self.run_words("check", "plan.lua")
        self.check(ended, 0)
        self.assertEqual(ended.out, "plan.lua: ok (held, s)\n")

    def test_another_scenario_is_scaled_and_stopped(self):
        external = ('lgen.scenario("e", { load = lgen.load.external { max_vus = 6, duration = "1h" }, '
                    'run = function() lgen.sleep(1) end })')
        self.plan(external, "lgen.scale('e', 4) assert(lgen.vus('e') <= 6) lgen.stop('e')")
        self.check(self.run_words("check", "plan.lua"), 0)
        for words, why in [("'e', 7", "scenario 'e' has at most 6 VUs (its max_vus), got 7"),
                           ("'s', 2", "scenario 's' has the load per_vu_iterations; only external is scaled"),
                           ("'x', 2", "no scenario 'x'")]:
            with self.subTest(words):
                self.plan(external, f"lgen.scale({words})")
                self.check(self.run_words("check", "plan.lua"), 104, f"plan.lua:5: lgen.scale: {why}")

    def test_findings(self):
        rows = [
            ("error('at load')", "", "lgen: plan.lua:2: at load"),
            ("cout = 1", "", "lgen: plan.lua:2: writes global 'cout'; add 'local'"),
            ("", "error('in run')", "lgen: plan.lua:5: in run (scenario 's')"),
            ("lgen.setup(function() error('in setup') end)", "", "lgen: setup: plan.lua:2: in setup"),
            ("lgen.threshold('nope', 'count > 1')", "", "lgen: plan.lua:2: threshold: no metric 'nope'"),
        ]
        for top, body, message in rows:
            with self.subTest(message):
                self.plan(top, body)
                ended = self.run_words("check", "plan.lua")
                self.check(ended, 104, message)
                self.assertEqual(ended.out, "")

    def test_a_schema_only_the_server_knows(self):
        top = ("local ch = lgen.grpc.channel('main', 'a:1')\nlocal api = lgen.proto { reflection = ch }\n"
               "local Hello = api:method 'hello.Hello/SayHello'\n")
        self.plan(top, "ch:call(Hello, {})")
        ended = self.run_words("check", "plan.lua")
        self.check(ended, 0)
        self.assertEqual(ended.out, "plan.lua: ok (s)\nplan.lua:8: ch:call: hello.Hello/SayHello is known to the server "
                         "only; not tried from here on\n")
        self.check(self.run_words("plan.lua", "--help"), 0)

    def test_checks_and_thresholds_are_not_judged(self):
        self.plan("lgen.threshold('iterations', 'count > 1000')", "lgen.check('no', false)")
        self.check(self.run_words("check", "plan.lua"), 0)

    def test_usage(self):
        self.check(self.run_words("check"), 104, "which plan? lgen check PLAN.lua")
        self.check(self.run_words("check", "nope.lua"), 104, "cannot read the plan nope.lua")
        ended = self.run_words("check", "--help")
        self.check(ended, 0)
        self.assertIn("Usage: lgen check PLAN.lua", ended.out)


class AnalyzeTest(LgenCase):
    OPENED = ("2025-07-31 14:48:01,861 - root - INFO - [Client: c, Channel: 1] Stream opened. Active streams: 1.0\n")

    def test_what_lgen_refuses(self):
        self.write("pod.log", self.OPENED)
        self.write("other.log", "not a line of ours\n")
        self.write("more.log", "nor this\nnor that\n")
        self.write("empty.log", "")
        rows = [
            ([], 104, "subcommand"),
            (["logs"], 104, "FILE"),
            (["logs", "nope.log"], 104, "cannot read nope.log: No such file or directory"),
            (["logs", "other.log"], 104, "no line of these is one of lgen-server's or of the original server's "
             "(1 line skipped, e.g. not a line of ours); are they the pods' logs?"),
            (["logs", "other.log", "more.log", "empty.log"], 104, "(3 lines skipped, e.g. not a line of ours)"),
            (["logs", "empty.log"], 104, "(0 lines skipped)"),
            (["logs", "pod.log", "--out", "csv=x"], 104, "--out: csv: an analysis of logs is written as json alone"),
            (["logs", "pod.log", "--out", "json=/no/such"], 113, "cannot write /no/such"),
        ]
        for words, code, message in rows:
            with self.subTest(words):
                self.check(self.run_words("analyze", *words), code, message)

    def test_foreign_lines_are_counted(self):
        self.write("pod.log", "a banner\n" + self.OPENED)
        ended = self.run_words("analyze", "logs", "pod.log")
        self.check(ended, 0)
        self.assertIn("1 line of no known form skipped", ended.out)
