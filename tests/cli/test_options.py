"""Options: of the engine, of the plan, from flags, the environment, a config file and the plan's defaults."""

import json

from lgen import MULTI_CHANNEL
from lgen_runs import PRELUDE, LgenCase

OPTIONS = """
local opt = lgen.options {
  { "count", "int", default = 3, min = 1, max = 9, help = "how many" },
  { "ratio", "number" },
  { "on", "bool" },
  { "off", "bool", default = true },
  { "hold", "duration", default = "30s", max = 60 },
  { "pause", "duration_range", choices = { "never" } },
  { "size", "size" },
  { "speed", "bitrate" },
  { "color", "choice", choices = { "red", "green" }, default = "red" },
  { "peer", "address" },
  { "link", "url" },
  { "file-name", "file", env = "TEST_FILE_NAME" },
  { "names", list = true },
  { "steps", "stages" },
  { "password", secret = true },
}
"""
SHOW = """
local text = lgen.json.encode { count = opt.count, ratio = opt.ratio, on = opt.on, off = opt.off, hold = opt.hold,
  pause = opt.pause, size = opt.size, speed = opt.speed, color = opt.color, peer = opt.peer, link = opt.link,
  file_name = opt.file_name, names = opt.names, steps = opt.steps, password = opt.password }
print(text)
"""


class PlanOptionsTest(LgenCase):
    def values(self, *flags, env=None):
        self.plan(OPTIONS, SHOW)
        ended = self.run_plan("plan.lua", *flags, env=env)
        self.check(ended, 0)
        return json.loads(ended.out.splitlines()[0])

    def test_defaults(self):
        self.assertEqual(self.values(), {"count": 3, "on": False, "off": True, "hold": 30, "color": "red"})

    def test_every_type(self):
        values = self.values(
            "--count", "5", "--ratio=0.25", "--on", "--no-off", "--hold", "1m", "--pause", "1s..5s", "--size", "64KiB",
            "--speed", "10Mbps", "--color", "green", "--peer", "[::1]:80", "--link", "http://x/", "--file-name", "a b",
            "--names", "a,b", "--names", "c", "--steps", "30s:10,1m:0", "--password", "hush")
        self.assertEqual(values, {
            "count": 5, "ratio": 0.25, "on": True, "off": False, "hold": 60, "pause": {"min": 1, "max": 5},
            "size": 65536, "speed": 1e7, "color": "green", "peer": "[::1]:80", "link": "http://x/", "file_name": "a b",
            "names": ["a", "b", "c"], "steps": [{"duration": 30, "target": 10}, {"duration": 60, "target": 0}],
            "password": "hush"})

    def test_words_besides_the_notation(self):
        self.assertEqual(self.values("--pause", "never")["pause"], "never")
        self.assertEqual(self.values("--pause", "2s")["pause"], {"min": 0, "max": 2})

    def test_the_last_one_counts(self):
        self.assertEqual(self.values("--count", "5", "--count", "6")["count"], 6)

    def test_secrets_stay_out_of_outputs(self):
        self.plan(OPTIONS)
        ended = self.run_plan("plan.lua", "--password", "hush")
        self.assertNotIn("hush", json.dumps(ended.summary) + ended.out + ended.err)

    def test_what_lgen_refuses(self):
        rows = [
            (["--cuont", "5"], "unknown option --cuont (did you mean '--count'?)"),
            (["--taget", "x"], "unknown option --taget (did you mean '--target'?)"),
            (["--zzzzzz"], "unknown option --zzzzzz; --help lists what there is"),
            (["--count", "x"], "--count: 'x' is no whole number"),
            (["--count", "1.5"], "--count: '1.5' is no whole number"),
            (["--count", "0"], "--count: 0 is too small; at least 1"),
            (["--count", "10"], "--count: 10 is too large; at most 9"),
            (["--count"], "--count: a value of type int is missing"),
            (["--ratio", "nan"], "--ratio: 'nan' is no number"),
            (["--on=maybe"], "--on: 'maybe' is neither true nor false"),
            (["--hold", "5x"], "--hold: '5x' is no duration; write 250ms, 1.5s, 1m30s or a number of seconds"),
            (["--hold", "2m"], "--hold: 2m is too large; at most 1m"),
            (["--pause", "5s..1s"], "--pause: "),
            (["--pause", "nver"], "--pause: 'nver' is no duration; write 250ms, 1.5s, 1m30s or a number of seconds, "
             "or never"),
            (["--trace", "5"], "--trace: its value is joined with '=': --trace=5"),
            (["--local", "pods=3"], "--local: its value is joined with '=': --local=pods=3"),
            (["--size", "5x"], "--size: '5x' is no size"),
            (["--speed", "fast"], "--speed: 'fast' is no bit rate"),
            (["--color", "gren"], "--color: 'gren' is not one of red, green (did you mean 'green'?)"),
            (["--peer", "host"], "--peer: 'host' is no address; write HOST:PORT"),
            (["--peer", "host:99999"], "--peer: 'host:99999' is no address; write HOST:PORT"),
            (["--link", "ftp://x"], "--link: 'ftp://x' is no URL; write http://HOST:PORT/PATH"),
            (["--steps", "30s"], "--steps: '30s' is no stage; write DURATION:TARGET, as in 30s:10,1m:50"),
            (["word"], "'word' belongs to no option; options are written --name value"),
        ]
        self.plan(OPTIONS)
        for words, message in rows:
            with self.subTest(words):
                ended = self.run_words("plan.lua", *words)
                self.check(ended, 104, "lgen: " + message)
                self.assertEqual(len(ended.err.splitlines()), 1, ended)

    def test_an_empty_default_is_one(self):
        self.plan("""local opt = lgen.options {
          { "prefix", default = "" }, { "names", list = true, default = {} }, { "color" } }""",
                  "print(opt.prefix == '', #opt.names, opt.color)")
        self.assertEqual(self.run_plan("plan.lua").out.splitlines()[0], "true\t0\tnil")

    def test_a_plan_without_options(self):
        self.plan()
        self.check(self.run_words("plan.lua", "--taget", "x"), 104, "unknown option --taget (did you mean '--target'?)")

    def test_a_misspelt_target_is_no_missing_one(self):
        self.plan('local ch = lgen.grpc.channel("main", lgen.target)')
        self.check(self.run_words("plan.lua", "--taget=h:1"), 104, "unknown option --taget (did you mean '--target'?)")
        self.check(self.run_words("plan.lua", "--rooms", "3"), 104, "this plan needs a target: --target HOST:PORT")

    def test_a_required_option(self):
        self.plan('local opt = lgen.options { { "word", required = true } }')
        self.check(self.run_words("plan.lua"), 104, "--word: is required; give it on the command line")
        self.check(self.run_words("plan.lua", "--word", "x"), 0)
        self.check(self.run_words("check", "plan.lua"), 0)

    def test_declarations_that_are_wrong(self):
        rows = [
            ('{ { "target" } }', "lgen.options 'target': the engine has an option of that name; choose another one"),
            ('{ { "n", "itn" } }', "lgen.options 'n': unknown type 'itn' (did you mean 'int'?)"),
            ('{ { "n", "int", defualt = 1 } }', "lgen.options[1]: unknown option 'defualt' (did you mean 'default'?)"),
            ('{ { "n", "int", default = "x" } }', "lgen.options 'n': default: 'x' is no whole number"),
            ('{ { "n", "int", default = 5, max = 3 } }', "lgen.options 'n': default: 5 is too large; at most 3"),
            ('{ { "c", "choice", choices = { "a" }, default = "b" } }', "lgen.options 'c': default: 'b' is not one of a"),
            ('{ { "c", "choice" } }', "lgen.options 'c': type choice needs choices"),
            ('{ { "n" }, { "n" } }', "lgen.options: 'n' is declared twice"),
            ('{ n = { type = "int" } }', 'lgen.options: a list of declarations expected, got the key string "n"'),
            ('{ { type = "int" } }', "lgen.options[1]: name is missing"),
            ('"n"', 'lgen.options: table expected, got string "n"'),
            ('{} lgen.options {}', "lgen.options: called twice; declare all options in one list"),
        ]
        for declaration, message in rows:
            with self.subTest(declaration):
                self.plan(f"lgen.options {declaration}")
                self.check(self.run_words("plan.lua"), 104, "lgen: plan.lua:2: " + message)

    def test_reading_what_is_not_declared(self):
        self.plan(OPTIONS + "local x = opt.cuont")
        self.check(self.run_words("plan.lua"), 104,
                   "plan.lua:20: opt.cuont: no such option is declared (did you mean 'count'?)")

    def test_precedence(self):
        self.plan(OPTIONS, "print(opt.file_name)")
        self.write("c.json", json.dumps({"options": {"file-name": "config"}}))

        def value(*flags, env=None):
            return self.run_plan("plan.lua", *flags, env=env).out.splitlines()[0]

        self.assertEqual(value(), "nil")
        self.assertEqual(value("--config", "c.json"), "config")
        self.assertEqual(value("--config", "c.json", env={"TEST_FILE_NAME": "env"}), "env")
        self.assertEqual(value("--config", "c.json", "--file-name", "flag", env={"TEST_FILE_NAME": "env"}), "flag")


class EngineOptionsTest(LgenCase):
    def test_a_misspelt_variable_is_told_and_one_of_somebody_else_is_not(self):
        self.plan()
        ended = self.run_plan("plan.lua", env={"LGEN_VSU": "3", "LGEN_FARM_ID": "7"})
        self.check(ended, 0, "the environment's LGEN_VSU is no option of lgen (did you mean 'LGEN_VUS'?)")
        self.assertNotIn("LGEN_FARM_ID", ended.err)
        self.assertNotIn("LGEN_BIN_DIR", ended.err)

    def test_what_lgen_refuses(self):
        rows = [
            (["--target"], "--target: its value is missing: HOST:PORT"),
            (["--seed", "abc"], "--seed: 'abc' is no whole number"),
            (["--seed", "-1"], "--seed: '-1' is no whole number"),
            (["--wait-ready", "5x"], "--wait-ready: '5x' is no duration"),
            (["--out", "result.txt"], "--out: 'result.txt' does not tell its format; write FORMAT=FILE"),
            (["--out", "pdf=x"], "--out: unknown format 'pdf'; there are json"),
            (["--transport", "h3"], "--transport: unknown transport 'h3'; there are grpc and h2"),
            (["--tls", "--plaintext"], "--tls: contradicts --plaintext; give one of them"),
            (["--plaintext", "--ca", "x"], "--ca: means TLS, but --plaintext is given"),
            (["--plaintext", "--skip-verify"], "--skip-verify: means TLS, but --plaintext is given"),
            (["--cert", "x"], "--cert: --cert and --key belong together; the other one is missing"),
            (["--ca", "x", "--skip-verify"], "--ca: contradicts --skip-verify"),
            (["--log", "loud"], "--log: unknown log level 'loud'"),
            (["--tag", "x"], "--tag: 'x' is not of the form KEY=VALUE"),
            (["--tag", "code=x"], "--tag: tag 'code': lgen sets that label itself; choose another name"),
            (["--tag", "a b=x"], "--tag: tag 'a b': a name is a word of letters, digits and _"),
            (["--proxy", "http://x"], "--proxy: 'http://x': there is only env"),
            (["--validity", "maybe"], "--validity: 'maybe' is not fail or warn"),
            (["--trace=x"], "--trace: 'x' is no whole number"),
            (["--quiet=x"], "--quiet"),
            (["--vus", "0"], "--vus: '0' is no number of at least 1"),
            (["--vus", "many"], "--vus: 'many' is no number of at least 1"),
            (["--iterations", "s=x"], "--iterations: 'x' is no number of at least 1"),
            (["--duration", "5x"], "--duration: '5x' is no duration"),
            (["--vus", "other=3"], "--vus: the plan has no scenario 'other' (it has: s)"),
            (["--local", "--target", "x:1"], "--local contradicts --target; give one of them"),
            (["--rate", "5"], "--rate: scenario 's' has the load per_vu_iterations, which has no rate"),
            (["--max-vus", "s=5"], "--max-vus: scenario 's' has the load per_vu_iterations, which has no max-vus"),
            (["--time-scale", "0"], "--time-scale: '0' is no number between 0.000001 and 1000000"),
            (["--procs", "5"], "unknown option --procs"),
        ]
        self.plan()
        for words, message in rows:
            with self.subTest(words):
                self.check(self.run_words("plan.lua", *words), 104, message)

    def test_unknown_options_in_front_of_the_plan(self):
        self.plan()
        self.check(self.run_words("--taget", "x", "plan.lua"), 104,
                   "unknown option --taget (did you mean '--target'?); options of a plan come after the plan")
        self.check(self.run_words("--seed", "5", "--quiet", "plan.lua"), 0)

    def test_a_load_without_iterations(self):
        self.write("plan.lua", PRELUDE +
                   'lgen.scenario("s", { load = lgen.load.constant_vus { duration = 1 }, run = print })')
        self.check(self.run_words("plan.lua", "--iterations", "5"), 104,
                   "--iterations: scenario 's' has the load constant_vus, which has no iterations")

    def loads(self, *flags, env=None):
        """{scenario: (VUs that ran, iterations)} of a plan with two scenarios."""
        self.plan('lgen.scenario("t", { load = lgen.load.per_vu_iterations { vus = 2, iterations = 3 }, run = function() end })')
        ended = self.run_plan("plan.lua", *flags, env=env)
        self.check(ended, 0)
        return {s["name"]: (s["max_vus"], s["started"]) for s in ended.summary["scenarios"]}

    def test_overrides(self):
        self.assertEqual(self.loads(), {"s": (1, 1), "t": (2, 6)})
        self.assertEqual(self.loads("--vus", "4"), {"s": (4, 4), "t": (4, 12)})
        self.assertEqual(self.loads("--vus", "t=4"), {"s": (1, 1), "t": (4, 12)})
        self.assertEqual(self.loads("--vus", "4", "--vus", "s=5", "--iterations", "t=1"), {"s": (5, 5), "t": (4, 4)})
        self.assertEqual(self.loads("--duration", "t=1ms")["s"], (1, 1))

    def test_maps_merge_per_key(self):
        self.write("c.json", json.dumps({"scenarios": {"s": {"vus": 3}, "t": {"vus": 5, "iterations": 1}},
                                         "engine": {"tag": ["a=1", "b=2"]}}))
        self.assertEqual(self.loads("--config", "c.json"), {"s": (3, 3), "t": (5, 5)})
        self.assertEqual(self.loads("--config", "c.json", "--vus", "t=2"), {"s": (3, 3), "t": (2, 2)})

    OPEN = """
lgen.scenario("even", { load = lgen.load.constant_rate { rate = 100, duration = "100ms", max_vus = 3 }, run = print })
lgen.scenario("rising", { run = print,
  load = lgen.load.ramping_rate { stages = { {"100ms", 100} }, max_vus = 3, arrivals = "poisson" } })
lgen.scenario("vus", { run = function() lgen.sleep(0.02) end,
  load = lgen.load.ramping_vus { stages = { {duration = "50ms", target = 2}, {"50ms", 0} } } })
"""

    def open_loads(self, *flags, env=None):
        """{scenario: its load in words} of a plan with rates and ramps, run to its end."""
        self.write("plan.lua", PRELUDE + self.OPEN)
        ended = self.run_plan("plan.lua", "--validity", "warn", *flags, env=env)
        self.check(ended, 0)
        for s in ended.summary["scenarios"]:
            if s["scheduled"] is not None:
                self.assertEqual(s["scheduled"], s["started"] + s["dropped"], s)
        return {s["name"]: s["load"] for s in ended.summary["scenarios"]}

    def test_overrides_of_rates_and_ramps(self):
        plain = {"even": "100/s for 100ms, at most 3 VUs", "vus": "VUs 0 -> 2 in 50ms -> 0 in 50ms",
                 "rising": "per second 0 -> 100 in 100ms, at random, at most 3 VUs"}
        self.assertEqual(self.open_loads(), plain)
        self.assertEqual(self.open_loads("--rate", "even=50", "--max-vus", "rising=1"), {
            **plain, "even": "50/s for 100ms, at most 3 VUs",
            "rising": "per second 0 -> 100 in 100ms, at random, at most 1 VU"})
        self.assertEqual(self.open_loads("--vus", "vus=3", "--duration", "50ms", "--rate", "rising=20",
                                         "--rate", "even=20"), {
            "even": "20/s for 50ms, at most 3 VUs", "rising": "20/s for 50ms, at random, at most 3 VUs",
            "vus": "3 VUs for 50ms"})
        self.assertEqual(self.open_loads(env={"LGEN_MAX_VUS": "even=7"})["even"], "100/s for 100ms, at most 7 VUs")
        self.write("c.json", json.dumps({"scenarios": {"even": {"rate": 10.5, "max_vus": 2}}}))
        self.assertEqual(self.open_loads("--config", "c.json")["even"], "10.5/s for 100ms, at most 2 VUs")
        self.assertEqual(self.open_loads("--time-scale", "2"), {
            "even": "200/s for 50ms, at most 3 VUs", "vus": "VUs 0 -> 2 in 25ms -> 0 in 25ms",
            "rising": "per second 0 -> 200 in 50ms, at random, at most 3 VUs"})

    def test_fields_that_only_a_config_file_overrides(self):
        def loads(**fields):
            self.write("c.json", json.dumps({"scenarios": fields}))
            return self.open_loads("--config", "c.json")
        changed = loads(even={"backlog": "1s", "arrivals": "poisson"}, vus={"start_vus": 1, "stages": [["40ms", 2]]},
                        rising={"start_rate": 10, "stages": [{"duration": 0.05, "target": 40}], "arrivals": "even"})
        self.assertEqual(changed, {"even": "100/s for 100ms, at random, at most 3 VUs, backlog 1s",
                                   "vus": "VUs 1 -> 2 in 40ms", "rising": "per second 10 -> 40 in 50ms, at most 3 VUs"})
        self.assertEqual(loads(vus={"stages": "30ms:1,20ms:0"})["vus"], "VUs 0 -> 1 in 30ms -> 0 in 20ms")
        for scenario, fields, message in [
                ("even", {"arrivals": "poison"}, "arrivals: 'poison' is neither even nor poisson"),
                ("even", {"stages": [["1s", 2]]}, "stages: scenario 'even' has the load constant_rate, which has no stages"),
                ("vus", {"stages": "1s"}, "stages: '1s' is no stage; write DURATION:TARGET, as in 30s:10,1m:50"),
                ("vus", {"stages": [["1s", 2], 5]}, "stages[2]: [duration, target] is expected, got 5"),
                ("vus", {"stages": [["1x", 2]]}, "stages[1]: duration: '1x' is no duration"),
                ("vus", {"stages": [["1s", "2"]]}, "stages[1]: target: a number is expected, got \"2\""),
                ("vus", {"start_vus": -1}, "start_vus: '-1' is no number of at least 0"),
                ("vus", {"start_after": "soon"}, "start_after: 'soon' is no duration"),
                ("vus", {"background": 1}, "background: '1' is neither false nor true")]:
            with self.subTest(message):
                self.write("c.json", json.dumps({"scenarios": {scenario: fields}}))
                self.check(self.run_words("plan.lua", "--config", "c.json"), 104, f"c.json: scenarios.{scenario}.{message}")

    def test_when_a_scenario_starts_and_ends_by_a_config_file(self):
        self.write("plan.lua", PRELUDE + """
lgen.scenario("first", { load = lgen.load.per_vu_iterations {}, run = function() lgen.sleep("20ms") end })
lgen.scenario("later", { load = lgen.load.constant_vus { duration = "1h" }, start_after = "1h",
  run = function() lgen.sleep("1h") end })
""")
        self.write("c.json", json.dumps({"scenarios": {
            "later": {"start_after": 0, "background": True, "graceful_stop": 0}}}))
        ended = self.run_plan("plan.lua", "--config", "c.json")
        self.check(ended, 0)
        later = next(s for s in ended.summary["scenarios"] if s["name"] == "later")
        self.assertEqual((later["started"], later["cancelled"]), (1, 1))

    def test_an_override_without_a_scenario_is_for_those_that_have_the_field(self):
        self.assertEqual(self.open_loads("--max-vus", "2"), {
            "even": "100/s for 100ms, at most 2 VUs", "vus": "VUs 0 -> 2 in 50ms -> 0 in 50ms",
            "rising": "per second 0 -> 100 in 100ms, at random, at most 2 VUs"})
        self.check(self.run_words("plan.lua", "--iterations", "2"), 104,
                   "lgen: --iterations: no scenario's load has iterations "
                   "(even: constant_rate, rising: ramping_rate, vus: ramping_vus)")
        self.check(self.run_words("plan.lua", "--vus", "even=2"), 104,
                   "lgen: --vus: scenario 'even' has the load constant_rate, which has no vus; --max-vus even=2 limits "
                   "how many run at a time")

    def test_stages_are_not_half_replaced(self):
        self.write("plan.lua", PRELUDE + self.OPEN)
        self.check(self.run_words("plan.lua", "--duration", "1s"), 104,
                   "--duration: scenario 'rising' has stages; --rate and --duration together replace them by a constant "
                   "load, --time-scale runs them faster; --duration NAME=1s is for one scenario alone")
        self.check(self.run_words("plan.lua", "--vus", "vus=3"), 104,
                   "--vus: scenario 'vus' has stages; --vus and --duration together replace them by a constant load")

    def test_the_same_seed_gives_the_same_random_arrivals(self):
        def started(seed):
            self.write("plan.lua", PRELUDE + self.OPEN)
            summary = self.run_plan("plan.lua", "--seed", seed, "--rate", "rising=300", "--duration",
                                    "rising=200ms").summary
            return [s["scheduled"] for s in summary["scenarios"] if s["name"] == "rising"]
        self.assertEqual(started("5"), started("5"))
        self.assertGreater(len({str(started(str(seed))) for seed in range(6)}), 1)

    def labels(self, *flags, env=None):
        self.plan('local c = lgen.counter "c"', "c:add()")
        counter = self.run_plan("plan.lua", *flags, env=env).summary["metrics"]["c"]
        return counter["series"][0]["labels"]

    def test_tags(self):
        self.write("c.json", json.dumps({"engine": {"tag": ["a=1", "b=2"]}}))
        self.assertEqual(self.labels("--tag", "a=x", "--tag", "c=y=z"), {"scenario": "s", "a": "x", "c": "y=z"})
        self.assertEqual(self.labels("--config", "c.json", "--tag", "a=x"), {"scenario": "s", "a": "x", "b": "2"})
        self.assertEqual(self.labels(env={"LGEN_TAG": "a=e"}), {"scenario": "s", "a": "e"})

    def test_tags_may_be_numbers(self):
        self.write("plan.lua", PRELUDE + """local own = lgen.counter("own")
lgen.scenario("s", { load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 }, tags = { half = 0.5, yes = true },
  run = function() lgen.tag("n", 3) own:add() end })
""")
        (series,) = self.run_plan("plan.lua").summary["metrics"]["own"]["series"]
        self.assertEqual({k: v for k, v in series["labels"].items() if k in ("half", "yes", "n")},
                         {"half": "0.5", "yes": "true", "n": "3"})

    def seed(self, *flags, env=None, top="lgen.plan { api = 1, defaults = { seed = 1 } }"):
        self.plan(top)
        return self.run_plan("plan.lua", *flags, env=env).summary["run"]["seed"]

    def test_precedence(self):
        self.write("c.json", json.dumps({"engine": {"seed": 2}}))
        config = ["--config", "c.json"]
        self.assertNotEqual(self.seed(top=""), self.seed(top=""))
        self.assertEqual(int(self.seed()), 1)
        self.assertEqual(int(self.seed(*config)), 2)
        self.assertEqual(int(self.seed(*config, env={"LGEN_SEED": "3"})), 3)
        self.assertEqual(int(self.seed(*config, "--seed", "4", env={"LGEN_SEED": "3"})), 4)
        self.assertEqual(int(self.seed(env={"LGEN_CONFIG": "c.json"})), 2)

    def test_the_environment_is_checked_as_flags_are(self):
        self.plan()
        self.check(self.run_words("plan.lua", env={"LGEN_SEED": "x"}), 104, "--seed: 'x' is no whole number")


class ConfigFileTest(LgenCase):
    rows = [
        ("nothing", None, "--config: cannot read c.json: No such file or directory"),
        ("no JSON", "{", "--config: c.json:1:2: expected a name in double quotes, or '}', found the end"),
        ("a missing comma", '{\n  "engine": {}\n  "options": {}\n}',
         "--config: c.json:3:11: expected ',' or '}', found string literal"),
        ("a list", "[]", "--config: c.json: an object {...} is expected"),
        ("an unknown part", '{"option": {}}', "--config: c.json: unknown key 'option'; there are engine, options, scenarios"),
        ("a part that is no object", '{"options": 5}', "--config: c.json: 'options' must be an object"),
        ("an unknown engine option", '{"engine": {"sede": 1}}',
         "--config c.json: unknown engine option 'sede' (did you mean 'seed'?)"),
        ("an unknown plan option", '{"options": {"cuont": 1}}',
         "--config: unknown option --cuont (did you mean '--count'?)"),
        ("an engine option among the plan's", '{"options": {"seed": 1}}',
         "--config: 'seed' is an option of the engine; write it under \"engine\""),
        ("a wrong value", '{"options": {"count": "x"}}', "lgen: c.json: options.count: 'x' is no whole number"),
        ("a wrong value of the engine's", '{"engine": {"stop-timeout": "5x"}}',
         "lgen: c.json: engine.stop-timeout: '5x' is no duration"),
        ("a wrong load of every scenario", '{"engine": {"vus": "x"}}', "lgen: c.json: engine.vus: 'x' is no number of at least 1"),
        ("a wrong load", '{"scenarios": {"s": {"duration": "5x"}}}', "lgen: c.json: scenarios.s.duration: '5x' is no duration"),
        ("a load that is not there", '{"scenarios": {"s": {"max_vus": 5}}}',
         "lgen: c.json: scenarios.s.max_vus: scenario 's' has the load per_vu_iterations, which has no max-vus"),
        ("a value that is no value", '{"options": {"count": null}}',
         "--config c.json: options.count: a string, a number, true or false is expected, got null"),
        ("an object as value", '{"engine": {"seed": {}}}',
         "--config c.json: engine.seed: a string, a number, true or false is expected, got {}"),
        ("another config", '{"engine": {"config": "d.json"}}',
         "--config c.json: engine.config: a config file names no other one"),
        ("an unknown scenario", '{"scenarios": {"other": {"vus": 1}}}', 
         "lgen: c.json: scenarios.other.vus: the plan has no scenario 'other' (it has: s)"),
        ("a field nearly right", '{"scenarios": {"s": {"max_duratoin": 1}}}',
         "--config c.json: scenarios.s.max_duratoin: there is no such field (did you mean 'max_duration'?)"),
        ("an unknown field", '{"scenarios": {"s": {"colour": 1}}}',
         "--config c.json: scenarios.s.colour: there are vus, duration, iterations, rate, max_vus, start_vus, stages, "
         "start_rate, max_duration, backlog, arrivals, start_after, graceful_stop, background"),
    ]

    def test_what_lgen_refuses(self):
        self.plan(OPTIONS)
        for name, text, message in self.rows:
            with self.subTest(name):
                if text is not None:
                    self.write("c.json", text)
                self.check(self.run_words("plan.lua", "--config", "c.json"), 104, message)

    def test_a_flag_is_blamed_where_it_is_stronger_than_the_file(self):
        self.plan(OPTIONS)
        self.write("c.json", json.dumps({"engine": {"seed": "x"}, "options": {"count": "y"}}))
        ended = self.run_words("plan.lua", "--config", "c.json", "--seed", "z")
        self.check(ended, 104, "lgen: --seed: 'z' is no whole number")
        ended = self.run_words("plan.lua", "--config", "c.json", "--seed", "1", "--count", "z")
        self.check(ended, 104, "lgen: --count: 'z' is no whole number")

    def test_lists(self):
        self.plan(OPTIONS, "print(table.concat(opt.names, '+'))")
        self.write("c.json", json.dumps({"options": {"names": ["a", "b"], "count": 5, "on": True}}))
        self.assertEqual(self.run_plan("plan.lua", "--config", "c.json").out.splitlines()[0], "a+b")


class DrawsTest(LgenCase):
    DRAW = """
      local r = lgen.random
      lgen.delay(0, "1ms")
      table.insert(draws[vu.id], table.concat({ r.int(1, 1e9), r.uniform(0, 1), r.string(8), r.uuid(), math.random(),
        r.normal(0, 1), r.exponential(1), r.choice { "a", "b", "c" } }, " "))
      local child = lgen.spawn(function() return r.int(1, 1e9) end)
      table.insert(draws[vu.id], child:join())
    """
    PLAN = """
local draws = { {}, {}, {} }
local first = lgen.random.int(1, 1e9)
lgen.scenario("d", { load = lgen.load.per_vu_iterations { vus = 3, iterations = 4 }, run = function(vu) DRAW end })
lgen.teardown(function()
  print(first, lgen.random.int(1, 1e9))
  for _, of_vu in ipairs(draws) do print(table.concat(of_vu, "\\n")) end
end)
"""

    def draws(self, *flags):
        self.plan(self.PLAN.replace("DRAW", self.DRAW))
        ended = self.run_plan("plan.lua", *flags)
        self.check(ended, 0)
        return ended.out.split("plan.lua")[0]

    def test_a_seed_repeats_all_draws(self):
        once = self.draws("--seed", "7")
        self.assertEqual(once, self.draws("--seed", "7"))
        self.assertNotEqual(once, self.draws("--seed", "8"))
        self.assertNotEqual(self.draws(), self.draws())

    def test_a_seed_of_the_plan_covers_draws_at_load(self):
        self.plan("lgen.plan { api = 1, defaults = { seed = 5 } }\nprint(lgen.random.int(1, 1e9))")
        lines = {self.run_plan("plan.lua").out.splitlines()[0] for _ in range(3)}
        self.assertEqual(len(lines), 1)


class FixedLoadTest(LgenCase):
    """Load fields that only the plan may set: the flag is refused with what the plan says."""

    def scenario(self, fixed):
        self.write("plan.lua", PRELUDE + """lgen.scenario("s", {
  load = lgen.load.per_vu_iterations { vus = 2 }, fixed = FIXED, run = function() end })
""".replace("FIXED", fixed))

    def test_what_is_fixed(self):
        self.scenario('{ vus = "one for each room; use --rooms" }')
        for flag in ("--vus=3", "--vus=s=3"):
            self.check(self.run_words("plan.lua", flag), 104,
                       "lgen: --vus: scenario 's' decides that itself: one for each room; use --rooms\n")
        self.check(self.run_words("plan.lua", "--quiet", "--iterations", "2"), 0)

    def test_declarations_that_are_wrong(self):
        rows = [
            ("{ vsu = 'x' }", "plan.lua:2: lgen.scenario \"s\": fixed: nothing overrides 'vsu'; "
             "there are vus, duration, iterations"),
            ("{ vus = 1 }", "plan.lua:2: lgen.scenario \"s\": fixed: string expected, got number 1"),
            ("'vus'", "plan.lua:2: lgen.scenario \"s\": fixed: table expected, got string \"vus\""),
        ]
        for fixed, message in rows:
            with self.subTest(fixed):
                self.scenario(fixed)
                self.check(self.run_words("plan.lua"), 104, "lgen: " + message)

    def test_multi_channel(self):
        for flag in ("--vus", "--iterations"):
            self.check(self.run_words(MULTI_CHANNEL, "--target", "127.0.0.1:1", flag, "2"), 104,
                       f"lgen: {flag}: scenario 'streams' decides that itself: each channel ")
