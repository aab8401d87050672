"""Every option in the --help of every command has a test that needs it: that fails, or sees something else, without it.

`needs` marks such a test here; ELSEWHERE names those of other files. What --help shows and neither has is a failure."""

import importlib
import inspect
import json
import os
import pty
import re
import signal
import subprocess
import tempfile

import certificates
from clients import GUIDE_NAME
from connect_proxy import ConnectProxy
from http2_ear import Http2Ear, authority_field
from lgen_runs import CALLS, PRELUDE, LgenCase, clean_environment
from programs import Program, Server, binary
from protos import PROTO_DIR
from raw_servers import FullBacklog

UNARY = "lgen.echo.Echo/Unary"
CONNECTING = ("run", "new", "bench")  # with the engine's options; the rest have grpcurl's, in test_call_flags.py
covered = {}


def needs(flag, *commands):
    """Marks a test as the one of an option of these commands."""
    def mark(test):
        covered.update({(command, flag): test for command in commands or ("run",)})
        return test
    return mark


# (command, options): the test, whose text names each of them.
ELSEWHERE = {
    ("run", "local"): "test_local.LocalTest.test_the_smallest_one",
    ("run", "vus iterations duration"): "test_options.EngineOptionsTest.test_overrides",
    ("run", "rate max-vus time-scale"): "test_options.EngineOptionsTest.test_overrides_of_rates_and_ramps",
    ("run", "seed config"): "test_options.EngineOptionsTest.test_precedence",
    ("run", "tag"): "test_options.EngineOptionsTest.test_tags",
    ("run", "stop-timeout"): "test_endings.SignalTest.test_iterations_that_do_not_end_are_cancelled_after_stop_timeout",
    ("run", "trace"): "test_targets.CallsTest.test_trace",
    ("run", "log"): "test_outputs.LogTest.test_levels",
    ("run", "out"): "test_outputs.OutTest.test_json_to_a_file",
    ("run", "no-color"): "test_outputs.ConsoleTest.test_colours_on_a_terminal",
    ("diff", "min-effect fail-on"): "test_diff.DiffTest.test_verdicts_and_exit_codes",
    ("hpa", "stages target"): "test_hpa.RefusedTest.test_each",
    ("hpa", "start-load length"): "test_hpa.SimulateTest.test_load",
    ("hpa", "min max replicas"): "test_hpa.SimulateTest.test_limits",
    ("hpa", "cpu cpu-per-load cpu-request cpu-initialization-period"): "test_hpa.SimulateTest.test_cpu",
    ("hpa", "scale-up scale-down select-up select-down stabilization-up stabilization-down"):
        "test_hpa.SimulateTest.test_behavior",
    ("hpa", "tolerance sync-period metric-lag pod-start"): "test_hpa.SimulateTest.test_cluster",
    ("hpa", "all no-color"): "test_hpa.SimulateTest.test_output",
    ("hpa", "format"): "test_hpa.HpaCase.simulate",
    ("diff", "validity"): "test_diff.InvalidTest.test_an_invalid_run_proves_nothing",
    ("ctl", "pid"): "test_ctl.OrdersTest.test_several_runs",
    ("ctl", "json"): "test_ctl.CtlCase.status",  # which reads it
    ("bench", "proto protoset"): "test_bench.SchemaTest.test_a_descriptor_set",
    ("bench", "import-paths"): "test_bench.SchemaTest.test_import_paths",
    ("bench", "call"): "test_bench.SchemaTest.test_the_command_line_of_ghz",
    ("bench", "timeout"): "test_bench.LoadTest.test_timeout",
    ("bench", "total concurrency"): "test_bench.LoadTest.test_number_and_concurrency",
    ("bench", "duration"): "test_bench.LoadTest.test_duration",
    ("bench", "max-duration"): "test_bench.LoadTest.test_max_duration",
    ("bench", "rps"): "test_bench.LoadTest.test_rate",
    ("bench", "connections"): "test_bench.LoadTest.test_connections",
    ("bench", "metadata metadata-file"): "test_bench.DataTest.test_metadata",
    ("bench", "data"): "test_bench.DataTest.test_one_message",
    ("bench", "data-file"): "test_bench.DataTest.test_a_file",
    ("bench", "binary binary-file"): "test_bench.DataTest.test_messages_in_wire_format",
    ("bench", "stream-interval"): "test_bench.StreamTest.test_interval",
    ("bench", "stream-call-count"): "test_bench.StreamTest.test_count",
    ("bench", "stream-call-duration"): "test_bench.StreamTest.test_duration",
    ("bench", "connect-timeout"): "test_bench.ConnectionTest.test_connect_timeout",
    ("bench", "keepalive"): "test_bench.ConnectionTest.test_keepalive",
    ("bench", "lb-strategy"): "test_bench.ConnectionTest.test_addresses_in_turn",
    ("bench", "enable-compression"): "test_bench.ConnectionTest.test_compression",
    ("bench", "max-recv-message-size max-send-message-size"): "test_bench.ConnectionTest.test_sizes",
    ("bench", "cacert cname skipTLS insecure"): "test_bench.ConnectionTest.test_tls",
    ("bench", "threshold"): "test_bench.ResultTest.test_thresholds",
    ("bench", "name tags"): "test_bench.ResultTest.test_name_and_tags",
    ("bench", "format output"): "test_bench.ResultTest.test_json_to_a_file_or_standard_output",
    ("bench", "print-plan"): "test_bench.ResultTest.test_the_printed_plan_is_the_one_that_runs",
}


class HelpTest(LgenCase):
    def commands(self):
        text = self.run_words("--help").out
        return re.findall(r"^  (\w+)", text[text.index("\nCommands:"):text.index("\nTarget:")], re.MULTILINE)

    def flags(self, command):
        ended = self.run_words(command, "--help")
        self.check(ended, 0)
        return set(re.findall(r"^  (?:-\w, )?--([\w-]+)", ended.out, re.MULTILINE)) - {"help"}

    def elsewhere(self):
        """The same for tests of other files, each of which must be there and name its options."""
        for (command, flags), name in ELSEWHERE.items():
            module, group, test = name.split(".")
            text = inspect.getsource(getattr(getattr(importlib.import_module(module), group), test))
            for flag in flags.split():
                self.assertRegex(text, rf"--{flag}\b", name)
                yield command, flag

    def test_every_option_of_every_command_has_a_test_that_needs_it(self):
        known = set(covered) | set(self.elsewhere()) | importlib.import_module("test_call_flags").covered
        commands = self.commands()
        self.assertGreaterEqual(len(commands), 15)
        shown = {command: self.flags(command) for command in commands}
        self.assertGreater(len(shown["run"]), 30)
        of_engine = {flag for command, flag in known if command == "run"}
        lacking = []
        for command, flags in shown.items():
            # check and bench resolve the engine's options as run does; EngineOptionsTest shows that they do.
            known_here = {flag for name, flag in known if name == command}
            known_here |= of_engine if command in ("check", "bench") else set()
            lacking += [(command, flag) for flag in sorted(flags - known_here)]
        self.assertEqual(lacking, [])
        gone = [key for key in known if key[1] not in shown[key[0]]]
        self.assertEqual(gone, [])

    def test_help_itself(self):
        for command in self.commands():
            for flag in ("--help", "-h"):
                ended = self.run_words(command, flag)
                self.check(ended, 0)
                self.assertRegex(ended.out.splitlines()[0], rf"^Usage: lgen {command}( \S|$)")
                self.assertNotIn("  ", ended.out.splitlines()[0])


class EngineOptionsTest(LgenCase):
    """run, check and bench have the same options of the engine, and read them in the same place."""

    WRONG = {"target": "x", "transport": "h3", "tls": "x", "plaintext": "x", "skip-verify": "x", "proxy": "x",
             "wait-ready": "x", "seed": "x", "tag": "x", "stop-timeout": "x", "allow-failures": "x", "validity": "x",
             "precise": "x", "config": "none.json", "trace": "x", "log": "x", "quiet": "x", "no-color": "x",
             "time-scale": "x", "cert": "x", "connect-to": "x", "resolve": "x", "interface": "192.0.2.1"}
    REST = {"ca", "key", "key-log", "server-name", "authority", "local", "metrics", "vus", "duration", "iterations", "rate",
            "max-vus", "out"}  # whatever text: wrong or right is seen later

    def flags(self, command):
        return HelpTest.flags(self, command)

    def test_each_is_read_by_each(self):
        own = {"duration"}  # of bench
        self.assertEqual(self.flags("check"), self.flags("run"))
        self.assertEqual(self.flags("run") - self.flags("bench"), set())
        self.assertEqual(self.flags("run"), set(self.WRONG) | self.REST)
        self.plan()
        commands = {"run": ["plan.lua"], "check": ["plan.lua"],
                    "bench": [UNARY, "--proto", "echo.proto", "--print-plan"]}
        for command, words in commands.items():
            for flag, value in self.WRONG.items():
                with self.subTest(command=command, flag=flag):
                    ended = self.run_words(command, *words, f"--{flag}={value}")
                    self.check(ended, 104, f"--{flag}: ")
            for flag in self.REST - own:
                with self.subTest(command=command, flag=flag):
                    self.assertNotIn("unknown option", self.run_words(command, *words, f"--{flag}=s=1").err)

    @needs("transport", "run", "new")
    def test_transport(self):
        self.plan()
        for transport in "grpc", "h2":
            self.check(self.run_words("plan.lua", "--quiet", "--transport", transport), 0)
        self.check(self.run_words("plan.lua", "--quiet", "--transport", "h3"), 104,
                   "--transport: unknown transport 'h3'; there are grpc and h2")
        self.check(self.run_words("new", "new.lua", "--transport", "h3", "127.0.0.1:1", UNARY), 104,
                   "--transport: unknown transport 'h3'; there are grpc and h2")

    @needs("metrics")
    def test_metrics(self):
        self.plan(body="print(lgen.metrics)")
        self.assertTrue(self.run_words("plan.lua", "--quiet").out.startswith("nil\n"))
        self.assertTrue(self.run_words("plan.lua", "--quiet", "--metrics", "h:1").out.startswith("h:1\n"))

    @needs("quiet")
    def test_quiet(self):
        self.plan(CALLS)
        with FullBacklog() as server:
            words = ["plan.lua", "--target", server.target, "--wait-ready", "1500ms"]
            self.assertIn("waiting for 1 of 1 channels", self.run_words(*words).err)
            self.assertNotIn("waiting for", self.run_words(*words, "--quiet").err)

    @needs("allow-failures")
    def test_allow_failures(self):
        self.plan(body="lgen.check('never', false)")
        self.check(self.run_words("plan.lua", "--quiet"), 99)
        self.check(self.run_words("plan.lua", "--quiet", "--allow-failures"), 0)

    @needs("validity")
    def test_validity(self):
        self.write("plan.lua", PRELUDE + """
            lgen.scenario("s", {
              load = lgen.load.constant_rate { rate = 200, duration = "200ms", max_vus = 50 },
              run = function() local stop = lgen.now() + 0.02 while lgen.now() < stop do end end,
            })""")
        self.check(self.run_words("plan.lua", "--quiet"), 111)
        self.check(self.run_words("plan.lua", "--quiet", "--validity", "warn"), 0)

    @needs("precise")
    def test_precise(self):
        """Timers are waited for awake: the process does not go to sleep for them."""
        self.plan(body="for _ = 1, 500 do lgen.sleep(0.0005) end")

        def sleeps(*flags):
            child = subprocess.Popen([binary("lgen"), "plan.lua", "--quiet", *flags], cwd=self.folder,
                                     env=clean_environment(), stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(child.returncode, 0)
            return usage.ru_nvcsw
        self.assertLess(sleeps("--precise"), sleeps() / 2)


class ConnectingCase(LgenCase):
    """The same of each command that connects: a call, or a question for the types."""

    def each(self, target, *flags, env=None):
        """(command, how it ended) of each with these flags."""
        self.plan(CALLS, 'assert(ch:call(Unary, {}))')
        common = ["--target", target, *flags]
        words = {"run": ["plan.lua", "--quiet", "--validity", "warn"], "new": ["new", "new.lua", UNARY, "--force"],
                 "bench": ["bench", UNARY, "-n", "1", "-c", "1", "--quiet", "--validity", "warn"]}
        self.assertEqual(set(words), set(CONNECTING))
        for command, first in words.items():
            with self.subTest(command=command):
                yield command, self.run_words(*first, *common, env=env)

    def all(self, code, target, *flags, text=""):
        for _, ended in self.each(target, *flags):
            self.check(ended, code, text)

    def both(self, code, target, *flags, text=""):
        """As all(), of those that make connections of our own."""
        for command, ended in self.each(target, *flags):
            if command != "new":
                self.check(ended, code, text)


class PlainTest(ConnectingCase):
    @needs("target", *CONNECTING)
    def test_target(self):
        with Server() as server:
            self.all(0, server.target)
        self.plan(CALLS, 'assert(ch:call(Unary, {}))')
        self.check(self.run_words("plan.lua", "--quiet"), 104, "--target")
        self.check(self.run_words("bench", UNARY), 104, "bench: which server?")
        self.check(self.run_words("new", "p.lua", UNARY), 104, "new p.lua HOST:PORT " + UNARY + " asks the server")

    @needs("proxy", *CONNECTING)
    def test_the_proxy_of_the_environment(self):
        with Server() as server, ConnectProxy() as proxy:
            env = {"http_proxy": proxy.url, "grpc_proxy": proxy.url, "no_proxy": "", "NO_PROXY": "", "no_grpc_proxy": ""}
            for command, ended in self.each(server.target, env=env):
                self.check(ended, 0)
                self.assertEqual(proxy.asked, [], command)
            for command, ended in self.each(server.target, "--proxy", "env", env=env):
                self.check(ended, 0)
                self.assertIn(server.target, proxy.asked, command)
                proxy.asked.clear()

    @needs("connect-to", "run", "bench")
    def test_connections_that_go_elsewhere(self):
        with Server() as server:
            flags = ["service.invalid:7", "--connect-to", f"service.invalid:7:{server.target}"]
            self.both(0, *flags, "--transport", "h2")
            self.check(self.run_words("plan.lua", "--target", *flags), 104,
                       "plan.lua:4: lgen.grpc.channel \"main\": the transport grpc cannot honour --connect-to")

    @needs("resolve", "run", "bench")
    def test_addresses_given_by_hand(self):
        with Server() as server:
            flags = [f"service.invalid:{server.grpc_port}", "--resolve",
                     f"service.invalid:{server.grpc_port}:127.0.0.1"]
            self.both(0, *flags, "--transport", "h2")
            self.check(self.run_words("plan.lua", "--target", *flags), 104, "cannot honour --resolve")

    @needs("interface", "run", "bench")
    def test_where_connections_come_from(self):
        with Server() as server:
            self.both(0, server.target, "--interface", "127.0.0.9", "--transport", "h2")
            self.both(104, server.target, "--interface", "192.0.2.1", "--transport", "h2",
                      text="--interface: '192.0.2.1': no connection can come from there")
            self.check(self.run_words("plan.lua", "--target", server.target, "--interface", "lo"), 104,
                       "cannot honour --interface")

    @needs("wait-ready", *CONNECTING)
    def test_wait_ready(self):
        with FullBacklog() as server:
            self.all(99, server.target, "--wait-ready", "200ms", text="--wait-ready 200ms says how long to wait")

    @needs("tls", *CONNECTING)
    def test_tls_although_the_port_is_not_443(self):
        with Server() as server:
            self.all(99, server.target, "--tls", "--wait-ready", "5s", text="it does not speak TLS there")

    @needs("plaintext", *CONNECTING)
    def test_no_tls(self):
        for flags in ([], ["--plaintext"]):
            for _, ended in self.each("127.0.0.1:443", *flags, "--skip-verify", "--wait-ready", "1s"):
                told = "--skip-verify: means TLS, but --plaintext is given" in ended.err
                self.assertEqual(told, bool(flags), ended)
        self.plan()
        for flags, words in (([], "TLS, system roots (because of port 443)"), (["--plaintext"], "plaintext")):
            ended = self.run_words("plan.lua", "--quiet", "--target", "h:443", *flags)
            self.assertIn(f"h:443 ({words}, grpc)", re.sub(r"\s+", " ", ended.out))


class TlsTest(ConnectingCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.made = certificates.self_signed(folder, GUIDE_NAME)
        cls.client = certificates.self_signed(folder, "client", "client")
        flags = ["--tls-cert", cls.made.cert, "--tls-key", cls.made.key]
        cls.server = cls.enterClassContext(Server(*flags))
        cls.strict = cls.enterClassContext(Server(*flags, "--tls-client-ca", cls.client.cert))

    @needs("ca", *CONNECTING)
    @needs("server-name", *CONNECTING)
    def test_a_private_authority_and_its_name(self):
        self.all(99, self.server.target, "--tls", text="self-signed certificate")
        self.all(99, self.server.target, "--ca", self.made.cert, text=GUIDE_NAME)
        self.all(0, self.server.target, "--ca", self.made.cert, "--server-name", GUIDE_NAME)

    @needs("skip-verify", *CONNECTING)
    def test_any_certificate(self):
        self.all(0, self.server.target, "--skip-verify")

    @needs("key-log", "run", "bench")
    def test_keys_of_connections(self):
        log = self.path("keys.log")
        for command, ended in self.each(self.server.target, "--skip-verify", "--key-log", log, "--transport", "h2"):
            if command == "new":
                continue
            self.check(ended, 0)
            with open(log, encoding="utf-8") as file:
                self.assertIn("CLIENT_HANDSHAKE_TRAFFIC_SECRET", file.read(), command)
            os.remove(log)
        self.check(self.run_words("plan.lua", "--target", self.server.target, "--skip-verify", "--key-log", log), 104,
                   "the transport grpc cannot honour --key-log")

    @needs("cert", *CONNECTING)
    @needs("key", *CONNECTING)
    def test_a_client_certificate(self):
        mine = ["--cert", self.client.cert, "--key", self.client.key]
        self.all(99, self.strict.target, "--skip-verify", text="certificate")
        self.all(0, self.strict.target, "--skip-verify", *mine)
        for half in (mine[:2], mine[2:]):
            self.all(104, self.strict.target, "--skip-verify", *half, text="--cert and --key belong together")

    @needs("authority", *CONNECTING)
    def test_authority(self):
        self.plan(CALLS, 'ch:call(Unary, {})')
        words = {"run": [self.path("plan.lua")], "new": ["new", self.path("new.lua"), UNARY], "bench": ["bench", UNARY]}
        for command in CONNECTING:
            for flags, name in (([], GUIDE_NAME), (["--authority", "other.example.com"], "other.example.com")):
                with self.subTest(command=command, flags=flags):
                    ear = Http2Ear(self.made)  # it never answers, so the program is stopped when it has spoken
                    with Program([binary("lgen"), *words[command], "--target", ear.target, "--skip-verify",
                                  "--server-name", GUIDE_NAME, *flags], clean_environment()) as running:
                        ear.wait_for(authority_field(name))
                        running.send_signal(signal.SIGKILL)


class FilesTest(LgenCase):
    """new and types take their schema from files; every command with an output writes it where it is told."""

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("deep"))
        self.write("deep/thing.proto", 'syntax = "proto3"; package deep; message Thing { string name = 1; }')
        self.write("shop.proto", 'syntax = "proto3"; package shop; import "thing.proto"; '
                   "service Shop { rpc Get(deep.Thing) returns (deep.Thing); }")
        subprocess.run(["protoc", "-I", PROTO_DIR, "-o", self.path("echo.pb"), "echo.proto"], check=True)

    @needs("proto", "new")
    @needs("import-paths", "new")
    @needs("protoset", "new")
    @needs("force", "new")
    def test_new(self):
        self.check(self.run_words("new", "p.lua", "shop.Shop/Get"), 104, "new: where are the types of shop.Shop/Get?")
        self.check(self.run_words("new", "p.lua", "shop.Shop/Get", "--proto", "shop.proto"), 104, "thing.proto")
        for flag in ("-i", "--import-paths"):
            self.check(self.run_words("new", "p.lua", "shop.Shop/Get", "--proto", "shop.proto", flag, "deep", "-f"), 0)
        self.check(self.run_words("new", "q.lua", UNARY, "--protoset", "echo.pb"), 0)
        self.check(self.run_words("new", "q.lua", UNARY, "--protoset", "echo.pb"), 104, "q.lua")
        self.check(self.run_words("new", "q.lua", UNARY, "--protoset", "echo.pb", "--force"), 0)

    @needs("proto", "types")
    @needs("import-paths", "types")
    @needs("protoset", "types")
    @needs("output", "types")
    def test_types(self):
        self.check(self.run_words("types", "shop.proto"), 104, "thing.proto")
        words = ["types", "shop.proto", "--import-paths", "deep"]
        self.assertNotIn("EchoRequest", self.run_words(*words).out)
        self.assertIn("deep.Thing", self.run_words(*words).out)
        self.assertIn("EchoRequest", self.run_words(*words, "--proto", "echo.proto").out)
        self.assertIn("EchoRequest", self.run_words("types", "--protoset", "echo.pb").out)
        for flag in ("-o", "--output"):
            self.assertEqual(self.run_words(*words, flag, "out.d.lua").out, "")
            with open(self.path("out.d.lua"), encoding="utf-8") as file:
                self.assertIn("deep.Thing", file.read())
            os.remove(self.path("out.d.lua"))

    @needs("output", "completion", "man")
    def test_texts(self):
        for words in (["completion", "bash"], ["man"]):
            for flag in ("-o", "--output"):
                self.assertEqual(self.run_words(*words, flag, "out.txt").out, "")
                with open(self.path("out.txt"), encoding="utf-8") as file:
                    self.assertEqual(file.read(), self.run_words(*words).out)
                os.remove(self.path("out.txt"))


LOG = """2025-07-31 14:48:01,861 - root - INFO - [Client: c, Channel: 1] Stream opened. Active streams: 1.0
2025-07-31 14:48:02,861 - root - INFO - [Client: c, Channel: 1] Stream closed normally by client. Processed 5 messages.
2025-07-31 14:48:02,862 - root - INFO - [Client: c, Channel: 1] Stream finished. Active streams: 0.0
"""


class AfterwardsTest(LgenCase):
    """report, diff and analyze, which read what runs and pods have left."""

    def setUp(self):
        super().setUp()
        self.write("pod-1.log", LOG)
        self.plan('local h = lgen.histogram("work_seconds", { unit = "s" })',
                  'for i = 1, 2000 do h:record(0.01 * (1 + lgen.random.uniform(0, 0.5))) end lgen.check("seen", true)')
        for name in ("a.json", "b.json"):
            self.check(self.run_words("plan.lua", "--quiet", "--out", name), 0)

    def on_terminal(self, *words):
        """What a terminal gets."""
        shown = []

        def read(master):
            shown.append(os.read(master, 65536))
            return shown[-1]
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(binary("lgen"), ["lgen", *words], clean_environment({"TERM": "xterm"}))
        try:
            while read(master):
                pass
        except OSError:
            pass  # its end, as Linux tells it
        os.close(master)
        os.waitpid(pid, 0)
        return b"".join(shown).decode()

    @needs("no-color", "report", "diff", "analyze")
    def test_colours(self):
        for words in (["report", "a.json"], ["diff", "a.json", "b.json"], ["analyze", "logs", "pod-1.log"]):
            with self.subTest(words):
                self.assertIn("\x1b[", self.on_terminal(*words))
                self.assertNotIn("\x1b[", self.on_terminal(*words, "--no-color"))

    @needs("out", "report", "analyze")
    def test_out(self):
        for words in (["report", "a.json"], ["analyze", "logs", "pod-1.log"]):
            with self.subTest(words):
                self.assertRaises(ValueError, json.loads, self.run_words(*words).out)
                json.loads(self.run_words(*words, "--out", "json=-").out)
                self.assertEqual(self.run_words(*words, "--out", "json=out.json").out, "")
                with open(self.path("out.json"), encoding="utf-8") as file:
                    json.load(file)

    @needs("format", "diff")
    @needs("confidence", "diff")
    def test_diff(self):
        self.assertRaises(ValueError, json.loads, self.run_words("diff", "a.json", "b.json").out)

        def width(*flags):
            rows = json.loads(self.run_words("diff", "a.json", "b.json", "--format", "json", *flags).out)["rows"]
            (row,) = [row for row in rows if (row["metric"], row["stat"]) == ("work_seconds", "p95")]
            return row["high"] - row["low"]
        self.assertLess(width("--confidence", "60%"), width())

    @needs("follow", "analyze")
    def test_follow(self):
        for flag in ("-f", "--follow"):
            with self.subTest(flag):
                path = self.path("pod-2.log")
                self.write("pod-2.log", LOG)
                with Program([binary("lgen"), "analyze", "logs", path, flag], clean_environment()) as running:
                    running.out.wait_for("pod-2")
                    self.assertIsNone(running.process.poll())
                    with open(path, "a", encoding="utf-8") as file:
                        file.write(LOG.replace("Channel: 1", "Channel: 77"))
                    running.out.wait_for(r"\b77\b")
                    self.assertEqual(running.stop(signal.SIGINT), 0)
        self.check(self.run_words("analyze", "logs", "pod-2.log"), 0)  # without it, it ends
