"""`lgen bench`: ghz's words. Every option of its --help is needed by a call here."""

import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import threading
from collections import Counter

import certificates
import grpc
import protos
from google.protobuf.internal.encoder import _VarintBytes
from grpc_peer import Peer, send_back
from http2_ear import Http2Ear
from lgen import REPOSITORY
from lgen_runs import LgenCase, clean_environment
from programs import Program, Server, binary
from raw_servers import Listener
from waiting import PATIENCE_SECONDS, dead_target

SAY_HELLO = "hello.Hello/SayHello"
HELLO = ["--proto", "hello.proto"]
ECHO = ["--proto", "echo.proto"]


def message_bytes(seconds, nanos):
    """A Timestamp or Duration, with its length in front."""
    fields = b"\x08" + seconds + b"\x10" + _VarintBytes(nanos)
    return _VarintBytes(len(fields)) + fields


def ignore_interrupts():
    """As a shell does for what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class BenchCase(LgenCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def bench(self, *words, stdin=""):
        """Runs `lgen bench words...` quietly with a JSON summary."""
        result = self.path("result.json")
        done = subprocess.run([binary("lgen"), "bench", *map(str, words), "--quiet", "--validity", "warn", "--out",
                               f"json={result}"], cwd=self.folder, env=clean_environment(), input=stdin, text=True,
                              capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        summary = None
        if os.path.exists(result):
            with open(result, encoding="utf-8") as file:
                summary = json.load(file)
            os.remove(result)
        return Bench(done, summary)

    def hello(self, *words, **more):
        return self.bench(self.server.target, SAY_HELLO, *HELLO, *words, **more)

    def echo(self, method, *words, **more):
        return self.bench(self.server.target, f"lgen.echo.Echo/{method}", *ECHO, *words, **more)

    def ok(self, ended):
        self.assertEqual(ended.code, 0, ended.err + ended.out)
        return ended

    def refused(self, ended, message):
        self.assertEqual(ended.code, 104, ended.err)
        self.assertEqual(ended.err.splitlines()[-1], "lgen: " + message)


class Bench:
    def __init__(self, done, summary):
        self.code, self.out, self.err, self.summary = done.returncode, done.stdout, done.stderr, summary

    def codes(self, metric="grpc_calls"):
        sums = Counter()  # one code has a series for each backend
        for one in self.summary["metrics"].get(metric, {"series": []})["series"]:
            sums[one["labels"]["code"]] += one["value"]
        return dict(+sums)

    @property
    def streams(self):
        return self.codes("grpc_streams_ended")

    def total(self, metric):
        return self.summary["metrics"][metric]["total"]["value"]

    @property
    def sent(self):
        """Texts of the messages sent, as --trace shows them."""
        return re.findall(r"> message of \d+ bytes \{(.*)\}$", self.err, re.MULTILINE)

    @property
    def metadata(self):
        return re.findall(r"> metadata \{(.*)\}$", self.err, re.MULTILINE)


class LoadTest(BenchCase):
    def test_defaults_are_those_of_ghz(self):
        ended = self.ok(self.hello())
        self.assertEqual(ended.codes(), {"OK": 200})
        self.assertRegex(ended.out, r"200 iterations shared by 50 VUs(?! \()")  # no limit that nobody has set
        self.assertEqual(len(ended.summary["connections"]), 1)

    def test_number_and_concurrency(self):
        for words in (["-n", "30", "-c", "3"], ["--total", "30", "--concurrency=3"]):
            ended = self.ok(self.hello(*words))
            self.assertEqual(ended.codes(), {"OK": 30})
            self.assertIn("shared by 3 VUs", ended.out)

    def test_duration(self):
        for flag in ("-z", "--duration"):
            ended = self.ok(self.hello(flag, "300ms", "-c", "2"))
            self.assertIn("2 VUs for 300ms", ended.out)
            self.assertGreaterEqual(ended.summary["run"]["duration"], 0.3)

    def test_max_duration(self):
        slow = ["-d", '{"delay_seconds": 0.05}', "-n", "1000", "-c", "1"]
        for flag in ("-x", "--max-duration"):
            ended = self.ok(self.echo("Unary", *slow, flag, "200ms"))
            self.assertLess(ended.codes()["OK"], 10)
            self.assertIn("(at most 200ms)", ended.out)

    def test_rate(self):
        for flag in ("-r", "--rps"):
            ended = self.ok(self.hello(flag, "100", "-n", "21"))
            self.assertEqual(ended.codes(), {"OK": 21})
            self.assertGreaterEqual(ended.summary["run"]["duration"], 0.2)  # call 20 is due then

    def test_rate_for_a_time(self):
        ended = self.ok(self.hello("--rps", "100", "-z", "250ms"))
        self.assertEqual(ended.codes(), {"OK": 25})

    def test_late_calls_are_made_all_the_same(self):
        # 20 are due within 10 ms, and one caller needs 20 ms for each.
        ended = self.ok(self.echo("Unary", "-d", '{"delay_seconds": 0.02}', "--rps", "2000", "-n", "20", "-c", "1"))
        self.assertEqual(ended.codes(), {"OK": 20})
        (scenario,) = ended.summary["scenarios"]
        self.assertEqual((scenario["scheduled"], scenario["dropped"], scenario["max_vus"]), (20, 0, 1))
        response, service = (ended.summary["metrics"][f"grpc_call_{what}_seconds"]["total"]
                             for what in ("duration", "service"))
        self.assertGreater(response["max"], 19 * 0.02 - 0.01)  # the last one, from when it was due
        self.assertGreater(response["sum"], 5 * service["sum"])

    def test_a_number_of_calls_is_that_number_at_any_rate(self):
        for rate, number in [("3", "2"), ("7000", "200"), ("300000", "20"), ("0.5e6", "333"), ("33.3", "5")]:
            with self.subTest(rate):
                ended = self.ok(self.hello("--rps", rate, "-n", number))
                self.assertEqual(ended.codes(), {"OK": int(number)})

    def test_connections(self):
        ended = self.ok(self.hello("--connections", "3", "-n", "60", "-c", "6"))
        self.assertEqual(len(ended.summary["connections"]), 3)
        self.assertEqual({one["labels"]["channel"] for one in ended.summary["metrics"]["grpc_calls"]["series"]},
                         {"main[1]", "main[2]", "main[3]"})

    def test_timeout(self):
        late = ["-d", '{"delay_seconds": 30}', "-n", "2"]
        for flag in ("-t", "--timeout"):
            ended = self.echo("Unary", *late, flag, "500ms")
            self.assertEqual((ended.code, ended.codes()), (99, {"DEADLINE_EXCEEDED": 2}))
        ended = self.echo("ServerStream", *late, "-t", "500ms")
        self.assertEqual((ended.code, ended.streams), (99, {"DEADLINE_EXCEEDED": 2}))
        self.assertNotIn("timeout", self.hello("-t", "0", "--print-plan").out)


class DataTest(BenchCase):
    def sent(self, *words, n=3, **more):
        return self.ok(self.hello("-n", n, "-c", "1", f"--trace={n}", *words, **more)).sent

    def test_one_message(self):
        for flag in ("-d", "--data"):
            self.assertEqual(self.sent(flag, '{"name": "x"}'), ['name = "x"'] * 3)
        self.assertEqual(self.sent("-d", "@", stdin='{"name": "y"}'), ['name = "y"'] * 3)
        self.assertEqual(self.sent(), ['name = ""'] * 3)

    def test_messages_in_turn(self):
        self.assertEqual(self.sent("-d", '[{"name": "a"}, {"name": "b"}]'), ['name = "a"', 'name = "b"', 'name = "a"'])

    def test_a_file(self):
        self.write("data.json", '[{"name": "a"}, {"name": "b"}]')
        for flag in ("-D", "--data-file"):
            self.assertEqual(self.sent(flag, "data.json", n=2), ['name = "a"', 'name = "b"'])

    def test_many_messages(self):
        self.write("two.json", json.dumps([{"name": f"n{i}"} for i in range(150)]))
        by_reflection = self.bench(self.server.target, SAY_HELLO, "-D", "two.json", "-n", "150", "-c", "1", "--trace=150")
        self.assertEqual(self.ok(by_reflection).sent, [f'name = "n{i}"' for i in range(150)])
        self.write("data.json", json.dumps([{"name": f"n{i}"} for i in range(2500)]))
        self.assertEqual(self.sent("-D", "data.json", n=2500), [f'name = "n{i}"' for i in range(2500)])

    def test_template_values(self):
        self.assertEqual(self.sent("-d", '{"name": "x{{.RequestNumber}}-{{.WorkerID}}"}'),
                         ['name = "x0-1"', 'name = "x1-1"', 'name = "x2-1"'])
        self.assertEqual(self.sent("-d", '[{"name": "{{.RequestNumber}}"}, {"name": "b"}]'),
                         ['name = "0"', 'name = "b"', 'name = "2"'])
        rows = [
            ("{{newUUID}}", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
            ("{{.UUID}}", r"[0-9a-f]{8}-.*"),
            ("{{ randomString 8 16 }}", r"[0-9a-zA-Z]{8,15}"),
            ("{{randomInt 1 3}}", r"[12]"),
            ("{{.Timestamp}}", r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
            ("{{.TimestampUnix}}", r"\d{10}"),
            ("{{.TimestampUnixMilli}}", r"\d{13}"),
            ("{{.TimestampUnixNano}}", r"\d{19}"),
            ("{{.MethodName}} {{.ServiceName}} {{.InputName}} {{.OutputName}}", "SayHello Hello Greeting Introduction"),
            ("{{.FullyQualifiedName}}", r"hello\.Hello\.SayHello"),
            ("{{.IsClientStreaming}} {{.IsServerStreaming}}", "false false"),
        ]
        for value, pattern in rows:
            with self.subTest(value):
                for text in self.sent("-d", json.dumps({"name": value})):
                    self.assertRegex(text, f'^name = "{pattern}"$')

    def test_template_values_in_numbers(self):
        data = '{"replySize": {{randomInt 5 6}}, "statusMessage": "{{.RequestNumber}}", "replies": "{{.RequestNumber}}"}'
        ended = self.ok(self.echo("Unary", "-d", data, "-n", "2", "-c", "1", "--trace=2"))
        for number, text in enumerate(ended.sent):
            for part in ("reply_size = 5", f'status_message = "{number}"', f"replies = {number}"):
                self.assertIn(part, text)

    KINDS = """syntax = "proto3"; package kinds;
        import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
        import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
        message Inner { int32 i32 = 1; }
        message All { int32 i32 = 1; int64 i64 = 2; uint64 u64 = 3; double d = 4; bool b = 5; bytes raw = 6;
          google.protobuf.Timestamp at = 7; google.protobuf.Duration took = 8; google.protobuf.Int64Value wrapped = 9;
          Inner inner = 10; map<int32, string> by_number = 11; google.protobuf.Value any_value = 12;
          repeated uint64 list = 13; }
        service S { rpc Do(All) returns (All); }"""

    def kinds(self, target, data, *words):
        self.write("kinds.proto", self.KINDS)
        return self.bench(target, "kinds.S/Do", "--proto", "kinds.proto", "-n", "2", "-c", "1", "-d", data, *words)

    def test_a_template_value_that_cannot_fit_its_field_is_refused(self):
        rows = [
            ('{"i32": "{{newUUID}}"}', 'i32: int32 expected, got "{{newUUID}}"'),
            ('{"i32": "a{{.RequestNumber}}"}', 'i32: int32 expected, got "a{{.RequestNumber}}"'),
            ('{"i32": {{randomInt 3000000000 3000000001}}}',
             "i32: int32 expected, got {{randomInt 3000000000 3000000001}}"),
            ('{"u64": "1844674407370955161{{randomInt 6 9}}"}',
             'u64: uint64 expected, got "1844674407370955161{{randomInt 6 9}}"'),
            ('{"d": "x{{.WorkerID}}"}', 'd: double expected, got "x{{.WorkerID}}"'),
            ('{"wrapped": "{{.UUID}}"}', 'wrapped: int64 expected, got "{{.UUID}}"'),
            ('{"inner": {"i32": "{{.UUID}}"}}', 'inner.i32: int32 expected, got "{{.UUID}}"'),
            ('{"byNumber": {"a{{.RequestNumber}}": "x"}}',
             'byNumber["a{{.RequestNumber}}"]: int32 expected, got "a{{.RequestNumber}}"'),
            ('{"list": [1, "{{.UUID}}"]}', 'list[1]: uint64 expected, got "{{.UUID}}"'),
            ('{"b": "{{.RequestNumber}}"}', 'b: true or false expected, got "{{.RequestNumber}}"'),
            ('{"raw": "{{.RequestNumber}}"}', 'raw: bytes (in base64) expected, got "{{.RequestNumber}}"'),
            ('{"at": "x{{.RequestNumber}}"}', 'at: google.protobuf.Timestamp (a text such as "2024-05-01T12:00:00Z") '
             'expected, got "x{{.RequestNumber}}"'),
            ('{"inner": {{newUUID}}}', "inner: kinds.Inner (an object) expected, got {{newUUID}}"),
            ('{"i32": 5000000000}', "i32: 5000000000 is out of the range of int32"),
            ('{"u64": -1}', "u64: -1 is out of the range of uint64"),
        ]
        for data, message in rows:
            with self.subTest(data):
                self.refused(self.kinds("127.0.0.1:1", data), "bench: --data: " + message)

    def peer_of_kinds(self):
        """A server whose messages are bytes, and the list of those it gets."""
        requests = []
        method = grpc.unary_unary_rpc_method_handler(lambda request, _: requests.append(request) or request)
        return self.enterContext(Peer(handlers=[grpc.method_handlers_generic_handler("kinds.S", {"Do": method})])), requests

    def test_a_text_that_does_not_fit_at_a_call_is_never_sent(self):
        peer, requests = self.peer_of_kinds()
        for field, message in (("i32", "is no int32"), ("b", "is no bool"), ("d", "is no double")):
            ended = self.kinds(peer.target, json.dumps({field: "x{{randomString 3 5}}"}))
            self.assertEqual(ended.code, 99, ended.err)
            self.assertRegex(ended.err + ended.out, rf"--data: {field}: 'x\w+' {message}")
        self.assertEqual(requests, [])

    def test_template_values_in_fields_of_every_kind(self):
        peer, requests = self.peer_of_kinds()
        rows = [  # data and the bytes that the codec of the protobuf library makes of what is filled in
            ('{"u64": "1844674407370955161{{randomInt 5 6}}"}', b"\x18" + _VarintBytes(2**64 - 1)),
            ('{"i64": "-922337203685477580{{randomInt 8 9}}"}', b"\x10" + _VarintBytes(2**63)),
            ('{"i64": {{randomInt 7 8}}}', b"\x10\x07"),
            ('{"i32": 1{{randomInt 2 3}}{{randomInt 3 4}}4}', b"\x08" + _VarintBytes(1234)),
            ('{"d": {{randomInt 1 2}}.5}', b"\x21" + struct.pack("<d", 1.5)),
            ('{"b": {{.IsClientStreaming}}}', b""),
            ('{"raw": "YW{{randomInt 5 6}}j"}', b"\x32\x03anc"),
            ('{"at": "2026-01-01T00:00:0{{randomInt 1 2}}.123456789Z"}',
             b"\x3a" + message_bytes(_VarintBytes(1767225601), 123456789)),
            ('{"at": "2026-01-01T00:00:01.123456789Z"}', b"\x3a" + message_bytes(_VarintBytes(1767225601), 123456789)),
            ('{"took": "{{randomInt 3 4}}.000000001s"}', b"\x42" + message_bytes(b"\x03", 1)),
            ('{"took": "100000000.123456789s"}', b"\x42" + message_bytes(_VarintBytes(100000000), 123456789)),
            ('{"anyValue": {{randomInt 2 3}}}', b"\x62\x09\x11" + struct.pack("<d", 2)),
            ('{"anyValue": "{{randomInt 2 3}}"}', b"\x62\x03\x1a\x012"),
        ]
        for data, sent in rows:
            with self.subTest(data):
                requests.clear()
                self.ok(self.kinds(peer.target, data))
                self.assertEqual(requests, [sent] * 2)

    def test_a_required_field_that_is_missing_is_named(self):
        self.write("old.proto", 'syntax = "proto2"; package old; message In { required int32 id = 1; } '
                   "service S { rpc Do(In) returns (In); }")
        self.refused(self.bench("127.0.0.1:1", "old.S/Do", "--proto", "old.proto"),
                     "bench: --data: id: old.In needs this field")

    def test_trace_shows_every_digit(self):
        peer, _ = self.peer_of_kinds()
        ended = self.kinds(peer.target, '{"d": 0.1234567890123456, "i64": "9007199254740991", "u64": "18446744073709551615"}',
                           "--trace")
        for part in ("d = 0.1234567890123456", "i64 = 9007199254740991,", "u64 = 18446744073709551615"):
            self.assertIn(part, self.ok(ended).err)

    def test_metadata(self):
        self.write("metadata.json", '{"x-id": "n{{.RequestNumber}}", "x-fix": "y"}')
        for words in (["-m", '{"x-id": "n{{.RequestNumber}}", "x-fix": "y"}'], ["--metadata-file", "metadata.json"],
                      ["-M", "metadata.json"]):
            ended = self.ok(self.hello(*words, "-n", "2", "-c", "1", "--trace=2"))
            for number, text in enumerate(ended.metadata):
                self.assertIn(f'["x-id"] = "n{number}"', text)
                self.assertIn('["x-fix"] = "y"', text)
        ended = self.ok(self.hello("--metadata", '{"k": "v"}', "-n", "1", "--trace"))
        self.assertEqual(ended.metadata, ['k = "v"'])

    def test_binary_metadata_is_given_in_base64(self):
        with Peer() as peer:
            words = [peer.target, "lgen.echo.Echo/Unary", *ECHO, "-n", "1", "-c", "1"]
            for text in ("AAH/", "AAH_"):
                self.ok(self.bench(*words, "-m", json.dumps({"T-Bin": text, "x-a": "b"})))
                self.assertEqual((peer.seen[-1]["t-bin"], peer.seen[-1]["x-a"]), (b"\x00\x01\xff", "b"))
            self.ok(self.bench(*words, "-m", '{"t-bin": "{{randomInt 1000 1001}}"}'))
            self.assertEqual(peer.seen[-1]["t-bin"], b"\xd7\x4d\x34")
        rows = [
            ('{"t-bin": "a"}', "t-bin: the value of a -bin header must be base64"),
            ('{"a b": "x"}', "metadata key \"a b\" cannot be sent: a-z 0-9 - _ . only, not beginning with 'grpc-'"),
            ('{"a": "\u00e9"}', "a: a value may hold printable ASCII only; name the header ...-bin and give it in base64"),
            ('{"grpc-a": "x"}', "metadata key \"grpc-a\" cannot be sent: a-z 0-9 - _ . only, not beginning with 'grpc-'"),
        ]
        for metadata, message in rows:
            self.refused(self.hello("-m", metadata), f"bench: --metadata: {message}")

    def binary(self, data, *words, method="Unary"):
        done = subprocess.run([binary("lgen"), "bench", self.server.target, f"lgen.echo.Echo/{method}", *ECHO, "-c", "1",
                               "--quiet", "--validity", "warn", "--out", f"json={self.path('b.json')}", *words],
                              cwd=self.folder, env=clean_environment(), input=data, capture_output=True,
                              timeout=PATIENCE_SECONDS, check=False)
        summary = None
        if os.path.exists(self.path("b.json")):
            with open(self.path("b.json"), encoding="utf-8") as file:
                summary = json.load(file)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return Bench(done, summary)

    def test_messages_in_wire_format(self):
        texts = [b"a", b"{{newUUID}}", b"ccc" * 100]
        messages = [protos.messages("echo").EchoRequest(payload=text).SerializeToString() for text in texts]
        lengths = [_VarintBytes(len(message)) for message in messages]
        prefixed = b"".join(length + message for length, message in zip(lengths, messages))
        answered = []
        with Peer(lambda request, _: answered.append(request.payload) or send_back(request, _)) as peer:
            words = ["--target", peer.target]
            for method, flags in (("Unary", ["-n", "4"]), ("BidiStream", ["-n", "2"])):
                command = ["bench", f"lgen.echo.Echo/{method}", *ECHO, *words, "-c", "1", "--quiet", *flags]
                with open(self.path("data.bin"), "wb") as file:
                    file.write(prefixed)
                for flag in ("-B", "--binary-file"):
                    answered.clear()
                    self.check(self.run_words(*command, "--validity", "warn", flag, "data.bin"), 0)
                    expected = [*texts, texts[0]] if method == "Unary" else texts * 2
                    self.assertEqual(answered, expected)
        for flag in ("-b", "--binary"):
            ended = self.ok(self.binary(messages[0], flag, "-n", "3"))
            self.assertEqual(ended.codes(), {"OK": 3})
            self.assertEqual(ended.summary["metrics"]["grpc_calls"]["series"][0]["labels"]["method"],
                             "lgen.echo.Echo/Unary")
        self.assertEqual(self.ok(self.binary(prefixed, "-b", "-n", "2", method="ClientStream")).total("grpc_messages_sent"), 6)
        self.assertEqual(self.ok(self.binary(messages[0], "-b", "-n", "2", method="ServerStream")).streams, {"OK": 2})
        self.refused(self.binary(b"\x0a\x08abc", "-b"),
                     "bench: --binary: the bytes are no lgen.echo.EchoRequest, nor several of them with their lengths in "
                     "front: 5 bytes that are no lgen.echo.EchoRequest")
        self.refused(self.binary(b"", "-b"), "bench: --binary: there are no bytes")
        self.refused(self.binary(b"", "-B", "nope"),
                     "bench: --binary-file: cannot read nope: No such file or directory")
        self.refused(self.binary(b"", "-B", "x", "-d", "{}"), "bench: --binary-file: contradicts --data; give one of them")

    def test_every_kind_of_field(self):
        self.write("kinds.proto", """syntax = "proto3"; package kinds;
            enum Color { RED = 0; GREEN = 1; }
            message Inner { int64 big = 1; map<int32, string> names = 2; }
            message All { double d = 1; bool b = 2; bytes raw = 3; Color color = 4; repeated Inner inner_list = 5;
              uint64 huge = 6; optional string end = 7; map<string, Inner> by_name = 8; repeated float f = 9; }
            service S { rpc Do(All) returns (All); }""")
        data = {"d": 1.5, "b": True, "raw": "AAH_", "color": "GREEN", "innerList": [{"big": "9007199254740993"}, {}],
                "huge": "18446744073709551615", "end": 'a"\\\n', "by_name": {"x y": {"names": {"5": "five"}}},
                "f": ["NaN", "-Infinity", 2]}
        words = ["127.0.0.1:1", "kinds.S/Do", "--proto", "kinds.proto", "-d", json.dumps(data), "--print-plan"]
        plan = self.ok(self.bench(*words)).out
        for part in ("9007199254740993LL", "18446744073709551615ULL", '["end"] = "a\\"\\\\\\n"', '"\\000\\001\\255"',
                     "f = { 0 / 0, -math.huge, 2 }", '["x y"] = { names = { [5] = "five" } }', 'color = "GREEN"'):
            self.assertIn(part, plan)
        self.write("plan.lua", plan)
        self.check(self.run_words("check", "plan.lua"), 0)  # the codec takes it

    def test_well_known_types(self):
        self.write("known.proto", 'syntax = "proto3"; package k; import "codec/everything.proto"; '
                   "service S { rpc Do(everything.WellKnown) returns (everything.WellKnown); }")
        data = {"at": "2024-05-01T14:00:00.5+02:00", "took": "1.5s", "mask": "userName,a.b", "aString": "x{{randomInt 1 2}}",
                "anInt64": "9007199254740993", "aBytes": "AA==", "settings": {"a b": [1, None, {}], "t": True},
                "value": None, "list": [], "any": {"@type": "x/everything.Scalars", "aBool": True},
                "anys": [{"@type": "x/google.protobuf.Duration", "value": "2s"}], "moment": "{{.TimestampUnix}}"}
        words = ["127.0.0.1:1", "k.S/Do", "--proto", "known.proto", "-i", f"{REPOSITORY}/tests/data", "--print-plan"]
        plan = self.ok(self.bench(*words, "-d", json.dumps(data))).out
        for part in ("at = 1714564800.5", "took = 1.5", 'mask = { "user_name", "a.b" }', "value = lgen.null",
                     'a_string = "x" .. lgen.random.int(1, 1)', "an_int64 = 9007199254740993LL", 'a_bytes = "\\000"',
                     '["a b"] = lgen.array { 1, lgen.null, {} }', "list = {}", "moment = os.time()",
                     'any = { ["@type"] = "x/everything.Scalars", a_bool = true }',
                     '{ ["@type"] = "x/google.protobuf.Duration", value = 2 }'):
            self.assertIn(part, plan)
        self.write("plan.lua", plan)
        self.check(self.run_words("check", "plan.lua"), 0)
        for member, message in [("at", 'at: google.protobuf.Timestamp (a text such as "2024-05-01T12:00:00Z")'),
                                ("took", 'took: google.protobuf.Duration (a text such as "1.5s")'),
                                ("any", 'any: google.protobuf.Any (an object with "@type")')]:
            self.refused(self.bench(*words, "-d", json.dumps({member: "x"})),
                         f'bench: --data: {message} expected, got "x"')

    def test_what_lgen_refuses(self):
        rows = [
            (["-d", "{"], "bench: --data: no JSON: line 1, column 2: expected a name in double quotes, or '}', found the end"),
            (["-d", '{"nmae": "x"}'], "bench: --data: nmae: hello.Greeting has no such field (did you mean 'name'?)"),
            (["-d", '{"name": 5}'], "bench: --data: name: string expected, got 5"),
            (["-d", '[{"name": "x"}, 7]'], "bench: --data: [1]: hello.Greeting (an object) expected, got 7"),
            (["-d", "[]"], "bench: --data: the array is empty; one message at least is needed"),
            (["-d", '{"name": "{{.RequestNumbr}}"}'],
             "bench: --data: {{.RequestNumbr}}: unknown template value (did you mean '.RequestNumber'?)"),
            (["-d", '{"name": "{{randomInt 5}}"}'],
             "bench: --data: {{randomInt 5}}: two whole numbers are expected, the first below the second, as in "
             "{{randomInt 2 16}}"),
            (["-d", '{"name": "{{newUUID"}'], "bench: --data: '{{newUUID\"}': the end }} is missing"),
            (["-d", "{}", "-D", "x"], "bench: --data-file: contradicts --data; give one of them"),
            (["-D", "nope.json"], "bench: --data-file: cannot read nope.json: No such file or directory"),
            (["-m", "[]"], "bench: --metadata: an object is expected, got []"),
            (["-m", '{"a": 1}'], "bench: --metadata: a: string expected, got 1"),
            (["-n", "0"], "bench: --total: '0' is no number of at least 1"),
            (["-c", "x"], "bench: --concurrency: 'x' is no number of at least 1"),
            (["-z", "0"], "bench: --duration: must be longer than 0"),
            (["-z", "1s", "-n", "5"],
             "bench: --total: contradicts --duration; --max-duration limits the time of a number of calls"),
            (["-z", "1s", "-x", "1s"], "bench: --max-duration: contradicts --duration; give one of them"),
            (["--rps", "0"], "bench: --rps: '0' is no number above 0"),
            (["--stream-interval", "1s"],
             "bench: --stream-interval: hello.Hello/SayHello is a unary method; there is no stream"),
            (["--threshold", "p(99) < 1"],
             "bench: --threshold: 'p(99) < 1' is not of the form 'METRIC: CONDITION', as in "
             "'grpc_call_duration_seconds: p(99) < 0.25'"),
            (["-O", "html"], "bench: --format: there is no 'html'; there are summary, json and pretty"),
            (["--lb-strategy", "x"], "bench: --lb-strategy: 'x' is neither pick_first nor round_robin"),
            (["-O", "summary", "-o", "x"], "bench: --output: a file takes JSON; leave out --format summary"),
            (["--tags", "[1]"],
             "bench: --tags: a JSON object of strings is expected, as in '{\"env\": \"staging\"}'"),
            (["--totl", "5"], "bench: unknown option --totl (did you mean '--total'?)"),
            (["--cacert", "x", "--ca", "y"], "bench: --cacert: is the same as --ca; give one of them"),
            (["extra"], "bench: a target and a method are expected, nothing more: lgen bench HOST:PORT pkg.Svc/Method"),
        ]
        for words, message in rows:
            with self.subTest(words):
                ended = self.hello(*words)
                self.assertEqual(ended.code, 104, ended.err)
                self.assertIn("lgen: " + message, ended.err)
        how = ("bench: which method? `lgen list {0}` names the services, `lgen list {0} SERVICE` the methods of one; "
               "then: lgen bench {1} pkg.Svc/Method")
        self.refused(self.bench(), how.format("HOST:PORT", "HOST:PORT"))
        self.refused(self.bench("h:1"), how.format("h:1", "h:1"))
        self.refused(self.bench("--target", "h:1"), how.format("h:1", "h:1"))
        self.refused(self.bench("h:1", "--proto", "x.proto"), how.format("-proto x.proto", "h:1"))
        self.refused(self.bench(SAY_HELLO, *HELLO), "bench: which server? lgen bench HOST:PORT hello.Hello/SayHello")
        self.refused(self.bench("h", SAY_HELLO, *HELLO), "bench: 'h' is no address; write HOST:PORT")
        self.refused(self.bench("h:1", "hello.Hello/SayHelo", *HELLO),
                     "bench: service hello.Hello has no method 'SayHelo' (it has: SayHello)")


    def test_what_ghz_has_and_lgen_has_not(self):
        rows = [("--async", "--concurrency"), ("--load-schedule=step", "ramping_rate"), ("--load-start=5", "--print-plan"),
                ("--concurrency-schedule=line", "ramping_vus"), ("--duration-stop=wait", "--stop-timeout"),
                ("--stream-dynamic-messages", "every message"), ("--disable-template-data", "u007b"),
                ("--reflect-metadata={}", "--metadata"), ("--skipFirst=5", "--total"), ("--count-errors", "all calls"),
                ("--cpus=2", "one core"), ("--debug=x", "--trace")]
        for flag, pointer in rows:
            with self.subTest(flag):
                ended = self.hello(flag)
                self.assertEqual(ended.code, 104)
                self.assertIn(f"lgen: bench: there is no {flag.split('=')[0]}; ", ended.err)
                self.assertIn(pointer, ended.err)


class StreamTest(BenchCase):
    MESSAGES = ["-d", '[{"payload": "YQ=="}, {"payload": "Yg=="}, {"payload": "Yw=="}]', "-n", "4", "-c", "2"]

    def test_the_array_is_one_stream(self):
        for method in ("ClientStream", "BidiStream"):
            with self.subTest(method):
                ended = self.ok(self.echo(method, *self.MESSAGES))
                self.assertEqual(ended.streams, {"OK": 4})
                self.assertEqual(ended.total("grpc_messages_sent"), 12)

    def test_a_server_stream_takes_them_in_turn(self):
        ended = self.ok(self.echo("ServerStream", "-d", '[{"replies": 2}, {"replies": 5}]', "-n", "4"))
        self.assertEqual(ended.streams, {"OK": 4})
        self.assertEqual(ended.total("grpc_messages_received"), 14)

    def test_count(self):
        for method in ("ClientStream", "BidiStream"):
            ended = self.ok(self.echo(method, *self.MESSAGES, "--stream-call-count", "5"))
            self.assertEqual(ended.total("grpc_messages_sent"), 20)
        ended = self.ok(self.echo("ServerStream", "-d", '{"replies": 1000, "delay_seconds": 0.01}', "-n", "2",
                                  "--stream-call-count", "3"))
        self.assertEqual(ended.streams, {"CANCELLED": 2})
        self.assertLess(ended.total("grpc_messages_received"), 100)

    def test_interval(self):
        ended = self.ok(self.echo("ClientStream", *self.MESSAGES, "-c", "4", "--stream-interval", "100ms"))
        self.assertGreaterEqual(ended.summary["run"]["duration"], 0.2)
        self.assertEqual(ended.total("grpc_messages_sent"), 12)

    def test_duration(self):
        ended = self.ok(self.echo("BidiStream", "-d", "{}", "-n", "2", "--stream-call-count", "100000",
                                  "--stream-interval", "10ms", "--stream-call-duration", "100ms"))
        self.assertEqual(ended.streams, {"OK": 2})
        self.assertLess(ended.total("grpc_messages_sent"), 30)
        ended = self.ok(self.echo("ServerStream", "-d", '{"replies": 1000000, "delay_seconds": 0.01}', "-n", "2",
                                  "--stream-call-duration", "100ms"))
        self.assertEqual(ended.streams, {"CANCELLED": 2})

    def test_template_values(self):
        ended = self.ok(self.echo("ClientStream", "-d", '{"status_message": "{{randomInt 7 8}}"}', "-n", "1",
                                  "--stream-call-count", "2", "--trace"))
        self.assertEqual(len(ended.sent), 2)
        for text in ended.sent:
            self.assertIn('status_message = "7"', text)


class SchemaTest(BenchCase):
    def test_import_paths(self):
        os.makedirs(self.path("one"))
        os.makedirs(self.path("two"))
        self.write("one/greeting.proto", 'syntax = "proto3"; package hello; message Greeting { string name = 1; }')
        self.write("two/introduction.proto",
                   'syntax = "proto3"; package hello; message Introduction { string name = 1; }')
        self.write("mine.proto", 'syntax = "proto3"; package hello; import "greeting.proto"; '
                   'import "introduction.proto"; service Hello { rpc SayHello(Greeting) returns (Introduction); }')
        words = [self.server.target, SAY_HELLO, "--proto", "mine.proto", "-n", "5"]
        self.assertIn("greeting.proto", self.bench(*words).err)
        self.assertEqual(self.ok(self.bench(*words, "-i", "one,two")).codes(), {"OK": 5})
        self.assertEqual(self.ok(self.bench(*words, "-i", "one", "--import-paths", "two")).codes(), {"OK": 5})

    def test_without_files_the_server_is_asked(self):
        words = [self.server.target, "lgen.echo.Echo/Unary", "-n", "5", "-c", "1", "--trace=5"]
        ended = self.ok(self.bench(*words, "-d", '[{"payload": "YQ=="}, {"status_message": "b"}]', "-m", '{"k": "v"}'))
        self.assertEqual(ended.codes(), {"OK": 5})
        self.assertIn('payload = "a"', ended.sent[0])
        self.assertIn('status_message = "b"', ended.sent[1])
        ended = self.ok(self.bench(*words, "-d", '{"status_message": "{{.RequestNumber}}"}'))
        self.assertIn('status_message = "4"', ended.sent[4])
        ended = self.bench(self.enterContext(dead_target()), "a.B/C", "--wait-ready", "1s")
        self.assertEqual(ended.code, 99)
        self.assertIn("nothing listens there", ended.err)

    def test_a_descriptor_set(self):
        self.check(self.run_words("describe", self.server.target, "hello.Hello", "-protoset-out", "types.pb"), 0)
        words = [self.server.target, SAY_HELLO, "--protoset", "types.pb", "-n", "5"]
        self.assertEqual(self.ok(self.bench(*words)).codes(), {"OK": 5})
        self.refused(self.bench(*words, *HELLO), "bench: --proto and --protoset: give one of them")
        self.refused(self.bench(*words, "-i", "x"), "bench: --import-paths: belongs to --proto, which is not given")

    def test_no_types_at_all(self):
        self.refused(self.bench(SAY_HELLO, "--print-plan"), "bench: where are the types? Give --proto FILE, --protoset "
                     "FILE, or a target to ask by reflection")
        self.refused(self.bench(self.server.target, "a.B/C", "--proto", "nope.proto"),
                     "bench: nope.proto: no such file (searched .); give its folder by --import-paths")
        with Peer() as peer:
            self.refused(self.bench(peer.target, "a.B/C"),
                         f"bench: {peer.target} has no server reflection (neither v1 nor v1alpha); give its schema "
                         "instead: --proto FILE or --protoset FILE")

    def mute_peer(self, released, asked=None):
        """Takes the question for its types, sets `asked` and answers nothing until `released` is set."""
        def wait(_, context):
            context.add_callback(released.set)
            if asked:
                asked.set()
            released.wait(PATIENCE_SECONDS)
            return iter(())
        handler = grpc.stream_stream_rpc_method_handler(wait)
        return Peer(handlers=[grpc.method_handlers_generic_handler(f"grpc.reflection.{version}.ServerReflection",
                                                                   {"ServerReflectionInfo": handler})
                              for version in ("v1", "v1alpha")])

    def test_it_can_be_stopped_while_it_asks_for_the_types(self):
        rows = [(words, number, ignored) for words in (["bench"], ["new", "p.lua"]) for number, ignored in
                ((signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGINT, True))]
        for words, number, ignored in rows:
            with self.subTest(words=words, number=number, ignored=ignored):
                released, asked = threading.Event(), threading.Event()
                self.addCleanup(released.set)
                with self.mute_peer(released, asked) as mute, \
                     subprocess.Popen([binary("lgen"), *words, mute.target, "a.B/C"], cwd=self.folder, text=True,
                                      env=clean_environment(), stderr=subprocess.PIPE,
                                      preexec_fn=ignore_interrupts if ignored else None) as run:
                    self.addCleanup(run.kill)
                    self.assertTrue(asked.wait(PATIENCE_SECONDS))
                    run.send_signal(number)
                    self.assertEqual(run.wait(PATIENCE_SECONDS), 105)
                    word = "interrupted" if number == signal.SIGINT else "terminated"
                    self.assertEqual(run.stderr.read(), f"lgen: {words[0]}: {word}\n")

    def test_a_server_that_never_answers(self):
        with Listener() as silent:
            for words in (["bench", silent.target, "a.B/C"], ["new", "p.lua", silent.target, "a.B/C"]):
                ended = self.run_words(*words, "--wait-ready", "300ms")
                self.check(ended, 99, f"lgen: {words[0]}: {silent.target} ", ". --wait-ready 300ms says how long to wait")
        released = threading.Event()
        self.addCleanup(released.set)
        with self.mute_peer(released) as mute:
            ended = self.bench(mute.target, "a.B/C", "--wait-ready", "1s")
            self.assertEqual((ended.code, ended.err),
                             (99, f"lgen: bench: reflection of {mute.target}: not over within 1s; give its schema "
                              "instead: --proto FILE or --protoset FILE\n"))

    def test_the_command_line_of_ghz(self):
        ended = self.bench("--insecure", *HELLO, "--call", "hello.Hello.SayHello", "-d", '{"name": "Joe"}', "-n", "5",
                           self.server.target)
        self.assertEqual(self.ok(ended).codes(), {"OK": 5})

    def test_a_target_of_the_engine(self):
        self.assertEqual(self.ok(self.bench(SAY_HELLO, *HELLO, "-n", "5", "--target", self.server.target)).codes(),
                         {"OK": 5})


class ConnectionTest(BenchCase):
    def hears(self, heard, *words):
        """Runs a call against a server that only listens, until it has heard that."""
        with tempfile.TemporaryDirectory() as folder:
            ear = Http2Ear(certificates.self_signed(folder))
            command = [binary("lgen"), "bench", ear.target, SAY_HELLO, *HELLO, "--skipTLS", "-n", "1", *words]
            with Program(command, clean_environment()) as run:
                ear.wait_for(heard)
                run.send_signal(signal.SIGKILL)

    def test_compression(self):
        for flag in ("-e", "--enable-compression"):
            self.hears(b"grpc-encoding\x04gzip", flag)

    def test_sizes(self):
        ended = self.echo("Unary", "-d", '{"reply_size": 5000}', "-n", "1", "--max-recv-message-size", "1KiB")
        self.assertEqual(ended.codes(), {"RESOURCE_EXHAUSTED": 1})
        self.assertIn("--max-recv-message-size", " ".join(ended.out.split()))
        ended = self.echo("Unary", "-d", json.dumps({"status_message": "a" * 5000}), "-n", "1",
                          "--max-send-message-size", "1000")
        self.assertEqual(ended.codes(), {"RESOURCE_EXHAUSTED": 1})
        ended = self.bench(self.server.target, "lgen.echo.Echo/Unary", "--max-recv-message-size", "10")
        self.assertEqual(ended.code, 104, ended.err)
        self.assertIn("lgen: bench: reflection of ", ended.err)
        self.assertIn("raise --max-recv-message-size, or give --proto FILE or --protoset FILE", ended.err)

    def test_connect_timeout(self):
        target = self.enterContext(dead_target())
        for flag in ("-T", "--connect-timeout"):
            ended = self.bench(target, SAY_HELLO, *HELLO, flag, "150ms")
            self.assertEqual(ended.code, 99)
            self.assertIn("--connect-timeout 150ms says how long to wait", ended.err)
            ended = self.bench(target, SAY_HELLO, flag, "150ms")  # which is asked for its types
            self.assertEqual(ended.code, 99)
            self.assertIn("--connect-timeout 150ms says how long to wait", ended.err)

    def test_a_name_that_does_not_resolve(self):
        for types in ([], HELLO):
            ended = self.bench("no.such.host.invalid:5", SAY_HELLO, *types, "-T", "5s")
            self.assertEqual(ended.code, 99, ended.err)
            self.assertIn("no.such.host.invalid:5 does not resolve", ended.err)
        self.check(self.run_words("new", "p.lua", "no.such.host.invalid:5", SAY_HELLO, "--wait-ready", "5s"), 99,
                   "no.such.host.invalid:5 does not resolve")

    def test_addresses_in_turn(self):
        with Peer() as one, Peer() as other:
            target = f"ipv4:{one.target},{other.target}"
            for strategy, used in (("pick_first", 1), ("round_robin", 2)):
                one.seen.clear()
                other.seen.clear()
                self.ok(self.bench(target, "lgen.echo.Echo/Unary", *ECHO, "-n", "25", "-r", "50",
                                   "--lb-strategy", strategy))
                self.assertEqual(bool(one.seen) + bool(other.seen), used)

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            made = certificates.self_signed(folder, san="DNS:api.example.com")
            with Server("--tls-cert", made.cert, "--tls-key", made.key) as server:
                words = [server.target, SAY_HELLO, *HELLO, "-n", "3", "--connect-timeout", "5s"]
                self.assertEqual(self.bench(*words).code, 99)
                self.assertEqual(self.bench(*words, "--cacert", made.cert).code, 99)
                self.ok(self.bench(*words, "--cacert", made.cert, "--cname", "api.example.com"))
                self.ok(self.bench(*words, "--skipTLS"))
        self.refused(self.hello("--insecure", "--cacert", "x"), "--cacert: means TLS, but --plaintext is given")

    def test_keepalive(self):
        for flag in ("-L", "--keepalive"):
            self.hears(b"\x00\x00\x08\x06\x00", flag, "50ms")  # the head of a PING frame


class ResultTest(BenchCase):
    def test_thresholds(self):
        passed = self.hello("--threshold", "grpc_call_duration_seconds: p(99) < 60", "--threshold", "grpc_calls:count>=200")
        self.assertEqual(len(self.ok(passed).summary["thresholds"]), 2)
        failed = self.hello("--threshold", "grpc_calls: count < 5")
        self.assertEqual(failed.code, 99)
        self.assertIn("threshold 'grpc_calls count < 5' failed", failed.err)
        self.refused(self.hello("--threshold", "grpc_cals: count < 5"),
                     "bench: --threshold: no metric 'grpc_cals' (did you mean 'grpc_calls'?)")
        self.refused(self.hello("--threshold", "grpc_call_duration_seconds: p(99) < x"),
                     "bench: --threshold on grpc_call_duration_seconds \"p(99) < x\", column 9: expected a number after "
                     "'<', got 'x'")

    def test_name_and_tags(self):
        ended = self.ok(self.hello("--name", "nightly", "--tags", '{"env": "staging"}', "--tag", "zone=a", "-n", "3"))
        self.assertEqual(ended.summary["run"]["name"], "nightly")
        labels = ended.summary["metrics"]["grpc_calls"]["series"][0]["labels"]
        self.assertEqual((labels["env"], labels["zone"]), ("staging", "a"))

    def test_json_to_a_file_or_standard_output(self):
        words = ["bench", self.server.target, SAY_HELLO, *HELLO, "-n", "3", "--quiet", "--validity", "warn"]
        for format_flag in (["-O", "json"], ["--format", "json"], ["-O", "pretty"]):
            self.assertEqual(json.loads(self.run_words(*words, *format_flag).out)["run"]["name"], SAY_HELLO)
        for flags in (["-o", "x.json"], ["--output", "x.json", "-O", "json"]):
            self.check(self.run_words(*words, *flags), 0)
            with open(self.path("x.json"), encoding="utf-8") as file:
                self.assertEqual(json.load(file)["scenarios"][0]["started"], 3)
            os.remove(self.path("x.json"))
        self.assertIn("SCENARIOS", self.run_words(*words, "-O", "summary").out)

    def test_the_printed_plan_is_the_one_that_runs(self):
        rows = [
            (SAY_HELLO, [*HELLO, "-d", '{"name": "x{{.RequestNumber}}"}', "-m", '{"a": "{{newUUID}}"}', "--rps", "5000"]),
            ("lgen.echo.Echo/BidiStream", [*ECHO, "-d", "[{}, {}]", "--connections", "2", "-e"]),
            ("lgen.echo.Echo/ServerStream", [*ECHO, "-d", '[{"replies": 2}, {"replies": 3}]']),
        ]
        for method, words in rows:
            with self.subTest(method):
                plan = self.run_words("bench", "h:1", method, *words, "-n", "20", "--print-plan")
                self.check(plan, 0)
                self.write("plan.lua", plan.out)
                self.check(self.run_words("check", "plan.lua"), 0)
                by_hand = self.run_plan("plan.lua", "--target", self.server.target, "--validity", "warn")
                self.check(by_hand, 0)
                bench = self.ok(self.bench(self.server.target, method, *words, "-n", "20"))
                for metric in ("grpc_calls", "grpc_messages_sent", "grpc_messages_received"):
                    self.assertEqual(by_hand.summary["metrics"].get(metric, {}).get("total"),
                                     bench.summary["metrics"].get(metric, {}).get("total"))

    def test_engine_options(self):
        ended = self.ok(self.hello("-n", "3", "--seed", "5"))
        self.assertEqual(ended.summary["run"]["seed"], 5)


class HelpTest(BenchCase):
    def test_every_option_of_the_help_is_used_in_this_file(self):
        with open(__file__, encoding="utf-8") as file:
            words = set(re.findall(r"[-\w]+", file.read()))
        text = self.run_words("bench", "--help").out
        own = text[:text.index("\nTarget:")]
        flags = set(re.findall(r"^  (?:(-\w), )?(--[\w-]+)", own, re.MULTILINE))
        self.assertGreater(len(flags), 30)
        for letter, name in flags:
            self.assertIn(name, words)
            if letter:
                self.assertIn(letter, words)
