"""Where results go: files, standard output, disks that are full, terminals without colours; and reading them again."""

import json
import os

from lgen_runs import LgenCase


class OutTest(LgenCase):
    def test_json_to_a_file(self):
        self.plan(body="lgen.check('x', true)")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "json=r.json"), 0)
        with open(self.path("r.json"), encoding="utf-8") as file:
            summary = json.load(file)
        self.assertEqual(summary["schema"], "lgen.summary/1")
        self.assertEqual(summary["run"]["exit_code"], 0)

    def test_json_to_standard_output(self):
        self.plan()
        ended = self.run_words("plan.lua", "--quiet", "--out", "json=-")
        self.check(ended, 0, "SCENARIOS")  # the report goes to stderr instead
        self.assertEqual(json.loads(ended.out)["schema"], "lgen.summary/1")

    def test_what_the_plan_prints_stays_out_of_an_output_on_standard_output(self):
        self.plan("print('at load')", "print('printed') io.write('written\\n') os.execute('echo executed')")
        ended = self.run_words("plan.lua", "--quiet", "--out", "json=-")
        self.check(ended, 0, "at load", "printed", "written", "executed", "SCENARIOS")
        self.assertEqual(json.loads(ended.out)["schema"], "lgen.summary/1")

    def test_an_output_on_standard_output_by_the_plans_defaults(self):
        self.plan("lgen.plan { api = 1, defaults = { out = 'json=-' } }", "print('printed')")
        ended = self.run_words("plan.lua", "--quiet")
        self.check(ended, 0, "printed", "SCENARIOS")
        self.assertEqual(json.loads(ended.out)["schema"], "lgen.summary/1")

    def test_what_the_teardown_prints_of_the_run_is_part_of_its_report(self):
        self.plan("print('at load')\nlgen.teardown(function() print('STORY\\n  of', 2, 'pods') print() end)",
                  "print('on the way')")
        ended = self.run_words("plan.lua", "--quiet", "--out", "json=r.json", "--out", "html=r.html")
        self.check(ended, 0)
        self.assertEqual(ended.out.count("STORY\n  of\t2\tpods\n\n"), 1)
        with open(self.path("r.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["printed"], ["STORY", "  of\t2\tpods", ""])
        again = self.run_words("report", "r.json")
        self.assertTrue(again.out.startswith("STORY\n  of"), again.out)
        self.assertNotIn("on the way", again.out)
        with open(self.path("r.html"), encoding="utf-8") as file:
            self.assertIn('"printed":["STORY","  of\\t2\\tpods",""]', file.read())

    def test_of_a_teardown_that_prints_without_end_the_beginning_is_kept(self):
        self.plan("lgen.teardown(function() for i = 1, 1200 do print(i) end end)")
        ended = self.run_words("plan.lua", "--quiet", "--out", "json=r.json")
        self.check(ended, 0)
        self.assertIn("\n1200\n", ended.out)
        self.assertIn("teardown has printed 1200 lines, of which the first 1000 are kept", ended.out)
        with open(self.path("r.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["printed"][-1], "1000")

    def test_options_and_events_keep_their_types(self):
        self.plan("""lgen.options { { "n", "int", default = 3 }, { "x", "number" }, { "on", "bool" }, { "id" },
  { "hold", "duration", default = "30s" }, { "list", "int", list = true }, { "word", "int", secret = true } }
""", 'lgen.event("seen", { stream = 12, half = 0.5, ok = false, id = "007" })')
        self.check(self.run_words("plan.lua", "--out", "json=r.json", "--seed", "7", "--quiet", "--stop-timeout", "5s",
                                  "--x=0.5", "--on", "--id", "007", "--list", "1,2", "--word", "5"), 0)
        with open(self.path("r.json"), encoding="utf-8") as file:
            summary = json.load(file)
        self.assertEqual(summary["run"]["options"], {
            "seed": 7, "quiet": True, "stop-timeout": "5s", "out": "json=r.json", "n": 3, "x": 0.5, "on": True,
            "id": "007", "hold": "30s", "list": "1,2", "word": "***"})
        self.assertEqual(summary["events"][0]["fields"], {"stream": 12, "half": 0.5, "ok": False, "id": "007"})

    def test_standard_error_that_takes_nothing_ends_no_run(self):
        self.plan(body="for _ = 1, 3 do lgen.log.warn('to nobody') end")
        for where in ["2>/dev/full", "2>&-", "2> >(exit)"]:
            with self.subTest(where):
                ended = self.run_shell(f'"$LGEN" plan.lua --out json=r.json {where}')
                self.check(ended, 0)
                with open(self.path("r.json"), encoding="utf-8") as file:
                    self.assertEqual(json.load(file)["errors"], [])
                self.assertEqual(self.run_shell(f'"$LGEN" nothing.lua {where}').code, 104)

    def test_closed_standard_streams_are_not_taken_for_sockets(self):
        self.plan()
        self.assertEqual(self.run_shell('"$LGEN" plan.lua <&- >&- 2>&-').code, 113)

    def test_help_that_cannot_be_printed(self):
        for words in ["help", "version", "completion bash"]:
            with self.subTest(words):
                self.check(self.run_shell(f'"$LGEN" {words} >/dev/full'), 113,
                           "lgen: cannot write standard output: No space left on device")
                self.assertEqual(self.run_shell(f'"$LGEN" {words} >&-').code, 113)

    def test_a_log_file_on_a_full_disk(self):
        self.plan(body="lgen.log.warn('lost')")
        ended = self.run_words("plan.lua", "--quiet", "--log", "warn,/dev/full")
        self.check(ended, 113, "log file /dev/full: No space left on device; the log is not whole")

    def test_several_files(self):
        self.plan()
        self.check(self.run_words("plan.lua", "--out", "json=a.json", "--out", "json=b.json"), 0)
        self.assertTrue(os.path.exists(self.path("a.json")) and os.path.exists(self.path("b.json")))

    def test_a_path_that_is_unwritable_at_the_start(self):
        self.write("file", "")
        self.plan(body="print('ran')")
        rows = [
            ("no/such/r.json", "cannot write no/such/r.json: No such file or directory; its folder does not exist"),
            ("file/r.json", "cannot write file/r.json: Not a directory"),
            (self.folder, f"cannot write {self.folder}: Is a directory"),
        ]
        for path, message in rows:
            with self.subTest(path):
                ended = self.run_words("plan.lua", "--out", f"json={path}")
                self.check(ended, 104, message)
                self.assertEqual(ended.out, "")

    def test_what_out_refuses(self):
        self.plan(body="print('ran')")
        rows = [
            (["jsn=r.json"], "--out: unknown format 'jsn' (did you mean 'json'?); there"),
            (["json"], "--out: json: to which file? json=FILE, or json=- for standard output"),
            (["r.txt"], "--out: 'r.txt' does not tell its format; write FORMAT=FILE, for example json=result.json"),
            (["json=-", "json=-"], "--out: both json and json would go to standard output; give each a place of its own"),
            (["json=r.json", "r.json"], "--out: both json and json would go to r.json"),
            (["json=r.json,rate=5"], "--out: json: unknown key 'rate'"),
        ]
        for outputs, message in rows:
            with self.subTest(outputs):
                ended = self.run_words("plan.lua", *[word for out in outputs for word in ("--out", out)])
                self.check(ended, 104, message)
                self.assertEqual(ended.out, "")

    def test_an_output_that_the_plans_defaults_spell_wrongly(self):
        self.plan("lgen.plan { api = 1, defaults = { out = 'jsn=-' } }", "print('ran')")
        self.check(self.run_words("plan.lua"), 104, "--out: unknown format 'jsn'")

    def test_a_file_tells_its_format_by_its_ending(self):
        self.plan()
        self.check(self.run_words("plan.lua", "--quiet", "--out", "r.json"), 0)
        with open(self.path("r.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["schema"], "lgen.summary/1")

    def test_a_full_disk(self):
        self.plan(body="lgen.check('x', true)")
        ended = self.run_words("plan.lua", "--quiet", "--out", "json=/dev/full", "--out", "json=r.json")
        self.check(ended, 113, "cannot write /dev/full: No space left on device; free some space or name another place")
        self.assertIn("SCENARIOS", ended.out)
        self.assertTrue(os.path.exists(self.path("r.json")), "the other output is written")

    def test_a_full_disk_under_standard_output(self):
        self.plan()
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.check(self.run_words("plan.lua", "--quiet", stdout=full), 113,
                       "cannot write standard output: No space left on device")

    def test_a_folder_that_goes_during_the_run(self):
        os.mkdir(self.path("sub"))
        self.plan(body="os.remove('sub')")
        ended = self.run_words("plan.lua", "--quiet", "--out", "json=sub/r.json")
        self.check(ended, 113, "cannot write sub/r.json: No such file or directory")
        self.assertIn("SCENARIOS", ended.out)

    def test_a_failed_run_counts_more_than_a_failed_output(self):
        self.plan(body="lgen.check('x', false)")
        self.check(self.run_words("plan.lua", "--quiet", "--out", "json=/dev/full"), 99)

    def test_what_the_plan_prints_stands_above_the_report(self):
        self.plan(body="print('from the plan')")
        ended = self.run_words("plan.lua", "--quiet")
        self.assertLess(ended.out.index("from the plan"), ended.out.index("SCENARIOS"))


class ConsoleTest(LgenCase):
    def test_progress_and_quiet(self):
        self.plan(body="lgen.sleep(0.01)")
        self.assertEqual(self.run_words("plan.lua", "--quiet").err, "")

    def test_no_colours_where_there_is_no_terminal(self):
        self.plan()
        self.assertNotIn("\x1b", self.run_words("plan.lua").out)

    def test_colours_on_a_terminal(self):
        self.plan()
        self.assertIn("\x1b[", self.on_terminal())
        self.assertNotIn("\x1b[", self.on_terminal(env={"NO_COLOR": "1"}))
        self.assertNotIn("\x1b[", self.on_terminal("--no-color"))

    def on_terminal(self, *flags, env=None):
        """The report as a terminal gets it."""
        master, slave = os.openpty()
        try:
            self.check(self.run_words("plan.lua", "--quiet", *flags, env=env, stdout=slave), 0)
            os.set_blocking(master, False)
            return os.read(master, 65536).decode()
        finally:
            os.close(master)
            os.close(slave)


class LogTest(LgenCase):
    LINES = "for _, level in ipairs { 'debug', 'info', 'warn', 'error' } do lgen.log[level]('%s %d', level, 7) end"

    def test_levels(self):
        self.plan(body=self.LINES)
        for level, shown in [("debug", 4), ("info", 3), ("warn", 2), ("error", 1), ("off", 0)]:
            with self.subTest(level):
                ended = self.run_words("plan.lua", "--quiet", "--log", level)
                self.assertEqual(ended.err.count(" 7"), shown, ended)
        self.assertEqual(self.run_words("plan.lua", "--quiet").err,
                         "lgen: warn: plan.lua:5: warn 7\nlgen: error: plan.lua:5: error 7\n")

    def test_a_log_file(self):
        self.plan(body=self.LINES)
        ended = self.run_words("plan.lua", "--quiet", "--log", "info,run.log")
        self.check(ended, 0)
        self.assertEqual(ended.err, "")
        with open(self.path("run.log"), encoding="utf-8") as file:
            self.assertIn("lgen: info: plan.lua:5: info 7", file.read())
        self.check(self.run_words("plan.lua", "--log", "info,no/such.log"), 104,
                   "log file no/such.log: No such file or directory; choose another path for --log")

    def test_a_flood_is_damped(self):
        self.plan(body="for i = 1, 1000 do lgen.log.warn('line %d', i) end")
        ended = self.run_words("plan.lua", "--quiet")
        self.assertLessEqual(ended.err.count("line "), 20)  # 10 a second
        self.assertIn("line 1\n", ended.err)

    def test_a_format_that_does_not_fit(self):
        self.plan(body="lgen.log.warn('%d', 'x')")
        self.check(self.run_words("plan.lua", "--quiet"), 99, "plan.lua:5: lgen.log: bad argument #2 to '")


class ReportTest(LgenCase):
    def test_an_earlier_run(self):
        self.plan(body="lgen.check('seen again', true)")
        first = self.run_words("plan.lua", "--quiet", "--out", "json=r.json")
        again = self.run_words("report", "r.json")
        self.check(again, 0)
        self.assertEqual(again.out, first.out)
        self.check(self.run_words("report", "r.json", "--out", "json=s.json"), 0)
        with open(self.path("r.json"), encoding="utf-8") as one, open(self.path("s.json"), encoding="utf-8") as two:
            self.assertEqual(json.load(one), json.load(two))

    def test_what_lgen_refuses(self):
        self.write("no.json", "{")
        self.write("other.json", '{"schema": "something/1"}')
        rows = [
            ([], "RESULT"),
            (["missing.json"], "cannot read missing.json: No such file or directory"),
            (["no.json"], "no.json:1:2: not a summary of lgen: expected a name in double quotes"),
            (["other.json"], "other.json: "),
            (["no.json", "--otu", "x"], "--otu"),
        ]
        for words, message in rows:
            with self.subTest(words):
                self.check(self.run_words("report", *words), 104, message)

    def test_outputs(self):
        self.plan()
        self.run_words("plan.lua", "--quiet", "--out", "json=r.json")
        self.check(self.run_words("report", "r.json", "--out", "protobuf=x"), 104, "--out: unknown format 'protobuf'; there")
        self.check(self.run_words("report", "r.json", "--out", "json=/dev/full"), 113, "No space left on device")
