"""Plans that cannot run: what lgen says, with file and line, and with which exit code."""

import os

from lgen_runs import CALLS, PRELUDE, LgenCase


class PlanFileTest(LgenCase):
    def test_a_plan_that_is_not_there(self):
        self.check(self.run_words("nope.lua"), 104, "lgen: cannot read the plan nope.lua: No such file or directory")

    def test_a_directory(self):
        self.check(self.run_words(self.folder), 104, "it is a directory; name the file")

    def test_a_path_that_leads_nowhere(self):
        self.write("file", "")
        self.check(self.run_words("file/plan.lua"), 104, "cannot read the plan file/plan.lua: Not a directory")

    def test_a_file_nobody_may_read(self):
        if os.geteuid() == 0:
            self.skipTest("root may read everything")
        os.chmod(self.path(self.plan()), 0)
        self.check(self.run_words("plan.lua"), 104, "cannot read the plan plan.lua: Permission denied")

    def test_an_empty_file(self):
        self.write("plan.lua", "")
        self.check(self.run_words("plan.lua"), 104, "the plan has no scenario; declare one with lgen.scenario")

    def test_a_word_that_is_nearly_a_command(self):
        self.check(self.run_words("chekc", "plan.lua"), 104,
                   "'chekc' is neither a plan nor a command (did you mean 'check'?)")

    def test_no_plan_at_all(self):
        self.check(self.run_words("--vus", "3"), 104, "which plan? lgen PLAN.lua [options]")

    def test_the_order_of_words_of_another_program(self):
        self.check(self.run_words("-plaintext", "127.0.0.1:1", "list"), 104,
                   "unknown option -p; options of a plan come after the plan. To look at a server the command comes "
                   "first: lgen list 127.0.0.1:1")


class LoadTest(LgenCase):
    """Each row: the top level of a plan, and what lgen says to it."""

    rows = [
        ("syntax", "local x = = 3", "plan.lua:2: unexpected symbol near '='"),
        ("raises", 'error("boom")', "plan.lua:2: boom"),
        ("raises a table", "error({})", "an error value of type table"),
        ("raises what has no text", "error(setmetatable({}, {__tostring = function() error() end}))",
         "an error value whose __tostring fails"),
        ("writes a global", "cout = 1", "plan.lua:2: writes global 'cout'; add 'local'"),
        ("reads a global", "print(cuont)", "plan.lua:2: reads global 'cuont', which nobody defines"),
        ("in a function", "local f = function() return function() n = 1 end end",
         "plan.lua:2: writes global 'n'; add 'local'"),
        ("another api", "lgen.plan { api = 2 }", "plan.lua:2: lgen.plan: the plan wants api 2, this lgen speaks api 1"),
        ("no api", "lgen.plan { name = 'x' }", "plan.lua:2: lgen.plan: api is missing; write api = 1"),
        ("two plans", "lgen.plan { api = 1 } lgen.plan { api = 1 }", "plan.lua:2: lgen.plan: called twice; a plan has one"),
        ("unknown key", "lgen.plan { api = 1, nmae = 'x' }",
         "plan.lua:2: lgen.plan: unknown option 'nmae' (did you mean 'name'?)"),
        ("user agent", 'lgen.grpc.channel("main", "127.0.0.1:1", { user_agent = "a\\nb" })',
         'plan.lua:2: lgen.grpc.channel "main": user_agent: 0x0A as character 2 cannot be sent; a value may hold printable '
         "ASCII only"),
        ("user agent as metadata",
         'lgen.grpc.channel("main", "127.0.0.1:1", { metadata = { ["User-Agent"] = "a" } })',
         "plan.lua:2: lgen.grpc.channel \"main\": metadata key \"user-agent\" cannot be sent: gRPC writes this header itself; "
         "the channel's user_agent is put in front of it"),
        ("authority", 'lgen.grpc.channel("main", "127.0.0.1:1", { authority = "a b" })',
         'plan.lua:2: lgen.grpc.channel "main": authority: a blank as character 2 cannot be sent; an authority is a host name '
         "or address, with or without :PORT"),
        ("unknown function", "lgen.sceanrio('x', {})",
         "plan.lua:2: lgen has no function or field 'sceanrio' (did you mean 'scenario'?)"),
        ("a field that no load has", "lgen.load.given('s', 'speed')",
         "plan.lua:2: lgen.load.given: 'speed' is none of: vus, duration, iterations, rate, max-vus"),
        ("not there", "local p = lgen.zebra", "plan.lua:2: lgen has no function or field 'zebra'"),
        ("setting", "lgen.x = 1", 'plan.lua:2: lgen.x cannot be set'),
        ("unknown default", "lgen.plan { api = 1, defaults = { wait_redy = 5 } }",
         "plan.lua:2: lgen.plan: defaults: unknown engine option 'wait-redy' (did you mean 'wait-ready'?)"),
        ("default of no text", "lgen.plan { api = 1, defaults = { seed = print } }",
         "plan.lua:2: lgen.plan: defaults: seed: string expected, got function"),
        ("default too late", "lgen.plan { api = 1, defaults = { config = 'x' } }",
         "plan.lua:2: lgen.plan: defaults: --config belongs on the command line"),
        ("a tag that is taken", "lgen.scenario('x', { load = lgen.load.per_vu_iterations {}, run = print, "
         "tags = { backend = 'x' } })",
         'plan.lua:2: lgen.scenario "x": tags: tag \'backend\': lgen sets that label itself; choose another name'),
        ("load", "lgen.scenario('x', { run = print })", 'plan.lua:2: lgen.scenario "x": load is missing'),
        ("load of the wrong type", "lgen.scenario('x', { load = {}, run = print })",
         'plan.lua:2: lgen.scenario "x": load: lgen.Load expected, got table'),
        ("run", "lgen.scenario('x', { load = lgen.load.constant_vus { duration = 1 } })",
         'plan.lua:2: lgen.scenario "x": run is missing'),
        ("unknown key of a load", "lgen.load.constant_vus { vu = 1, duration = 1 }",
         "plan.lua:2: lgen.load.constant_vus: unknown option 'vu' (did you mean 'vus'?)"),
        ("no duration", "lgen.load.constant_vus { vus = 1 }", "plan.lua:2: lgen.load.constant_vus: duration is missing"),
        ("no VU", "lgen.load.constant_vus { vus = 0, duration = 1 }",
         "plan.lua:2: lgen.load.constant_vus: vus: 0 is out of range (1.."),
        ("half a VU", "lgen.load.constant_vus { vus = 1.5, duration = 1 }",
         "plan.lua:2: lgen.load.constant_vus: vus: whole number expected, got number 1.5"),
        ("a bad duration", "lgen.load.constant_vus { duration = '5x' }",
         "plan.lua:2: lgen.load.constant_vus: duration: '5x' is no duration"),
        ("a load nobody knows", "lgen.load.ramping_vu {}",
         "plan.lua:2: lgen.load has no function or field 'ramping_vu' (did you mean 'ramping_vus'?)"),
        ("waiting", "lgen.sleep(1)",
         "plan.lua:2: waiting while the plan is loading (lgen.sleep); move it into lgen.setup or run"),
        ("a task", "lgen.spawn(print)", "plan.lua:2: waiting while the plan is loading (lgen.spawn)"),
        ("checking", "lgen.check('x', true)", "plan.lua:2: lgen.check: nothing to check while the plan is loading"),
        ("a tag", "lgen.tag('x', 'y')", "plan.lua:2: lgen.tag: only inside setup, run, teardown or lgen.spawn"),
        ("aborting", "lgen.abort('x')", "plan.lua:2: lgen.abort: only while the plan runs"),
        ("two setups", "lgen.setup(print) lgen.setup(print)", "plan.lua:2: lgen.setup: called twice; a plan has one"),
        ("threshold", "lgen.threshold('grpc_call_duratoin_seconds', 'p(99) < 1')",
         "plan.lua:2: threshold: no metric 'grpc_call_duratoin_seconds' (did you mean 'grpc_call_duration_seconds'?)"),
        ("no threshold", "lgen.threshold('grpc_calls', 'p(99 < 1')", 'plan.lua:2: threshold on grpc_calls "p(99 < 1", column 6: '),
        ("a stat that does not fit", "lgen.threshold('grpc_calls', 'p(99) < 1')", "plan.lua:2: "),
        ("an unknown option of thresholds", "lgen.threshold('grpc_calls', 'count > 1', { ove = '10s' })",
         "unknown option 'ove' (did you mean 'over'?)"),
        ("a metric twice", "lgen.counter('x') lgen.gauge('x')", 'plan.lua:2: lgen.gauge "x": '),
        ("a bad metric name", "lgen.counter('x y')", 'plan.lua:2: lgen.counter "x y": '),
        ("pool option", CALLS.strip().replace("\n", " ") + " lgen.grpc.pool('main2', lgen.target, { pik = 1 })",
         "plan.lua:2: lgen.grpc.pool \"main2\": unknown option 'pik' (did you mean 'pick'?)"),
        ("method", CALLS.strip().replace("\n", " ") + " api:method 'hello.Hello/SayHelo'",
         "plan.lua:2: api:method: service hello.Hello has no method 'SayHelo' (it has: SayHello)"),
        ("network", CALLS.strip().replace("\n", " ") + " ch:wait_ready(1)",
         "plan.lua:2: network call while the plan is loading (ch:wait_ready); move it into lgen.setup or run"),
    ]

    def test_what_lgen_says(self):
        for name, top, message in self.rows:
            with self.subTest(name):
                self.plan(top)
                self.check(self.run_words("plan.lua", "--target", "127.0.0.1:1", "--wait-ready", "1s"), 104, message)

    def test_a_module_beside_the_plan(self):
        self.write("other.lua", "return { n = 42 }")
        self.plan('local other = require "other"', 'lgen.check("n", other.n == 42)')
        self.check(self.run_words("plan.lua"), 0)

    def test_a_module_is_linted_too(self):
        self.write("other.lua", "\nleak = 1 return {}")
        self.plan('require "other"')
        self.check(self.run_words("plan.lua"), 104, "other.lua:2: writes global 'leak'; add 'local'")

    def test_a_module_that_is_not_there(self):
        self.plan('require "othre"')
        self.check(self.run_words("plan.lua"), 104, "plan.lua:2: module 'othre' not found")

    def test_two_findings_are_two_lines(self):
        self.plan("a = 1\nb = 2")
        self.check(self.run_words("plan.lua"), 104, "lgen: plan.lua:2: writes global 'a'",
                   "lgen: plan.lua:3: writes global 'b'")

    def test_two_scenarios_of_one_name(self):
        self.write("plan.lua", PRELUDE + 'local o = { load = lgen.load.constant_vus { duration = 1 }, run = print }\n'
                   'lgen.scenario("a", o)\nlgen.scenario("a", o)')
        self.check(self.run_words("plan.lua"), 104,
                   'plan.lua:4: lgen.scenario "a": a scenario of that name is there already')

    def test_no_target(self):
        self.plan(CALLS)
        self.check(self.run_words("plan.lua"), 104,
                   "this plan needs a target: --target HOST:PORT, or --local for a stand-in cluster on this machine")


class MessagesTest(LgenCase):
    """The messages the plan API promises, to the letter: where the code stands, the code, the message."""

    STREAM = ("local api = lgen.proto { files = { 'streaming.proto' } } "
              "local ch = lgen.grpc.channel('main', '127.0.0.1:1') "
              "local Text = api:method 'streaming.Streamer/ProcessTextStream'")
    at_load = [
        (21, "lgen.grpc.pool('main', '127.0.0.1:1', { pik = 'random' })",
         "plans/x.lua:21: lgen.grpc.pool \"main\": unknown option 'pik' (did you mean 'pick'?)"),
        (18, "lgen.proto { files = { 'streaming.proto' } }:method 'streaming.Streamer/ProcessTextStrem'",
         "plans/x.lua:18: api:method: service streaming.Streamer has no method 'ProcessTextStrem' "
         "(it has: ProcessTextStream)"),
        (12, "cout = 1", "plans/x.lua:12: writes global 'cout'; add 'local'"),
        (4, STREAM + " ch:wait_ready()",
         "plans/x.lua:4: network call while the plan is loading (ch:wait_ready); move it into lgen.setup or run"),
        (71, "lgen.threshold('grpc_call_duratoin_seconds', 'p(99) < 1')",
         "plans/x.lua:71: threshold: no metric 'grpc_call_duratoin_seconds' "
         "(did you mean 'grpc_call_duration_seconds'?)"),
    ]
    in_run = [
        (33, "local s = ch:open(Text) s:send { channel_id = '3' }",
         "plans/x.lua:33: s:send: streaming.TextRequest.channel_id: int32 expected, got string \"3\""),
        (40, "table.sort({ 2, 1 }, function(a, b) lgen.yield() return a < b end)",
         "plans/x.lua:40: yield not possible inside table.sort; collect first, then wait"),
    ]

    RUN = "lgen.scenario('s', { load = lgen.load.per_vu_iterations {}, run = function(vu) BODY end })"

    def said(self, line, code, in_run=False):
        """What `lgen check` says of plans/x.lua with `code` in line `line`."""
        os.makedirs(self.path("plans"), exist_ok=True)
        gap = "\n" * (line - 2)
        text = self.STREAM + " " + self.RUN.replace("BODY", gap + code) if in_run else (
            gap + code + "\n" + self.RUN.replace("BODY", ""))
        self.write("plans/x.lua", PRELUDE + text)
        ended = self.run_words("check", "plans/x.lua")
        self.assertEqual(ended.code, 104, ended)
        return ended.err

    def test_at_load(self):
        for line, code, message in self.at_load:
            with self.subTest(message):
                self.assertEqual(self.said(line, code), f"lgen: {message}\n")

    def test_in_run(self):
        for line, code, message in self.in_run:
            with self.subTest(message):
                self.assertEqual(self.said(line, code, in_run=True), f"lgen: {message} (scenario 's')\n")


class IterationTest(LgenCase):
    """What raises inside an iteration is counted, and the run goes on."""

    rows = [
        ('error("boom")', "plan.lua:5: boom"),
        ("vu.idx = 1", "plan.lua:5: vu.idx cannot be set; keep your own values in vu.state"),
        ("return vu.indx", "plan.lua:5: vu has no field 'indx' (did you mean 'index'?)"),
        ("table.sort({3, 1, 2}, function(a, b) lgen.yield() return a < b end)",
         "plan.lua:5: yield not possible inside table.sort; collect first, then wait"),
        ("return (('x'):gsub('x', function() lgen.yield() end))",
         "plan.lua:5: yield not possible inside string.gsub; collect first, then wait"),
        ("coroutine.wrap(function() lgen.yield() end)()",
         "plan.lua:5: lgen.yield: waiting inside a coroutine of your own is not possible; use lgen.spawn"),
        ("coroutine.yield()", "plan.lua:5: coroutine.yield works only inside a coroutine of your own; "
         "let others run with lgen.yield or lgen.sleep"),
        ("error {}", "plan.lua:5: "),
        ("lgen.scenario('x', {})",
         "plan.lua:5: lgen.scenario: only at the top level of the plan, while it is loading"),
        ("lgen.counter('x')", "plan.lua:5: lgen.counter: only at the top level of the plan, while it is loading"),
        ("lgen.sleep('5x')", "plan.lua:5: lgen.sleep: '5x' is no duration"),
        ("lgen.tag('code', 'x')", "plan.lua:5: lgen.tag: tag 'code': lgen sets that label itself; choose another name"),
        ("lgen.delay(2, 1)", "plan.lua:5: lgen.delay: min is greater than max"),
        ("lgen.every(0)", "plan.lua:5: lgen.every: the period must be longer than 0"),
        ("lgen.every(1, { jitter = 1 })", "plan.lua:5: lgen.every: jitter must not be more than half the period"),
        ("lgen.stop('z')", "plan.lua:5: lgen.stop: no scenario 'z'"),
        ("lgen.check('x')", "plan.lua:5: lgen.check \"x\": the value to check is missing"),
        ("lgen.spawn(function() error('of a child') end) lgen.sleep(5)", "plan.lua:5: of a child"),
        ("math.randomseed(1)", "plan.lua:5: math.randomseed: draws are seeded by --seed, so that a run can be repeated"),
    ]

    def test_what_the_report_says(self):
        for body, message in self.rows:
            with self.subTest(body):
                self.plan(body=body)
                ended = self.run_plan("plan.lua")
                self.check(ended, 99, "every iteration failed; first error: ", message)
                self.assertEqual([e["code"] for e in ended.summary["errors"]], ["plan"])
                self.assertIn(message, ended.summary["errors"][0]["message"])

    def test_what_ends_in_a_tail_call_is_told_by_where_its_function_begins(self):
        begins = "in the function that begins here: "
        rows = [("return lgen.sleep('5x')", f"plan.lua:5: {begins}lgen.sleep: '5x' is no duration"),
                ("lgen.spawn(function()\nreturn lgen.sleep('5x') end) lgen.sleep(5)",
                 f"plan.lua:5: {begins}lgen.sleep: '5x' is no duration"),
                ("lgen.all { function() lgen.yield()\n return lgen.sleep('5x') end }",
                 f"plan.lua:5: {begins}lgen.sleep: '5x' is no duration")]
        for body, message in rows:
            with self.subTest(body):
                self.plan(body=body)
                self.check(self.run_plan("plan.lua"), 99, "every iteration failed; first error: " + message)
        for hook in ("setup", "teardown"):
            with self.subTest(hook):
                self.plan(f"lgen.{hook}(\nfunction()\n  return lgen.sleep('5x') end)")
                self.check(self.run_words("plan.lua", "--quiet"), 107,
                           f"lgen: {hook}: plan.lua:3: {begins}lgen.sleep: '5x' is no duration")

    def test_the_run_goes_on(self):
        self.plan('lgen.scenario("t", { load = lgen.load.shared_iterations { vus = 2, iterations = 10 },\n'
                  'run = function(vu) if vu.iter % 2 == 0 then error("even") end end })')
        ended = self.run_plan("plan.lua")
        self.check(ended, 0)
        t = next(s for s in ended.summary["scenarios"] if s["name"] == "t")
        self.assertEqual(t["succeeded"] + t["failed"], 10)
        self.assertGreater(t["failed"], 0)
        error, = ended.summary["errors"]
        self.assertEqual((error["message"], error["where"], error["count"]), ("plan.lua:3: even", "t", t["failed"]))
        self.assertIn("plan.lua:3: even", ended.out)

    def test_a_foreign_yield_can_be_caught_and_the_task_goes_on(self):
        self.plan(body="""
    local function yields() coroutine.yield() return "went on" end
    for i = 1, 3 do lgen.check("refused", not pcall(yields)) lgen.sleep("1ms") end
    local own = coroutine.wrap(function() coroutine.yield(1) return 2 end)
    lgen.check("one's own coroutines yield", own() == 1 and own() == 2)
  """)
        ended = self.run_plan("plan.lua")
        self.check(ended, 0)
        self.assertEqual([check["passes"] for check in ended.summary["checks"]], [3, 1])

    def test_an_error_value_that_is_a_table_has_its_line_in_hooks_too(self):
        for hook in ("setup", "teardown"):
            with self.subTest(hook):
                self.plan(f"lgen.{hook}(function()\n  error {{}} end)")
                self.check(self.run_words("plan.lua", "--quiet"), 107, f"lgen: {hook}: plan.lua:3: ")

    def test_a_check_by_the_wrong_type(self):
        self.plan(CALLS, "ch:call(SayHello, { name = 3 })")
        ended = self.run_words("check", "plan.lua")
        self.check(ended, 104, "plan.lua:10: ch:call: ", "hello.Greeting.name: string expected, got number 3")
